"""What is compiled: matrices and networks made from seeds, as QONNX files, and model files of the user's.

A matrix workload is y = x W on signed 8-bit inputs. A generated network is a perceptron with pruned, quantised
weights, biases, rectifiers and 8-bit activations whose ranges are set by random samples, as a user's calibration would.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MATRICES = {
    # name: rows, columns, weight bits, density
    "dense_16x16_w8": (16, 16, 8, 1.0),
    "dense_32x32_w8": (32, 32, 8, 1.0),
    "dense_64x64_w4": (64, 64, 4, 1.0),
    "sparse_32x32_w4": (32, 32, 4, 0.25),
    "sparse_64x64_w4": (64, 64, 4, 0.2),
    "lowbit_64x64_w2": (64, 64, 2, 0.5),
    "lowbit_32x32_w2": (32, 32, 2, 1.0),
}

NETWORKS = {
    # name: layer widths, weight bits, density of the weights
    "mlp_16_64_32_32_5_w6": ((16, 64, 32, 32, 5), 6, 0.3),
    "mlp_64_32_16_10_w4": ((64, 32, 16, 10), 4, 0.5),
}


class Model:
    """A QONNX graph under construction."""

    def __init__(self, inputs):
        self.nodes, self.constants, self.last = [], [], "input"
        self.inputs = inputs

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), name))
        return name

    def add(self, kind, *operands, **attributes):
        result = f"t{len(self.nodes)}"
        operands = [self.last, *(self.constant(o) for o in operands)]
        self.nodes.append(helper.make_node(kind, operands, [result], **attributes))
        self.last = result

    def quantize(self, scale, bits, signed, rounding):
        self.add("Quant", scale, 0.0, float(bits), domain="qonnx.custom_op.general", signed=int(signed), narrow=0,
                 rounding_mode=rounding)

    def save(self, path, outputs):
        self.nodes[-1].output[0] = "output"
        info = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])
        graph = helper.make_graph(
            self.nodes, "workload", [info("input", self.inputs)], [info("output", outputs)], self.constants)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, producer_name="fpgaml benchmarks"), path)


def samples(width, rng):
    """Inputs on the grid of signed 8-bit integers: corners, then random ones."""
    corners = [np.full(width, v) for v in (-128, 127, 0)]
    corners += [rng.choice([-128, 127], width) for _ in range(13)]
    return np.array(corners + [rng.integers(-128, 128, width) for _ in range(240)], dtype=np.float64)


def matrix(name, seed, folder):
    rows, columns, bits, density = MATRICES[name]
    rng = np.random.default_rng([seed, rows, columns, bits, int(density * 100)])
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, columns))
    weights[rng.random((rows, columns)) >= density] = 0
    model = Model(rows)
    model.quantize(1.0, 8, True, "FLOOR")
    model.add("MatMul", weights)
    x = samples(rows, rng)
    return save(model, folder, columns, x, x @ weights)


def network(name, seed, folder):
    widths, bits, density = NETWORKS[name]
    rng = np.random.default_rng([seed, *widths, bits])
    model = Model(widths[0])
    model.quantize(0.0625, 8, True, "FLOOR")
    x = samples(widths[0], rng) * 0.0625
    values = x
    for number, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        weights = rng.normal(0, 1, (inputs, outputs))
        weights[np.abs(weights) < np.quantile(np.abs(weights), 1 - density)] = 0
        step = 2.0 ** np.ceil(np.log2(np.abs(weights).max() / (1 << (bits - 1))))
        weights = np.clip(np.round(weights / step), -(1 << (bits - 1)), (1 << (bits - 1)) - 1) * step
        bias = np.round(rng.normal(0, 0.25, outputs) * 32) / 32
        model.add("MatMul", weights)
        model.add("Add", bias)
        values = values @ weights + bias
        if number < len(widths) - 2:
            scale = 2.0 ** np.round(np.log2(3 * values.std() / 256))
            model.add("Relu")
            model.quantize(scale, 8, False, "ROUND")
            values = np.clip(np.round(np.maximum(values, 0) / scale), 0, 255) * scale
    return save(model, folder, widths[-1], x, values)


def save(model, folder, outputs, x, y):
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.onnx", outputs)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return folder / "model.onnx"


def generated(folder, names, seeds):
    """Yields (name, model file) for every generated workload chosen."""
    for name in names:
        make = matrix if name in MATRICES else network
        for seed in seeds:
            path = Path(folder) / f"{name}_s{seed}"
            yield path.name, make(name, seed, path)
