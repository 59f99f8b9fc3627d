#!/usr/bin/env python3
"""How long fpgaml reads a model of 10 MB, in each format.

  swift build -c release --product reading-benchmark
  V2/bin/python Benchmarks/reading/models.py FOLDER      # V2 with TensorFlow 2.14
  V3/bin/python Benchmarks/reading/models.py FOLDER      # V3 with Keras 3 and a backend
  python3 Benchmarks/reading/run.py FOLDER [--repetitions 9] [--binary FILE] [--fpgaml FILE]

Every model in FOLDER is read again and again in a process of its own; files of weights are read with their architecture. Fails where the
first reading of a model takes half a second of wall-clock time or more.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ENDINGS = {".h5", ".keras", ".json", ".onnx", ".ubj", ".txt", ".xml"}
LIMIT = 0.5


def main():
    package = pathlib.Path(__file__).parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--binary", type=pathlib.Path, default=package / ".build/release/reading-benchmark")
    parser.add_argument("--fpgaml", type=pathlib.Path, default=package / ".build/release/fpgaml", help="the child that reads HDF5")
    options = parser.parse_args()
    models = sorted(p for p in options.folder.iterdir() if p.suffix in ENDINGS and not p.stem.endswith("_weights"))
    environment = dict(os.environ, FPGAML_BINARY=str(options.fpgaml))
    failed = False
    print("| model | MB | first, s | median, s | CPU, s |\n|---|---:|---:|---:|---:|")
    for model in models:
        files = [model] + ([model.with_name(f"{model.stem}_weights.h5")] if model.suffix == ".json" else [])
        files = [file for file in files if file.exists()]
        megabytes = sum(p.stat().st_size for p in files) / 1e6
        line = subprocess.run(
            [options.binary, str(options.repetitions), model], check=True, capture_output=True, text=True, env=environment)
        times = json.loads(line.stdout)
        failed |= times["first_s"] >= LIMIT
        print(f"| {model.name} | {megabytes:.1f} | {times['first_s']:.3f} | {times['median_s']:.3f} | {times['cpu_s']:.3f} |")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
