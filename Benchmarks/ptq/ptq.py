"""Post-training quantization, measured: decisions kept on samples that calibration has not seen, against look-up tables.

    python Benchmarks/ptq/ptq.py --digits conv2d_digits.h5 [--fpgaml .build/release/fpgaml] [--yosys] [--work FOLDER]

Needs numpy, h5py and scikit-learn (for the digits), and yosys for --yosys. Jets are made by examples/train/data.py, 2,000
to calibrate and 10,000 to measure; of scikit-learn's 1,797 digits every other calibrates, the rest measures. Prints a
markdown table; figures of LUTs are `fpgaml estimate`'s, those of yosys the cells of the build folder's own script.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "train"))
TARGETS = ("argmax=99%", "argmax=99.5%", "argmax=99.9%")


def jets(work):
    from data import jets as make

    np.save(work / "jets_cal.npy", make(2000, 777)[0])
    np.save(work / "jets_test.npy", make(10000, 12345)[0])


def digits(work):
    from sklearn.datasets import load_digits

    images = (load_digits().images / 16.0).astype(np.float32)[..., None]
    np.save(work / "digits_cal.npy", images[0::2])
    np.save(work / "digits_test.npy", images[1::2])


class Runner:
    def __init__(self, fpgaml, work, yosys):
        self.fpgaml, self.work, self.yosys = fpgaml, work, yosys

    def run(self, *arguments):
        return subprocess.run([self.fpgaml, *map(str, arguments)], check=True, capture_output=True, text=True).stdout

    def logits(self, model, samples, *options):
        out = self.work / "out.npy"
        self.run("predict", model, "--inputs", samples, "--output", "logits", "-o", out, *options)
        values = np.load(out)
        return values.reshape(len(values), -1)

    def row(self, name, model, options, seconds):
        test = self.work / f"{name}_test.npy"
        real, fixed = self.logits(model, test, "--float"), self.logits(model, test, *options)
        agreement = np.mean(real.argmax(1) == fixed.argmax(1))
        error = np.abs(real - fixed).mean() / np.sqrt(np.mean(real**2))
        report = json.loads(self.run("estimate", model, "--output", "logits", "--json", *options))
        estimate = report["resources"]["estimate"]
        cells = self.synthesize(model, options) if self.yosys else ""
        return [f"{100 * agreement:.2f} %", f"{100 * error:.2f} %", estimate["lut"], estimate["ff"], cells, seconds]

    def synthesize(self, model, options):
        build = self.work / "build"
        self.run("compile", model, "--output", "logits", "--no-verify", "-o", build, *options)
        log = subprocess.run(["yosys", "-s", "scripts/yosys.ys"], cwd=build, check=True, capture_output=True, text=True)
        # The last statistics are those of the whole design.
        counts = {}
        for line in log.stdout.splitlines():
            words = line.split()
            if len(words) == 2 and words[0].startswith("LUT") and words[1].isdigit():
                counts[words[0]] = int(words[1])
        return sum(counts.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fpgaml", default=str(ROOT / ".build/release/fpgaml"))
    parser.add_argument("--digits", help="a float Keras model of 8x8 digits, such as conv2d_digits.h5")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("ptq-work"))
    parser.add_argument("--yosys", action="store_true", help="synthesize too (minutes)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    runner = Runner(arguments.fpgaml, arguments.work.resolve(), arguments.yosys)
    models = [("jets", ROOT / "examples/models/jet_tagger_float.h5", jets)]
    if arguments.digits:
        models.append(("digits", pathlib.Path(arguments.digits), digits))
    print("| model | types | decisions kept | mean error | LUT | FF | LUT by yosys | search |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, model, make in models:
        make(arguments.work)
        choices = [("`--precision 'fixed<16,6>'`", ["--precision", "fixed<16,6>"], "")]
        for target in TARGETS:
            config = runner.work / f"{name}-{target}.yml"
            start = time.time()
            samples = runner.work / f"{name}_cal.npy"
            runner.run("profile", model, "--inputs", samples, "--output", "logits", "--target", target, "-o", config)
            choices.append((f"`--target {target}`", ["--config", config], f"{time.time() - start:.1f} s"))
        for text, options, seconds in choices:
            cells = runner.row(name, model, options, seconds)
            print("| " + " | ".join([name, text, *map(str, cells)]) + " |", flush=True)


if __name__ == "__main__":
    main()
