"""Every network of a folder of models with recorded outputs, through the whole compiler.

    python Benchmarks/models/models.py MODELS [--fpgaml .build/release/fpgaml] [--groups keras2,torch] [--work FOLDER]
        [--only PART] [--rows FILE] [--timeout 1800]

MODELS holds manifest.json: entries with path, files, golden.h5 (datasets `input...`, `output` and perhaps `logits`) and
`bit_exact`. For each model file: `inspect`; `predict --float` against the recorded outputs, to 1e-5 of the largest one;
`predict`, which must have no differences where the manifest says so; and, for the first file of each model, `compile`, which
verifies RTL and HLS against the reference simulator. What does not fit must say so with exit status 3, and is simulated only.
Prints a line a file as it goes, then the table. Needs numpy and h5py, Verilator and g++. Exit status 1 if anything is not as
it should be.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ("model", "architecture")
TOLERANCE = 1e-5


class Failure(Exception):
    pass


class Runner:
    def __init__(self, fpgaml, work, timeout):
        self.fpgaml, self.work, self.timeout = fpgaml, work, timeout

    def run(self, *arguments, statuses=(0,)):
        command = [self.fpgaml, *map(str, arguments)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{arguments[0]} took more than {self.timeout} s")
        if result.returncode not in statuses:
            raise Failure(f"{arguments[0]}: exit {result.returncode}: {result.stderr.strip()}")
        return result

    def predictions(self, model, golden, *options):
        out = self.work / "predictions.h5"
        self.run("predict", model, "--inputs", golden, "-o", out, *options)
        with h5py.File(out) as file:
            return np.concatenate([file[name][()].reshape(len(file[name]), -1) for name in file], axis=1)


def recorded(golden, dataset):
    with h5py.File(golden) as file:
        names = [name for name in file if name == dataset or name.startswith(f"{dataset}_")]
        names = [name for name in names if name == dataset or name[len(dataset) + 1 :].isdigit()]
        return np.concatenate([file[name][()].reshape(len(file[name]), -1) for name in names], axis=1)


def measure(runner, entry, folder, name, compiles):
    """One line of the table."""
    model, golden = folder / name, folder / "golden.h5"
    row = {"model": f"{entry['group']}/{name}", "samples": len(recorded(golden, "output"))}
    inspected = json.loads(runner.run("inspect", model, "--inputs", golden, "--json").stdout)
    row["nodes"] = len(inspected["layers"])
    expected = recorded(golden, "output")
    found = runner.predictions(model, golden, "--float")
    row["float"] = float(np.abs(found - expected).max() / max(1, np.abs(expected).max()))
    exact = entry.get("bit_exact_dataset", "output") if entry["bit_exact"] else None
    options = ["--output", "logits"] if exact == "logits" else []
    start = time.time()
    found = runner.predictions(model, golden, *options)
    row["simulation_s"] = time.time() - start
    if exact:
        row["differences"] = int((found != recorded(golden, exact)).sum())
    if compiles:
        compile_once(runner, row, model, golden, options)
    return row


def compile_once(runner, row, model, golden, options):
    build = runner.work / "build"
    start = time.time()
    result = runner.run("compile", model, "--inputs", golden, "-o", build, *options, statuses=(0, 1, 3))
    row["compile_s"] = time.time() - start
    row["status"] = result.returncode
    if result.returncode == 3:
        row["why"] = " ".join(result.stderr.split())
        return
    report = json.loads((build / "report.json").read_text())
    verification, estimate = report["verification"], report["resources"]["estimate"]
    row |= {"lut": estimate["lut"], "ff": estimate["ff"], "dsp": estimate["dsp"], "cycles": report["latency"]["cycles"]}
    row |= {"verified": verification["samples"], "rtl": verification["rtl"]["mismatches"]}
    row["hls"] = verification["hls"]["mismatches"]
    row["lines"] = sum(len(path.read_text().splitlines()) for path in (build / "rtl").glob("*.v"))


def problems(row):
    """What is not as it should be."""
    found = []
    if "failure" in row:
        return [row["failure"]]
    if not row["float"] <= TOLERANCE:
        found.append(f"float deviates by {row['float']:.1e}")
    if row.get("differences"):
        found.append(f"{row['differences']} values differ from the framework's")
    if row.get("status") == 1:
        found.append(f"not verified: RTL {row['rtl']}, HLS {row['hls']} mismatches")
    return found


def cells(row):
    exact = {None: "–"}.get(row.get("differences"), str(row.get("differences")))
    if "status" not in row:
        hardware = ["not run", "", "", "", ""]
    elif row["status"] == 3:
        hardware = ["too large", "", "", "", ""]
    else:
        checked = f"{row['verified']}: {row['rtl']} / {row['hls']}"
        hardware = [row["lut"], row["dsp"], f"{row['cycles']}", row["lines"], checked]
    return [f"`{row['model']}`", row["nodes"], f"{row['float']:.0e}", exact, *hardware, f"{row['compile_s']:.0f}" if "compile_s" in row else ""]


HEADER = ("model", "nodes", "float", "exact", "LUT", "DSP", "cycles", "Verilog lines", "verified: RTL / HLS", "seconds")


def table(rows):
    lines = ["| " + " | ".join(HEADER) + " |", "|---|" + "---:|" * (len(HEADER) - 1)]
    lines += ["| " + " | ".join(map(str, cells(row))) + " |" for row in rows if "failure" not in row]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--fpgaml", default=str(ROOT / ".build/release/fpgaml"))
    parser.add_argument("--groups", help="the groups of the manifest to take, by commas")
    parser.add_argument("--only", default="", help="a part of the names to take")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("models-work"))
    parser.add_argument("--timeout", type=float, default=1800)
    parser.add_argument("--rows", type=pathlib.Path, help="a file of JSON lines that keeps and adds to earlier rows")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    runner = Runner(arguments.fpgaml, arguments.work.resolve(), arguments.timeout)
    manifest = json.loads((arguments.models / "manifest.json").read_text())["models"]
    groups = arguments.groups.split(",") if arguments.groups else {entry["group"] for entry in manifest} - {"trees"}
    rows = [json.loads(line) for line in arguments.rows.open()] if arguments.rows and arguments.rows.exists() else []
    known = {row["model"] for row in rows}
    for entry in (entry for entry in manifest if entry["group"] in groups):
        names = [f["file"] for f in entry["files"] if f["role"].split(" (")[0] in ROLES]
        for number, name in enumerate(names):
            if f"{entry['group']}/{name}" in known or arguments.only not in f"{entry['group']}/{name}":
                continue
            try:
                row = measure(runner, entry, arguments.models / entry["path"], name, number == 0)
            except Failure as failure:
                row = {"model": f"{entry['group']}/{name}", "failure": str(failure)}
            rows.append(row)
            print(json.dumps(row), "; ".join(problems(row)) or "ok", flush=True)
            if arguments.rows:
                with arguments.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    order = [f"{entry['group']}/{f['file']}" for entry in manifest for f in entry["files"]]
    rows.sort(key=lambda row: order.index(row["model"]))
    print(table(rows))
    wrong = [row for row in rows if problems(row)]
    print(f"{len(rows) - len(wrong)} of {len(rows)} files as they should be")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
