#!/usr/bin/env python3
"""Compile time and memory against the number of non-zero signed digits: dense 8-bit matrices, each step four times
the digits of the one before.

usage: scaling.py --fpgaml BINARY --work DIR [--effort fast] [--largest 1000000]

CPU seconds and peak memory are those of the whole `compile` process. A matrix too large for the part is planned in
full before that is said, but not printed; the table says so.
"""

import argparse
import os
import subprocess
from pathlib import Path

import numpy as np

import workloads


def digits(weights):
    """Non-zero digits of the canonical signed-digit form: the bits in which 3w and w differ."""
    return sum(int(n).bit_count() for n in np.abs(weights) ^ (3 * np.abs(weights)) for n in np.atleast_1d(n))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fpgaml", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--effort", default="fast")
    parser.add_argument("--largest", type=int, default=1_000_000)
    a = parser.parse_args()
    print("| matrix | digits | CPU s | µs a digit | peak MB | result |\n|---|---|---|---|---|---|")
    size = 24
    while True:
        rng = np.random.default_rng(size)
        weights = rng.integers(-128, 128, (size, size))
        count = digits(weights)
        if count > a.largest * 1.1:
            break
        folder = Path(a.work) / f"{size}"
        model = workloads.Model(size)
        model.quantize(1.0, 8, True, "FLOOR")
        model.add("MatMul", weights)
        x = np.zeros((1, size))
        path = workloads.save(model, folder, size, x, x @ weights)
        command = [a.fpgaml, "compile", path, "--no-verify", "--quiet", "--primitives", "--effort", a.effort, "-o", folder / "build"]
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        seconds = usage.ru_utime + usage.ru_stime
        result = "written" if code == 0 else "planned; the part is too small" if code == 3 else f"exit {code}: {error[:80]}"
        print(f"| {size} x {size} | {count} | {seconds:.2f} | {seconds / count * 1e6:.1f} | {usage.ru_maxrss // 1024} | {result} |", flush=True)
        size = 610 if size == 384 else size * 2


if __name__ == "__main__":
    main()
