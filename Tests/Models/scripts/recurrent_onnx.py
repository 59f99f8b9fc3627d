"""Recurrent operators of ONNX with onnxruntime's outputs: twenty random configurations of each, and torch's exporters.

`python recurrent_onnx.py` with torch, onnx, onnxscript, onnxruntime, h5py. Models go to `Tests/Models/onnx/` beside their
`.golden.h5`: `input_0`, and `outputs`, all outputs of a sample one behind the other.
"""

import pathlib

import h5py
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = pathlib.Path(__file__).parent.parent / "onnx"
SAMPLES, STEPS, FEATURES, KINDS = 2, 4, 3, 20
RNG = np.random.default_rng(5)
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
DEFAULTS = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}


def one(*choices):
    return choices[int(RNG.integers(len(choices)))]


def record(name, data, results):
    """Results have the samples first."""
    rows = np.concatenate([np.asarray(y, dtype="float32").reshape(SAMPLES, -1) for y in results], axis=1)
    with h5py.File(ROOT / f"{name}.golden.h5", "w") as f:
        for i, x in enumerate(data):
            f[f"input_{i}"] = x
        f["outputs"] = rows
    print(name, len(results), "outputs")


def functions(kind, directions):
    """Random activations with their parameters, or none for the defaults."""
    if RNG.random() < 0.5:
        return {}
    names, alphas, betas = [], [], []
    for position in range(len(DEFAULTS[kind]) * directions):
        name = one("Tanh", "Relu", "Softsign") if position % len(DEFAULTS[kind]) else one("Sigmoid", "HardSigmoid", "Tanh")
        names.append(name)
        if name == "HardSigmoid":
            alphas.append(0.25), betas.append(0.5)
    result = {"activations": names}
    if alphas:
        result |= {"activation_alpha": alphas, "activation_beta": betas}
    return result


def operators(name, layout):
    """One graph with all configurations over one input whose samples are left open."""
    initializers, nodes, outputs, axes = [], [], [], []

    def constant(label, shape):
        initializers.append(numpy_helper.from_array(RNG.normal(0, 0.5, shape).astype("float32"), label))
        return label

    for kind in GATES:
        for trial in range(KINDS if layout == 0 else 4):
            label = f"{kind.lower()}_{trial}"
            # onnx's own evaluator, which alone knows layout 1, goes forward only.
            direction = one("forward", "reverse", "bidirectional") if layout == 0 else "forward"
            directions = 2 if direction == "bidirectional" else 1
            hidden = int(RNG.integers(1, 4))
            options = {"hidden_size": hidden, "direction": direction} | (functions(kind, directions) if layout == 0 else {"layout": 1})
            if kind == "GRU":
                options["linear_before_reset"] = int(RNG.integers(2))
            inputs = ["x", constant(f"{label}_w", (directions, GATES[kind] * hidden, FEATURES)),
                      constant(f"{label}_r", (directions, GATES[kind] * hidden, hidden)),
                      constant(f"{label}_b", (directions, 2 * GATES[kind] * hidden)) if layout == 1 or RNG.random() < 0.7 else ""]
            if layout == 0 and RNG.random() < 0.4:
                for state in "hc"[: 2 if kind == "LSTM" else 1]:
                    # The same for every sample.
                    row = RNG.normal(0, 0.5, (directions, 1, hidden)).astype("float32")
                    initializers.append(numpy_helper.from_array(np.repeat(row, SAMPLES, axis=1), f"{label}_{state}0"))
                inputs += [""] + [f"{label}_{s}0" for s in "hc"[: 2 if kind == "LSTM" else 1]]
            names = [f"{label}_y", f"{label}_h"] + ([f"{label}_c"] if kind == "LSTM" else [])
            # Some leave the sequence out, others the states.
            kept = [n if RNG.random() < 0.7 or i == 0 else "" for i, n in enumerate(names)]
            nodes.append(helper.make_node(kind, inputs, kept, name=label, **options))
            for i, n in enumerate(kept):
                if n:
                    outputs.append(helper.make_tensor_value_info(n, TensorProto.FLOAT, None))
                    axes.append((2 if i == 0 else 1) if layout == 0 else 0)
    shape = [STEPS, "samples", FEATURES] if layout == 0 else ["samples", STEPS, FEATURES]
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, ROOT / f"{name}.onnx")
    x = RNG.normal(0, 1, (SAMPLES, STEPS, FEATURES)).astype("float32")
    feed = {"x": x.transpose(1, 0, 2) if layout == 0 else x}
    run = onnxruntime.InferenceSession(str(ROOT / f"{name}.onnx")).run if layout == 0 else ReferenceEvaluator(model).run
    record(name, [x], [np.moveaxis(y, axis, 0) for y, axis in zip(run(None, feed), axes)])


class Layers(torch.nn.Module):
    """Random layers of torch, their sequences and states."""

    def __init__(self, count):
        super().__init__()
        self.layers = torch.nn.ModuleList()
        for trial in range(count):
            kind = ("LSTM", "GRU", "RNN")[trial % 3]
            options = {"num_layers": one(1, 1, 2), "bidirectional": one(False, True), "bias": one(False, True), "batch_first": True}
            if kind == "RNN":
                options["nonlinearity"] = one("tanh", "relu")
            self.layers.append(getattr(torch.nn, kind)(FEATURES, int(RNG.integers(1, 4)), **options))

    def forward(self, x):
        results = []
        for layer in self.layers:
            y, states = layer(x)
            results.append(y)
            for state in states if isinstance(states, tuple) else [states]:
                results.append(state.transpose(0, 1))
        return tuple(results)


def exported(name, count, dynamo):
    torch.manual_seed(3)
    module = Layers(count).eval()
    # Two samples while it is traced: with one, exporters may take the samples' axis for a constant.
    x = torch.randn(SAMPLES, STEPS, FEATURES)
    names = [f"y{i}" for i in range(len(module(x)))]
    if dynamo:
        batch = torch.export.Dim("batch")
        torch.onnx.export(module, (x,), str(ROOT / f"{name}.onnx"), dynamo=True, external_data=False, verbose=False,
                          input_names=["x"], output_names=names, dynamic_shapes={"x": {0: batch}})
    else:
        torch.onnx.export(module, (x,), str(ROOT / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=["x"], output_names=names,
                          dynamic_axes={n: {0: "batch"} for n in ["x"] + names})
    model = onnx.load(str(ROOT / f"{name}.onnx"))
    # Traces of this machine's files say nothing.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    for value in list(model.graph.input) + list(model.graph.output):
        del value.metadata_props[:]
    onnx.save(model, ROOT / f"{name}.onnx")
    record(name, [x.numpy()], onnxruntime.InferenceSession(str(ROOT / f"{name}.onnx")).run(None, {"x": x.numpy()}))


ROOT.mkdir(parents=True, exist_ok=True)
operators("recurrent_operators", 0)
operators("recurrent_batch_first", 1)
exported("recurrent_torch", 12, dynamo=False)
exported("recurrent_torch_dynamo", 6, dynamo=True)
