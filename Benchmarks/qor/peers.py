#!/usr/bin/env python3
"""Compiles a typed graph that fpgaml wrote (graph.json) with alkaid or da4ml.

usage: peers.py alkaid|da4ml GRAPH.json X.npy Y.npy OUT --hard-dc N --design NAME=ternary|binary[:CUTOFF] ...

Writes OUT/NAME/src/*.v for every design and prints one JSON document: CPU seconds of the conversion alone (imports and
the writing of Verilog not counted), the outputs that differ from Y, and the places of the elements in the ports.
"""

import argparse
import importlib
import json
import resource
import time
from pathlib import Path

import numpy as np


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Peer:
    """What the two compilers, of one ancestry, call the same things."""

    def __init__(self, name, hard_dc):
        self.name = name
        options = {"hard_dc": hard_dc}
        trace = importlib.import_module(f"{name}.trace")
        ops = importlib.import_module(f"{name}.trace.ops")
        self.quantize, self.relu = ops.quantize, ops.relu
        if name == "alkaid":
            self.array = lambda shape: trace.FVArrayInput(shape, solver_options=options)
            self.trace = trace.trace
        else:
            hardware = trace.HWConfig(1, -1, -1)
            self.array = lambda shape: trace.FixedVariableArrayInput(shape, hwconf=hardware, solver_options=options)
            self.trace = trace.comb_trace

    def write(self, comb, path, ternary, cutoff):
        model = importlib.import_module(f"{self.name}.codegen").RTLModel
        if self.name == "alkaid":
            rtl = model(comb, path, "model", latency_cutoff=cutoff, ternary_fuse=ternary, print_latency=False)
        else:
            rtl = model(comb, "model", path, latency_cutoff=cutoff, print_latency=False)
        rtl.write()


def elements(values, count):
    """The array of a PerElement."""
    return values["values"] * count if len(values["values"]) == 1 else values["values"]


def fixed(peer, x, types, positive=False, isInput=False):
    """x in fixed-point types, element by element; inputs are in range and on the grid, and wrap."""
    count = int(np.prod(x.shape))
    types = elements(types, count)
    shape = lambda key: np.array([key(t) for t in types], dtype=np.int8).reshape(x.shape)
    signs = shape(lambda t: t["isSigned"])
    integers = shape(lambda t: t["integerBits"]) - signs
    fractions = shape(lambda t: t["width"] - t["integerBits"])
    modes = {(t["overflow"], t["rounding"]) for t in types if t["width"]}
    if len(modes) > 1 and not isInput:
        raise ValueError(f"several rounding or overflow modes in one tensor: {modes}")
    overflow, rounding = ("WRAP", "TRN") if isInput else modes.pop()
    # Away from zero is up where nothing is negative.
    if rounding == "RND_INF" and positive:
        rounding = "RND"
    return peer.quantize(x, signs, integers, fractions, overflow_mode=overflow, round_mode=rounding)


def weights(node):
    """The exact values of weights."""
    exact = node["storage"]["exact"]
    if any(s != [1, 1] for s in exact["scales"]["values"]):
        raise ValueError("weights with a scale that is not a power of two")
    return (np.array(exact["raw"], dtype=np.float64) * 2.0 ** exact["exponent"]).reshape(node["shape"])


def view(x, node):
    index = np.indices(node["shape"]).reshape(len(node["shape"]), -1)
    if node["padding"] != "none":
        raise ValueError(f"padding '{node['padding']}'")
    places = [o + np.array(s) @ index for o, s in zip(node["offsets"], node["strides"])]
    return x.reshape(-1)[np.ravel_multi_index(places, x.shape)].reshape(node["shape"])


def evaluate(peer, graph, x):
    """The graph's output on an array of the peer's."""
    values = []
    # The typed graph knows the exact range of every value.
    positive = [all(f["range"][0] >= 0 for f in n["type"]["formats"]["values"]) for n in graph["nodes"]]
    for node in graph["nodes"]:
        (kind, body), = node["primitive"].items()
        operands = [values[i] for i in node["operands"]]
        if kind == "input":
            value = fixed(peer, x.reshape(node["shape"]), node["inputTypes"], isInput=True)
        elif kind == "quantize" and "fixed" in body["_0"]:
            if any(s != [1, 1] for s in body["_0"]["fixed"]["scales"]["values"]):
                raise ValueError("a quantizer with a scale")
            value = fixed(peer, operands[0], body["_0"]["fixed"]["_0"], positive[node["operands"][0]])
        elif kind == "linear" and "accumulator" not in body["_0"]:
            linear = body["_0"]
            w = weights(linear["weights"])
            rows = operands[0].reshape(-1, linear["groups"], linear["inputs"])
            parts = [rows[:, g] @ w[g] for g in range(linear["groups"])]
            value = np.stack(parts, axis=1) if len(parts) > 1 else parts[0]
            if "bias" in linear:
                value = value.reshape(-1, *weights(linear["bias"]).shape) + weights(linear["bias"])
            value = value.reshape(node["shape"])
        elif kind == "map" and body["_0"]["form"].get("rectifier", {}).get("_0") == {
            "negativeSlope": [0, 1], "threshold": [0, 1]
        }:
            value = peer.relu(operands[0])
        elif kind == "rearrange" and "reshape" in body["_0"]:
            value = operands[0].reshape(node["shape"])
        elif kind == "rearrange" and "view" in body["_0"]:
            value = view(operands[0], body["_0"]["view"]["_0"])
        elif kind == "reduce" and body["_0"] == "maximum":
            value = np.max(operands[0], axis=-1)
        elif kind == "combine" and body["_0"] == "add":
            value = operands[0] + operands[1]
        else:
            raise ValueError(f"node '{node['name']}': {kind} {json.dumps(body)[:80]}")
        values.append(value)
    output, = graph["outputs"]
    return values[output["node"]]


def places(kifs):
    """Offset, width and fraction bits of each element of a packed port."""
    result, offset = [], 0
    for k, i, f in np.array(kifs).T:
        width = max(int(k) + int(i) + int(f), 0)
        result.append([offset, width, int(f)])
        offset += width
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["alkaid", "da4ml"])
    parser.add_argument("graph"), parser.add_argument("x"), parser.add_argument("y"), parser.add_argument("out")
    parser.add_argument("--hard-dc", type=int, default=2)
    parser.add_argument("--design", action="append", default=[])
    a = parser.parse_args()
    peer = Peer(a.peer, a.hard_dc)
    graph = json.load(open(a.graph))
    x, y = np.load(a.x), np.load(a.y)
    wall, start = time.time(), cpu()
    symbols = peer.array(tuple(graph["nodes"][0]["shape"]))
    comb = peer.trace(symbols, evaluate(peer, graph, symbols).reshape(-1))
    seconds = cpu() - start
    got = comb.predict(x.reshape(len(x), -1)).reshape(len(x), -1)
    designs = {}
    for design in a.design:
        name, kind = design.split("=")
        kind, _, cutoff = kind.partition(":")
        peer.write(comb, Path(a.out) / name, kind == "ternary", float(cutoff or -1))
        meta = Path(a.out) / name / "metadata.json"
        designs[name] = json.loads(meta.read_text()).get("cost") if meta.exists() else None
    print(json.dumps({
        "peer": a.peer, "hard_dc": a.hard_dc, "cpu": round(seconds, 3), "wall": round(time.time() - wall, 3),
        "mismatches": int(np.sum(got != y.reshape(len(y), -1))), "cost": float(comb.cost), "costs": designs,
        "ports": {"model_inp": places(comb.inp_kifs), "model_out": places(comb.out_kifs)},
    }))


if __name__ == "__main__":
    main()
