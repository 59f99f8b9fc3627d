"""Post-training quantization, measured: decisions kept on samples that calibration has not seen, against look-up tables.

    python Benchmarks/ptq/ptq.py --digits conv2d_digits.h5 [--fpgaml .build/release/fpgaml] [--yosys SECONDS] [--work FOLDER]

Needs numpy, h5py and scikit-learn (for the digits), and yosys for --yosys. Jets are made by examples/train/data.py, 2,000
to calibrate and 10,000 to measure; of scikit-learn's 1,797 digits every other calibrates, the rest measures. Prints a
markdown table; figures of LUT and FF are `fpgaml estimate`'s, those of yosys what the `fast` flow of Benchmarks/qor makes of
the Verilog of `compile --primitives`. A synthesis that takes longer than SECONDS is given up.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "examples" / "train"), str(ROOT / "Benchmarks" / "qor")]
import synthesis  # noqa: E402
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


def cpu():
    """Seconds that ended children have computed for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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
        cells = self.synthesize(name, model, options) if self.yosys else ["", "", ""]
        return [f"{100 * agreement:.2f} %", f"{100 * error:.2f} %", estimate["lut"], estimate["ff"], *cells, seconds]

    def synthesize(self, name, model, options):
        """LUT, flip-flops and CPU seconds of a synthesis."""
        build = self.work / "build"
        self.run("compile", model, "--output", "logits", "--no-verify", "--primitives", "-o", build, *options)
        files = sorted((build / "rtl").glob("*.v"))
        # All other modules are named after the one at the top.
        top = min((file.stem for file in files), key=len)
        try:
            netlist, seconds = synthesis.xilinx(files, top, "fast", self.work / "synthesis", timeout=self.yosys)
        except subprocess.TimeoutExpired:
            return ["not done", "", f"> {self.yosys:.0f} s"]
        counts = netlist.count()
        return [counts["LUT"], counts["FF"], f"{seconds:.0f} s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fpgaml", default=str(ROOT / ".build/release/fpgaml"))
    parser.add_argument("--digits", help="a float Keras model of 8x8 digits, such as conv2d_digits.h5")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("ptq-work"))
    parser.add_argument("--yosys", type=float, metavar="SECONDS", help="synthesize too, for so long each at most")
    parser.add_argument("--only", default="", help="a part of the rows to take, such as 'jets `--target argmax=99.5'")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    runner = Runner(arguments.fpgaml, arguments.work.resolve(), arguments.yosys)
    models = [("jets", ROOT / "examples/models/jet_tagger_float.h5", jets)]
    if arguments.digits:
        models.append(("digits", pathlib.Path(arguments.digits), digits))
    print("| model | types | decisions kept | mean error | LUT | FF | LUT by yosys | FF by yosys | yosys | search |")
    print("|---|---|" + "---:|" * 8)
    for name, model, make in models:
        make(arguments.work)
        for target in (None, *TARGETS):
            text = f"`--target {target}`" if target else "`--precision 'fixed<16,6>'`"
            if arguments.only not in f"{name} {text}":
                continue
            options, seconds = ["--precision", "fixed<16,6>"], ""
            if target:
                options = ["--config", runner.work / f"{name}-{target}.yml"]
                start = cpu()
                samples = ["--inputs", runner.work / f"{name}_cal.npy", "--output", "logits"]
                runner.run("profile", model, *samples, "--target", target, "-o", options[1])
                seconds = f"{cpu() - start:.1f} s"
            cells = runner.row(name, model, options, seconds)
            print("| " + " | ".join([name, text, *map(str, cells)]) + " |", flush=True)


if __name__ == "__main__":
    main()
