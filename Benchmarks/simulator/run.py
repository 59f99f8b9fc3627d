#!/usr/bin/env python3
"""Throughput of bit-exact simulators on one network: samples per second of CPU, one thread, and compile times.

  swift build -c release --product simulator-benchmark
  python3 -m venv V && V/bin/pip install alkaid==0.8.2 da4ml==0.6.0 hls4ml==1.3.0 keras 'jax[cpu]'
  V/bin/python Benchmarks/simulator/run.py WORKLOAD [--engines fpgaml,alkaid,da4ml,hls4ml] [--binary FILE]

WORKLOAD is a folder with model.onnx (QONNX), spec.json and data.npz (the same network as a chain of quantize, einsum, bias and
relu, with exact weights) and test.npz (x, y). Every engine gets float64 samples in memory and gives float64 outputs, which are
compared with y first. Each engine runs in a process of its own; the time is that of one call on all samples.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# One thread, whatever the engine's libraries would like.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

# Slow engines get fewer samples.
SAMPLES = {"fpgaml": 1_000_000, "alkaid": 1_000_000, "da4ml": 100_000, "hls4ml": 20_000}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime


def load(folder):
    spec = json.loads((folder / "spec.json").read_text())
    data = dict(np.load(folder / "data.npz"))
    test = np.load(folder / "test.npz")
    return spec, data, test["x"].astype(np.float64), test["y"].astype(np.float64)


def parameter(node, key, data):
    return data[node[key]] if isinstance(node[key], str) else node[key]


def traced(spec, data, operand, quantize, relu):
    """The chain on an engine's symbolic array."""
    value = operand
    for node in spec["nodes"][1:]:
        if node["op"] == "quantize":
            k, i, f = (np.broadcast_to(np.asarray(parameter(node, key, data), np.int8), value.shape) for key in "kif")
            value = quantize(value, k, i, f, overflow_mode=node["overflow"], round_mode=node["round"])
        elif node["op"] == "relu":
            value = relu(value)
        elif node["op"] == "einsum" and node["eq"] == "i,io->o":
            value = value @ data[node["w"]]
        elif node["op"] == "bias":
            value = value + data[node["b"]]
        else:
            sys.exit(f"the benchmark does not know {node}")
    return value


def alkaid(spec, data):
    import alkaid
    from alkaid.trace import FVArrayInput, trace
    from alkaid.trace.ops import quantize, relu

    operand = FVArrayInput(tuple(spec["input_shape"]), solver_options={"hard_dc": 2})
    program = trace(operand, traced(spec, data, operand, quantize, relu))
    return alkaid.__version__, lambda x: program.predict(x, n_threads=1)


def da4ml(spec, data):
    import da4ml
    from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace
    from da4ml.trace.ops import quantize, relu

    operand = FixedVariableArrayInput(
        tuple(spec["input_shape"]), hwconf=HWConfig(1, -1, -1), solver_options={"hard_dc": 2})
    program = comb_trace(operand, traced(spec, data, operand, quantize, relu))
    return da4ml.__version__, lambda x: program.predict(x, n_threads=1)


def type_name(k, i, f, rounding="TRN", overflow="WRAP"):
    width = int(k) + int(i) + int(f)
    return f'{"" if k else "u"}fixed<{width},{int(i) + int(k)},{rounding},{overflow}>'


def exact_type(values):
    """The narrowest type that holds all values."""
    f = next(f for f in range(40) if np.all(values * 2.0**f == np.round(values * 2.0**f)))
    i = int(np.ceil(np.log2(np.abs(values).max() + 2.0**-f)))
    return type_name(1, i, f)


def hls4ml(spec, data):
    """A Keras model with the same weights, types given layer by layer; compiled with g++."""
    import hls4ml
    import keras

    nodes = spec["nodes"]
    operand = value = keras.Input(tuple(spec["input_shape"]), name="x")
    weights, types, layer = {}, {"x": type_name(*(nodes[1][key] for key in "kif"))}, None
    for index, node in enumerate(nodes):
        if node["op"] == "einsum":
            layer, bias = f"dense_{index}", data[nodes[index + 1]["b"]]
            weights[layer] = (data[node["w"]], bias)
            value = keras.layers.Dense(bias.shape[0], name=layer)(value)
        elif node["op"] == "relu":
            layer, quantizer = f"relu_{index}", nodes[index + 1]
            value = keras.layers.ReLU(name=layer)(value)
            types[layer] = type_name(*(quantizer[key] for key in "kif"), quantizer["round"], quantizer["overflow"])
    model = keras.Model(operand, value)
    config = hls4ml.utils.config_from_keras_model(
        model, granularity="name", default_precision="fixed<32,14>", backend="Vitis")
    for name, kind in types.items():
        config["LayerName"][name]["Precision"] = {"result": kind}
    for name, (matrix, bias) in weights.items():
        model.get_layer(name).set_weights([matrix, bias])
        config["LayerName"][name]["Precision"] = {
            "weight": exact_type(matrix), "bias": exact_type(bias), "result": "fixed<32,14>", "accum": "fixed<32,14>"}
    folder = tempfile.mkdtemp()
    project = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=folder, backend="Vitis", io_type="io_parallel")
    project.compile()
    return hls4ml.__version__, project.predict


def measure(engine, folder):
    spec, data, x, y = load(folder)
    start = cpu_seconds()
    version, predict = {"alkaid": alkaid, "da4ml": da4ml, "hls4ml": hls4ml}[engine](spec, data)
    build = cpu_seconds() - start
    got = np.asarray(predict(np.ascontiguousarray(x)), np.float64).reshape(y.shape)
    count = SAMPLES[engine]
    samples = np.ascontiguousarray(np.tile(x, (-(-count // len(x)), 1))[:count])
    start = cpu_seconds()
    predict(samples)
    return {
        "engine": f"{engine} {version}", "samples": count, "build_s": round(build, 3), "mismatches": int(np.sum(got != y)),
        "samples_per_cpu_s": int(count / (cpu_seconds() - start))}


def measure_fpgaml(folder, binary):
    _, _, x, y = load(folder)
    with tempfile.TemporaryDirectory() as place:
        for name, array in (("x", x), ("y", y)):
            np.save(f"{place}/{name}.npy", array)
        command = [binary, folder / "model.onnx", f"{place}/x.npy", f"{place}/y.npy", str(SAMPLES["fpgaml"]), "1"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", type=Path)
    parser.add_argument("--engines", default="fpgaml,alkaid,da4ml,hls4ml")
    parser.add_argument("--binary", default=".build/release/simulator-benchmark")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.workload)))
        return
    print(f"| engine | samples/CPU s | to make it, CPU s | mismatches |\n|---|---:|---:|---:|")
    for engine in options.engines.split(","):
        if engine == "fpgaml":
            row = measure_fpgaml(options.workload, options.binary)
        else:
            command = [sys.executable, __file__, str(options.workload), "--one", engine]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            row = json.loads(output.splitlines()[-1])
        print(
            f'| {row["engine"]} | {row["samples_per_cpu_s"]:,} | {row["build_s"]:.3f} | {row["mismatches"]} |', flush=True)


if __name__ == "__main__":
    main()
