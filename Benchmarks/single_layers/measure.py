"""The share of models of one layer that work: read, float equal to the framework's, integers close to it.

    python measure.py FOLDER [FOLDER ...] [--fpgaml .build/release/fpgaml] [--markdown]

FOLDER holds models beside `<name>.golden.h5`, as keras_cases.py and torch_cases.py write them. A model works if
`predict --float` gives the framework's outputs to 1e-4 of the largest, and `predict --precision 'fixed<32,12>'`, which
leaves a quantized model's own types alone, gives them to 0.02 (of values up to 1, else of the largest), as hls4ml's tests ask.
"""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def predictions(fpgaml, model, golden, options):
    """The outputs, or the error's first line."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.h5"
        command = [fpgaml, "predict", model, "--inputs", golden, "-o", out, *options]
        try:
            result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return "takes more than 120 s"
        if result.returncode:
            lines = result.stderr.strip().splitlines() or [""]
            return f"exit {result.returncode}: {lines[0]}"
        with h5py.File(out) as file:
            names = sorted(file, key=lambda name: int(name.rsplit("_", 1)[1]) if name[-1].isdigit() else 0)
            return np.concatenate([file[name][()].reshape(len(file[name]), -1) for name in names], axis=1)


def check(fpgaml, model):
    """Why a model does not work, or nothing."""
    golden = model.with_name(f"{model.stem}.golden.h5")
    with h5py.File(golden) as file:
        expected = file["outputs"][()]
    for options, tolerance in ((["--float"], 1e-4), (["--precision", "fixed<32,12>"], 0.02)):
        found = predictions(fpgaml, model, golden, options)
        if isinstance(found, str):
            return found
        if found.shape != expected.shape:
            return f"{options[0]}: {found.shape[1]} outputs instead of {expected.shape[1]}"
        error = np.abs(found - expected).max() / max(1, np.abs(expected).max())
        if not error <= tolerance:
            return f"{options[0]}: differs by {error:.2g}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--fpgaml", default=str(ROOT / ".build/release/fpgaml"))
    arguments = parser.parse_args()
    total, works, reasons = 0, 0, collections.defaultdict(list)
    for folder in arguments.folders:
        models = sorted(path for path in folder.iterdir() if path.suffix in (".keras", ".onnx") or path.name.endswith(".h5"))
        models = [path for path in models if not path.name.endswith(".golden.h5")]
        good = 0
        for model in models:
            reason = check(arguments.fpgaml, model)
            if reason is None:
                good += 1
            else:
                reasons[reason].append(f"{folder.name}/{model.stem}")
                print(f"{folder.name}/{model.name}: {reason}", file=sys.stderr, flush=True)
        print(f"{folder.name}: {good} of {len(models)} models ({100 * good / len(models):.1f} %)", flush=True)
        total, works = total + len(models), works + good
    print(f"all: {works} of {total} models ({100 * works / total:.1f} %)")
    for reason, names in reasons.items():
        print(f"- {', '.join(names)}: {reason}")


if __name__ == "__main__":
    main()
