#!/usr/bin/env python3
"""Compares fpgaml with alkaid and da4ml: the same models, the same synthesis, one table.

usage: qor.py --fpgaml BINARY --peers PYTHON --work DIR [--only GLOB,GLOB] [--seeds 1,2] [--model FILE ...]
              [--flows fast,stock] [--efforts fast,balanced,max] [--cutoffs 5,2] [--ecp5] [--peer-dc=-1,0,2]

Compiles generated matrices and networks (workloads.py) and the models named; PYTHON has alkaid and da4ml installed.
Every design is synthesised and its netlist evaluated on all samples: it must give the expected outputs bit for bit,
over the same number of registers on every path. Rows go to WORK/rows.jsonl, the tables to WORK/table.md. A design that
has been measured before is not measured again.

  combinational     alkaid ternary with the cheapest, binary with the fastest of its delay settings, da4ml both;
                    fpgaml at each effort, and of matrices under a limit to be as fast as each peer's fastest
  pipelined         networks: alkaid ternary at each cutoff; fpgaml with the period at which its slowest stage, measured
                    in the netlist, is at most alkaid's
"""

import argparse
import fnmatch
import hashlib
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import synthesis
import tables
import workloads

HERE = Path(__file__).resolve().parent


def call(command):
    """Output and user and system CPU seconds of one process."""
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(map(str, command))}: {err[-400:] or out[-400:]}")
    return out, usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, arguments):
        self.a = arguments
        self.work = Path(arguments.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.log = self.work / "rows.jsonl"
        self.rows = {}
        self.netlists = {}
        if self.log.exists():
            for line in self.log.read_text().splitlines():
                row = json.loads(line)
                self.remember(row)

    def remember(self, row):
        self.rows[row["workload"], row["design"], row["flow"]] = row
        self.netlists[row["workload"], row["digest"], row["flow"]] = row

    # Measuring

    def measure(self, name, design, files, top, ports, extra, structural=False, flows=None):
        """Synthesises and checks one design under every flow and keeps the rows."""
        result = []
        text = b"\0".join(Path(f).read_bytes() for f in files) + (b"t" if structural else b"")
        digest = hashlib.sha256(text).hexdigest()[:16]
        for flow in flows or self.a.flows.split(","):
            known = self.netlists.get((name, digest, flow))
            if known:
                row = {**known, **extra, "design": design}
                if row != self.rows.get((name, design, flow)):
                    self.keep(row)
                result.append(row)
                continue
            folder = self.work / name / "synthesis" / design
            netlist, seconds = synthesis.xilinx(files, top, flow, folder, structural)
            row = {"workload": name, "design": design, "flow": flow, "digest": digest, **extra}
            row |= netlist.count() | netlist.timing() | self.check(name, netlist, ports) | {"yosys_cpu": seconds}
            self.keep(row)
            result.append(row)
        return result

    def keep(self, row):
        self.remember(row)
        with open(self.log, "a") as log:
            log.write(json.dumps(row) + "\n")
        keys = ("workload", "design", "flow", "LUT", "register_bits", "delay", "depth", "wrong", "cpu")
        print(*(f"{k}={row[k]}" for k in keys if k in row), flush=True)

    def check(self, name, netlist, ports):
        """Outputs that differ from the expected ones, and the registers on every path."""
        x, y = self.samples(name)
        (source, inputs), (sink, outputs) = ports
        bits = [0] * len(netlist.ports[source]["bits"])
        for column, (offset, width, fraction) in enumerate(inputs):
            raw = (x[:, column] * 2.0**fraction).astype(np.int64)
            for i in range(width):
                bits[offset + i] = int.from_bytes(np.packbits((raw >> i) & 1, bitorder="little").tobytes(), "little")
        got, latency = netlist.evaluate({source: bits}, len(x))
        wrong = 0
        for column, (offset, width, fraction) in enumerate(outputs):
            raw = y[:, column] * 2.0**fraction
            if np.any(raw != np.floor(raw)):
                wrong += int(np.sum(raw != np.floor(raw)))
            value = np.zeros(len(x), dtype=np.int64)
            for i in range(width):
                column_bits = got[sink][offset + i].to_bytes((len(x) + 7) // 8, "little")
                value |= np.unpackbits(np.frombuffer(column_bits, np.uint8), bitorder="little")[: len(x)].astype(np.int64) << i
            wrong += int(np.sum(value != (raw.astype(np.int64) & ((1 << width) - 1))))
        least, most = latency[sink] or (0, 0)
        if wrong or least != most:
            print(f"WRONG {name}: {wrong} outputs, {least} to {most} registers", file=sys.stderr)
        return {"wrong": wrong, "checked": int(y.size), "cycles": most, "uneven": least != most}

    def samples(self, name):
        x, y = (np.load(self.work / name / f"{n}.npy") for n in "xy")
        return x.reshape(len(x), -1), y.reshape(len(y), -1)

    # fpgaml

    def compile(self, name, model, design, options):
        """A build folder, its report and the CPU seconds of the whole process."""
        build = self.work / name / "fpgaml" / design
        command = [self.a.fpgaml, "compile", model, "--no-verify", "--output", "logits", "-o", build, "--quiet", *options]
        _, seconds = call(command)
        return build, json.loads((build / "report.json").read_text()), round(seconds, 3)

    def fpgaml(self, name, model, design, options, flows=None):
        build, report, seconds = self.compile(name, model, design, ["--primitives", *options])
        files = sorted((build / "rtl").glob("*.v"))
        ports = [
            (p["name"], [[e["offset"], e["width"], e["fraction"]] for e in p["elements"]]) for p in report["ports"]]
        extra = {
            "compiler": "fpgaml", "cpu": seconds, "options": " ".join(options), "estimate": report["resources"]["estimate"],
            "modelled": report["timing"]["critical_path_ns"]}
        top = build / "rtl"
        return self.measure(name, design, files, self.top(top), ports, extra, flows=flows)

    @staticmethod
    def top(rtl):
        """The module without a suffix: all others are named after it."""
        return min((f.stem for f in rtl.glob("*.v")), key=len)

    def fit(self, name, model, design, base, limit, start, rounds=4):
        """fpgaml at the period whose slowest stage, in the netlist, is at most `limit` ns, with fewest registers."""
        best, period = None, start
        for _ in range(rounds):
            try:
                row = self.fpgaml(name, model, f"{design}_{period:.2f}", [*base, "--clock", f"{period:.3f}ns"], ["fast"])[0]
            except RuntimeError as error:
                if "infeasible" not in str(error).lower() and "P0" not in str(error):
                    raise
                period *= 1.08
                continue
            fits = row["delay"] <= limit
            size = lambda r: (r["register_bits"], r["LUT"])
            if fits and (best is None or size(row) < size(best)):
                best = row
            if fits and row["delay"] > 0.97 * limit:
                break
            period *= min(max(limit / row["delay"], 0.75), 1.3) * (1.0 if fits else 0.985)
        if best:
            self.keep(dict(best, design=design))
        return best

    def limited(self, name, model, peer):
        """fpgaml no slower than a peer's fastest design."""
        limit = self.rows[name, f"{peer}_fastest", "fast"]["delay"]
        free = self.rows.get((name, "balanced", "fast"))
        if free and free["delay"] <= limit:
            self.keep(dict(free, design=f"limited_{peer}"))
            return
        base = ["--io-registers", "out", "--latency", "1cycles", "--clock-uncertainty", "0%"]
        self.fit(name, model, f"limited_{peer}", base, limit, limit)

    # Peers

    def peer(self, name, graph, peer, dc, designs):
        """Converts with a peer; [(design, files, structural, extra)] and the places of the ports."""
        out = self.work / name / peer / f"dc{dc}"
        folder = self.work / name
        marker = out / "conversion.json"
        if not marker.exists() or any(d.split("=")[0] not in json.loads(marker.read_text())["costs"] for d in designs):
            out.mkdir(parents=True, exist_ok=True)
            command = [self.a.peers, HERE / "peers.py", peer, graph, folder / "x.npy", folder / "y.npy", out, f"--hard-dc={dc}"]
            text, _ = call([*command, *(f"--design={d}" for d in designs)])
            marker.write_text(text.strip().splitlines()[-1] + "\n")
        return json.loads(marker.read_text()), out

    def peer_design(self, name, data, out, design, label, flows=None):
        files = [f for f in sorted((out / design / "src").rglob("*.v")) if f.name != "model_wrapper.v"]
        ports = [("model_inp", data["ports"]["model_inp"]), ("model_out", data["ports"]["model_out"])]
        extra = {k: data[k] for k in ("cpu", "wall", "hard_dc", "mismatches")} | {"compiler": data["peer"]}
        return self.measure(name, label, files, "model", ports, extra, "ternary" in design, flows)

    # One workload

    def run(self, name, model):
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        clockless = ["--io-registers", "none", "--clock", "1MHz", "--latency", "4us"]
        efforts = self.a.efforts.split(",")
        build, _, _ = self.compile(name, model, efforts[0], ["--primitives", *clockless, "--effort", efforts[0]])
        graph = build / "graph.json"
        self.expected(name, model, build)
        isMatrix = any(name.startswith(m) for m in workloads.MATRICES)
        for effort in efforts:
            self.fpgaml(name, model, effort, [*clockless, "--effort", effort])
        cutoffs = [] if isMatrix else self.a.cutoffs.split(",")
        smallest = self.combinational(name, graph, cutoffs)
        if isMatrix:
            for peer in ("alkaid", "da4ml"):
                self.limited(name, model, peer)
        else:
            data, out = smallest
            for cutoff in cutoffs:
                row = self.peer_design(name, data, out, f"ternary{cutoff}", f"alkaid_lc{cutoff}", ["fast"])[0]
                base = ["--io-registers", "both", "--latency", "10us", "--clock-uncertainty", "0%"]
                self.fit(name, model, f"pipelined_lc{cutoff}", base, row["delay"], row["delay"] * 1.1)
        if self.a.ecp5 and not isMatrix:
            self.place(name, model, graph, cutoffs[0])

    def expected(self, name, model, build):
        """Samples and expected outputs: those beside a generated model, else random ones through the simulator."""
        folder = self.work / name
        if (folder / "y.npy").exists():
            return
        report = json.loads((build / "report.json").read_text())
        rng = np.random.default_rng(0)
        columns = []
        for e in report["ports"][0]["elements"]:
            low = -(1 << (e["width"] - 1)) if e["signed"] and e["width"] else 0
            high = low + (1 << e["width"])
            raw = np.concatenate([[low, high - 1, 0], rng.integers(low, high, 253)])
            columns.append(raw * 2.0 ** -e["fraction"])
        x = np.array(columns).T.reshape(256, *report["ports"][0]["shape"])
        np.save(folder / "x.npy", x)
        call([self.a.fpgaml, "predict", build, "--inputs", folder / "x.npy", "-o", folder / "y.npy"])

    def combinational(self, name, graph, cutoffs):
        """The peers' smallest and fastest designs without registers; returns alkaid's smallest conversion."""
        settings = self.a.peer_dc.split(",")
        wanted = ["ternary=ternary", "binary=binary", *(f"ternary{c}=ternary:{c}" for c in cutoffs)]
        wanted += [f"binary{c}=binary:{c}" for c in cutoffs[:1]]
        alkaid = [self.peer(name, graph, "alkaid", dc, wanted) for dc in settings]
        smallest = min(alkaid, key=lambda c: c[0]["costs"]["ternary"])
        # The setting that limits delay most strictly is the least above -1, which means no limit.
        strictest = min(range(len(settings)), key=lambda i: int(settings[i]) % 1000)
        self.peer_design(name, *smallest, "ternary", "alkaid_smallest")
        da4ml = [self.peer(name, graph, "da4ml", dc, ["binary=binary"]) for dc in settings]
        self.peer_design(name, *min(da4ml, key=lambda c: c[0]["cost"]), "binary", "da4ml_smallest", ["fast"])
        if not cutoffs:
            self.peer_design(name, *alkaid[strictest], "binary", "alkaid_fastest", ["fast"])
            self.peer_design(name, *da4ml[strictest], "binary", "da4ml_fastest", ["fast"])
        return smallest

    def place(self, name, model, graph, cutoff):
        """Fmax on ECP5 of alkaid's binary pipeline and of fpgaml's in as many cycles."""
        if (name, "ecp5", "ecp5") in self.rows:
            return
        data, out = self.peer(name, graph, "alkaid", self.a.peer_dc.split(",")[-1], ["binary=binary"])
        folder = self.work / name / "synthesis"
        row = self.peer_design(name, data, out, f"binary{cutoff}", f"alkaid_binary_lc{cutoff}", ["fast"])[0]
        files = [f for f in sorted((out / f"binary{cutoff}" / "src").rglob("*.v")) if f.name != "model_wrapper.v"]
        width = lambda p: sum(w for _, w, _ in data["ports"][p])
        ports = {"clk": ("input", 1), "model_inp": ("input", width("model_inp")), "model_out": ("output", width("model_out"))}
        theirs = synthesis.ecp5(files, "model", ports, 200, folder / "ecp5_alkaid")
        options = ["--part", "ecp5", "--io-registers", "both", "--latency", f"{row['cycles']}cycles", "--clock", "max",
                   "--ports", "none"]
        build, report, _ = self.compile(name, model, "ecp5", options)
        ports = {"clk": ("input", 1)}
        ports |= {p["name"]: ("input" if p["direction"] == "in" else "output", p["bits"]) for p in report["ports"]}
        files = sorted((build / "rtl").glob("*.v"))
        ours = synthesis.ecp5(files, self.top(build / "rtl"), ports, 200, folder / "ecp5_fpgaml")
        self.keep({
            "workload": name, "design": "ecp5", "flow": "ecp5", "digest": "", "cycles": [report["latency"]["cycles"], row["cycles"]],
            "fmax": [ours["fmax"], theirs["fmax"]], "modelled_mhz": report["target"]["clock_mhz"], "wrong": 0})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fpgaml", required=True)
    parser.add_argument("--peers", required=True, help="a Python that has alkaid and da4ml")
    parser.add_argument("--work", required=True)
    parser.add_argument("--only", default="*")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--model", action="append", default=[], help="a model file, or NAME=FILE")
    parser.add_argument("--flows", default="fast")
    parser.add_argument("--efforts", default="fast,balanced")
    parser.add_argument("--cutoffs", default="5,2")
    parser.add_argument("--peer-dc", default="-1,0,2")
    parser.add_argument("--ecp5", action="store_true")
    a = parser.parse_args()
    bench = Bench(a)
    wanted = lambda name: any(fnmatch.fnmatch(name, g) for g in a.only.split(","))
    names = [n for n in [*workloads.MATRICES, *workloads.NETWORKS] if wanted(n)]
    todo = list(workloads.generated(bench.work, names, [int(s) for s in a.seeds.split(",")]))
    for model in a.model:
        name, _, path = model.rpartition("=")
        todo.append((name or Path(path).stem, Path(path).resolve()))
    failures = []
    for name, model in todo:
        try:
            bench.run(name, model)
        except (RuntimeError, synthesis.SynthesisFailed) as error:
            failures.append(f"{name}: {error}")
            print(failures[-1], file=sys.stderr, flush=True)
    text = tables.text(bench.rows.values())
    (bench.work / "table.md").write_text(text)
    print(text)
    if failures:
        sys.exit(f"{len(failures)} workloads could not be compared")
    if any(r["wrong"] or r.get("uneven") or r.get("mismatches") for r in bench.rows.values()):
        sys.exit("some outputs are wrong")


if __name__ == "__main__":
    main()
