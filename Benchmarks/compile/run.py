#!/usr/bin/env python3
"""CPU seconds from a model to RTL: fpgaml, alkaid and da4ml on the same typed networks.

  python3 -m venv V && V/bin/pip install alkaid==0.8.2 da4ml==0.6.0
  V/bin/python Benchmarks/compile/run.py [--fpgaml BINARY] [--effort E] MODEL...

Each conversion is a process of its own, and its user and system time counts, of its children and threads too. fpgaml reads the
model file and leaves a whole build folder: Verilog, HLS C++, test bench, reports. The peers get the typed network that fpgaml
wrote (graph.json), so that all compile the same integers, and write Verilog for a pipeline, ternary adders fused in alkaid's.
`convert` is the peers' conversion alone, without Python's start, imports and the writing of Verilog. The outputs of every
conversion are compared on samples. Models are cut before a last softmax, which the peers do not have.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

PEERS = Path(__file__).resolve().parent.parent / "qor" / "peers.py"


def call(*command):
    """Standard output, and CPU seconds of the process and its children."""
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(map(str, command))}:\n{err[-800:]}")
    return out, usage.ru_utime + usage.ru_stime


def samples(graph, count=200):
    """Values that every input type holds."""
    node = graph["nodes"][0]
    values = node["inputTypes"]["values"]
    size = int(np.prod(node["shape"]))
    types = values * size if len(values) == 1 else values
    random = np.random.default_rng(1)
    columns = []
    for t in types:
        low = -(1 << (t["width"] - 1)) if t["isSigned"] and t["width"] else 0
        raw = random.integers(low, low + (1 << t["width"]), count)
        columns.append(raw * 2.0 ** (t["integerBits"] - t["width"]))
    return np.stack(columns, axis=1).reshape(count, *node["shape"])


def row(options, model, place):
    build = place / "build"
    command = [options.fpgaml, "compile", model, "--output", "logits", "--no-verify", "--effort", options.effort, "-q", "-o", build]
    _, own = call(*command)
    graph = build / "graph.json"
    np.save(place / "x.npy", samples(json.loads(graph.read_text())))
    call(options.fpgaml, "predict", build, "--inputs", place / "x.npy", "-o", place / "y.npy")
    cells = [f"{own:.2f}"]
    for peer, design in (("alkaid", "p=ternary:5"), ("da4ml", "p=binary:5")):
        out, whole = call(
            sys.executable, PEERS, peer, graph, place / "x.npy", place / "y.npy", place / peer, "--hard-dc=2", "--design", design)
        data = json.loads(out.strip().splitlines()[-1])
        if data["mismatches"]:
            sys.exit(f"{model}: {data['mismatches']} outputs of {peer} are others")
        cells += [f"{data['cpu']:.2f}", f"{whole:.2f}"]
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--fpgaml", default=".build/release/fpgaml")
    parser.add_argument("--effort", default="balanced")
    options = parser.parse_args()
    print("| model | fpgaml | alkaid convert | alkaid | da4ml convert | da4ml |\n|---|---:|---:|---:|---:|---:|")
    for model in options.models:
        name = model.parent.name if model.stem == "model" else model.stem
        with tempfile.TemporaryDirectory() as place:
            print("| " + " | ".join([name] + row(options, model, Path(place))) + " |", flush=True)


if __name__ == "__main__":
    main()
