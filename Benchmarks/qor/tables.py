#!/usr/bin/env python3
"""Markdown tables of measured rows: every design, ratios and their geometric means, estimates.

usage: tables.py WORK/rows.jsonl
"""

import json
import math
import sys

GROUPS = {"dense": "dense matrices", "sparse": "sparse matrices", "lowbit": "low-bit matrices"}


def mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def group(name):
    return GROUPS.get(name.split("_")[0], "networks")


def line(cells):
    return "| " + " | ".join("" if c is None else f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells) + " |\n"


def head(*names):
    return line(names) + "|---" * len(names) + "|\n"


def text(rows):
    rows = {(r["workload"], r["design"], r["flow"]): r for r in rows}
    names = list(dict.fromkeys(k[0] for k in rows))
    result = designs(rows)
    result += comparison("Smallest", rows, names, smallest)
    result += comparison("Fastest", rows, names, fastest)
    result += comparison("Pipelined, slowest stage at most the peer's", rows, names, pipelined)
    result += comparison("ECP5 after place and route", rows, names, placed)
    return result + estimates(rows)


def designs(rows):
    result = "### Designs\n\n" + head(
        "workload", "design", "flow", "LUT", "CARRY4", "FF", "register bits", "DSP", "depth", "delay ns", "cycles",
        "compile CPU s", "wrong outputs")
    for (name, design, flow), r in rows.items():
        if "LUT" not in r or design[-3:-2] == ".":
            continue  # a step of a search
        result += line([
            name, design, flow, r["LUT"], r["CARRY"], r["FF"], r["register_bits"], r["DSP"], r["depth"], f'{r["delay"]:.2f}',
            r["cycles"], f'{r["cpu"]:.2f}', f'{r["wrong"]}/{r["checked"]}'])
    return result + "\n"


def estimates(rows):
    """What fpgaml estimates against what synthesis counts, with the means and the worst."""
    result = "### Estimate against synthesis (fast flow)\n\n" + head(
        "workload", "design", "LUT estimated", "LUT", "ratio", "FF estimated", "FF", "ratio")
    ratios = []
    for (name, design, flow), r in rows.items():
        if flow != "fast" or not (design == "balanced" or design.startswith("pipelined_lc") and design.count("_") == 1):
            continue
        lut, ff = r["estimate"]["lut"], r["estimate"]["ff"]
        ratios.append(lut / r["LUT"])
        result += line([
            name, design, lut, r["LUT"], ratios[-1], ff or None, r["FF"] or None, ff / r["FF"] if r["FF"] else None])
    if not ratios:
        return ""
    worst = max(ratios, key=lambda v: abs(math.log(v)))
    return result + line(["**geometric mean; worst**", "", None, None, f"{mean(ratios):.3f}; {worst:.3f}", None, None, None]) + "\n"


def comparison(title, rows, names, ratios):
    """A table of ratios of fpgaml's figures to a peer's, with the geometric means of each group."""
    lines = [(group(n), n, ratios(rows, n)) for n in names]
    lines = [(g, n, r) for g, n, r in lines if r]
    if not lines:
        return ""
    keys = list(dict.fromkeys(k for _, _, r in lines for k in r))
    result = f"### {title}: fpgaml / peer\n\n" + head("workload", *keys)
    for _, name, ratio in lines:
        result += line([name, *(ratio.get(k) for k in keys)])
    for g in dict.fromkeys(g for g, _, _ in lines):
        result += line([f"**{g}**", *(mean([r.get(k) for h, _, r in lines if h == g]) for k in keys)])
    return result + "\n"


def over(rows, name, ours, theirs, key, flow="fast"):
    a, b = rows.get((name, ours, flow)), rows.get((name, theirs, flow))
    return a[key] / b[key] if a and b and b.get(key) else None


def smallest(rows, name):
    result = {}
    for flow in dict.fromkeys(k[2] for k in rows if k[2] in ("fast", "cpa", "stock")):
        for effort in ("fast", "balanced", "max"):
            ratio = over(rows, name, effort, "alkaid_smallest", "LUT", flow)
            if ratio:
                result[f"LUT {effort}, {flow}"] = ratio
    for effort in ("fast", "balanced", "max"):
        ratio = over(rows, name, effort, "alkaid_smallest", "delay")
        if ratio:
            result[f"delay {effort}"] = ratio
            result[f"CPU {effort}"] = over(rows, name, effort, "alkaid_smallest", "cpu")
    ratio = over(rows, name, "balanced", "da4ml_smallest", "LUT")
    if ratio:
        result["LUT balanced / da4ml"] = ratio
    return result


def fastest(rows, name):
    result = {}
    for peer in ("alkaid", "da4ml"):
        ratio = over(rows, name, f"limited_{peer}", f"{peer}_fastest", "LUT")
        if ratio:
            result[f"LUT / {peer}"] = ratio
            result[f"delay / {peer}"] = over(rows, name, f"limited_{peer}", f"{peer}_fastest", "delay")
    return result


def pipelined(rows, name):
    result = {}
    for key in [k for k in rows if k[0] == name and k[1].startswith("pipelined_lc") and k[1].count("_") == 1]:
        cutoff = key[1].removeprefix("pipelined_")
        for figure in ("register_bits", "delay", "cycles", "LUT"):
            result[f"{figure} {cutoff}"] = over(rows, name, key[1], f"alkaid_{cutoff}", figure)
    return result


def placed(rows, name):
    row = rows.get((name, "ecp5", "ecp5"))
    return row and {
        "Fmax ratio": row["fmax"][0] / row["fmax"][1], "MHz": row["fmax"][0], "peer's MHz": row["fmax"][1],
        "cycles": row["cycles"][0] / row["cycles"][1]}


if __name__ == "__main__":
    print(text(map(json.loads, open(sys.argv[1]))))
