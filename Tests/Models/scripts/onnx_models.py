"""ONNX models that exercise every operator that the reader knows, with onnxruntime's outputs.

`python onnx_models.py [NAME…]` with onnx, onnxruntime, numpy and h5py; `python onnx_models.py torch` with torch and onnxscript
as well, for models as both of torch's exporters write them; `python onnx_models.py sklearn` with scikit-learn and skl2onnx.
Each model goes to `Tests/Models/onnx/<name>.onnx` beside `<name>.golden.h5`, which holds `input_0` … and `outputs`, all outputs
of a sample one behind the other. Everything is seeded; weights are random, nothing is trained.
"""

import pathlib
import sys

import h5py
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).parent.parent / "onnx"
SAMPLES = 3
TRIALS = 20
RNG = np.random.default_rng(11)
DOMAINS = {"ai.onnx.ml": 3, "com.microsoft": 1, "qonnx.custom_op.general": 2}


def choose(*options):
    return options[int(RNG.integers(len(options)))]


def flag():
    return bool(RNG.integers(2))


def normal(*shape, scale=0.5):
    return RNG.normal(0, scale, shape).astype("float32")


class Model:
    """A graph that grows node by node; every result of a node is an output unless it is marked as inner."""

    def __init__(self, name, opset, batch=None):
        self.name, self.opset, self.batch = name, opset, batch
        self.nodes, self.constants, self.inputs, self.outputs, self.data = [], [], [], [], {}

    def input(self, name, shape, grid=None, scale=1.0, integers=None):
        count = SAMPLES if self.batch is None else self.batch
        if integers is None:
            values = normal(count, *shape, scale=scale)
            if grid:
                values = np.clip(np.round(values * grid), -4 * grid, 4 * grid) / np.float32(grid)
            kind = TensorProto.FLOAT
        else:
            values, kind = RNG.integers(0, integers, (count, *shape)), TensorProto.INT64
        self.inputs.append(helper.make_tensor_value_info(name, kind, [self.batch or "N", *shape]))
        self.data[name] = values.astype("float32") if integers is None else values.astype("int64")
        return name

    def constant(self, values, dtype="float32"):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def op(self, kind, operands, inner=False, results=1, **attributes):
        label = f"{kind.lower()}_{len(self.nodes)}"
        names = [label if i == 0 else f"{label}_{i}" for i in range(results)]
        operands = [x if isinstance(x, str) else self.constant(x, "int64" if np.asarray(x).dtype.kind == "i" else "float32") for x in operands]
        self.nodes.append(helper.make_node(kind, operands, names, name=label, **attributes))
        if not inner:
            self.outputs += names
        return names[0] if results == 1 else names

    def save(self, runner=None):
        """Writes the model and what onnxruntime, or another function of path and inputs, makes of it."""
        ROOT.mkdir(parents=True, exist_ok=True)
        outputs = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in self.outputs]
        for value in outputs:
            value.ClearField("type")
        graph = helper.make_graph(self.nodes, self.name, self.inputs, outputs, self.constants)
        domains = sorted({node.domain for node in self.nodes} - {""})
        imports = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(x, DOMAINS[x]) for x in domains]
        model = helper.make_model(graph, opset_imports=imports, ir_version=min(10, 4 + max(0, self.opset - 9) // 2 + 3))
        model = onnx.shape_inference.infer_shapes(model)
        path = ROOT / f"{self.name}.onnx"
        onnx.save(model, str(path))
        data = [self.data[x.name] for x in self.inputs]
        if runner is None:
            record(self.name, data, path)
        else:
            write(self.name, data, runner(path, dict(zip([x.name for x in self.inputs], data))))


def session(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options)


def record(name, data, path, whole=False):
    """Writes inputs and onnxruntime's outputs; `whole`: all of an input is one sample."""
    runner = session(path)
    names = [x.name for x in runner.get_inputs()]
    # Labels of classifiers are no numbers.
    wanted = [x.name for x in runner.get_outputs() if x.type.startswith("tensor") and "string" not in x.type and "label" not in x.name]
    results = runner.run(wanted, dict(zip(names, data)))
    write(name, data, results, whole)


def write(name, data, results, whole=False):
    count = 1 if whole else len(data[0])
    with h5py.File(ROOT / f"{name}.golden.h5", "w") as f:
        for i, x in enumerate(data):
            f[f"input_{i}"] = x.reshape(count, -1).astype("float32") if whole else x.astype("float32")
        outputs = np.concatenate([np.asarray(y, dtype="float32").reshape(count, -1) for y in results], axis=1)
        f.create_dataset("outputs", data=outputs, compression="gzip")
    print(name, len(results), "outputs")


def arithmetic():
    m = Model("arithmetic", 18)
    shapes = [(4,), (3, 4), (2, 3, 4), (1, 4), (3, 1)]
    x = {s: m.input(f"x{i}", s) for i, s in enumerate(shapes)}
    z = {s: m.input(f"z{i}", s) for i, s in enumerate(shapes)}
    p = m.op("Add", [m.op("Abs", [x[3, 4]], inner=True), np.float32(0.5)], inner=True)

    def pair():
        a = choose(*shapes)
        fitting = [b for b in shapes if len(b) == len(a) and all(i == j or 1 in (i, j) for i, j in zip(a, b))]
        return x[a], z[fitting[int(RNG.integers(len(fitting)))]], a

    for trial in range(TRIALS):
        for kind in ("Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"):
            a, b, shape = pair()
            operands = choose([a, b], [b, a], [a, normal(*shape[1:] or (1,))], [normal(1, *shape), a])
            if kind in ("Max", "Min", "Sum", "Mean") and flag():
                operands = [a, b, a]
            m.op(kind, operands)
        m.op("Div", choose([x[3, 4], p], [normal(4), p], [x[3, 4], np.float32(choose(3, 4, -0.5))], [p, normal(3, 1) + 3]))
        m.op("Neg", [choose(*x.values())])
        m.op("Pow", [choose(x[3, 4], x[(4,)]), np.float32(choose(1, 2, 3, 4))])
        m.op("Pow", [p, np.float32(choose(0.5, -0.5, -1))])
        a, b, _ = pair()
        relation = m.op(choose("Less", "LessOrEqual", "Greater", "GreaterOrEqual"), choose([a, b], [a, np.float32(0.25)]), inner=True)
        m.op("Where", [relation, a, choose(b, np.float32(-1))])
        other = m.op("Greater", [a, np.float32(0)], inner=True)
        both = m.op(choose("And", "Or", "Xor"), [relation, other], inner=True)
        m.op("Where", [m.op("Not", [both], inner=True), b, a])
        m.op("Where", [m.op("Equal", [a, choose(a, b)], inner=True), a, np.float32(2)])
    m.save()


def products():
    m = Model("products", 18)
    a, b, c = m.input("a", (3, 4)), m.input("b", (4, 3)), m.input("c", (2, 3, 4))
    d, v, one = m.input("d", (2, 4, 3)), m.input("v", (4,)), m.input("one", (1, 4, 3))
    for trial in range(TRIALS):
        m.op("MatMul", choose([a, b], [b, a], [c, d], [c, one], [one, normal(3, 2)], [a, normal(4, 5)], [normal(2, 3), a], [c, normal(2, 4, 3)], [v, normal(4, 3)], [a, normal(4)]))
        left, equation, right = choose((a, "bij,bjk->bik", b), (a, "bij,bjk->bki", b), (a, "bij,jk->bik", normal(4, 2)), (a, "bij,ijk->bk", normal(3, 4, 2)), (c, "bhij,bhjk->bhik", d), (a, "bij,bij->bi", a), (a, "bij,bj->bi", v), (c, "b...ij,jk->b...ik", normal(4, 2)))
        m.op("Einsum", [left, right], equation=equation)
        transposed = flag()
        m.op("Gemm", [v, normal(3, 4) if transposed else normal(4, 3)] + ([normal(3)] if flag() else []), transB=int(transposed), alpha=choose(1.0, 0.5), beta=choose(1.0, 2.0))
    m.op("Einsum", [a], equation="bij->bji")
    m.op("Einsum", [a], equation="bij->bj")
    index = m.input("index", (3,), integers=5)
    for trial in range(TRIALS):
        m.op("Gather", choose([normal(5, 2), index], [normal(6), index], [normal(5, 2, 2), index]), axis=0)
    m.save()


def windows():
    m = Model("windows", 18)
    line, image = m.input("line", (4, 7)), m.input("image", (4, 5, 6))
    for trial in range(TRIALS):
        kernel, strides = [int(k) for k in RNG.integers(1, 4, 2)], [int(k) for k in RNG.integers(1, 3, 2)]
        dilations, pads = [int(k) for k in RNG.integers(1, 3, 2)], [int(k) for k in RNG.integers(0, 2, 4)]
        group = choose(1, 2, 4)
        bias = [normal(4)] if flag() else []
        place = choose({"pads": pads}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "VALID"}, {"auto_pad": "SAME_LOWER"})
        m.op("Conv", [image, normal(4, 4 // group, *kernel)] + bias, strides=strides, dilations=[1, 1] if "auto_pad" in place else dilations, group=group, **place)
        m.op("Conv", [line, normal(4, 4 // group, kernel[0])] + bias, strides=strides[:1], dilations=dilations[:1], pads=[pads[0], pads[1]], group=group)
        place = choose({"pads": pads}, {"auto_pad": "SAME_UPPER"}, {"output_padding": [min(1, s - 1) for s in strides]})
        m.op("ConvTranspose", [image, normal(4, 2, *kernel)] + ([normal(2 * group)] if flag() else []), strides=strides, group=group, dilations=choose([1, 1], dilations) if "auto_pad" not in place else [1, 1], **place)
        m.op("ConvTranspose", [line, normal(4, 3, kernel[0])], strides=strides[:1])
        pool = [max(k, 2) for k in kernel]
        m.op("MaxPool", [image], kernel_shape=pool, strides=strides, pads=pads, ceil_mode=int(flag()))
        m.op("AveragePool", [image], kernel_shape=pool, strides=strides, pads=pads, count_include_pad=int(flag()), ceil_mode=0)
        m.op("MaxPool", [line], kernel_shape=pool[:1], strides=strides[:1])
        m.op("AveragePool", [line], kernel_shape=pool[:1], strides=strides[:1])
    m.op("GlobalAveragePool", [image]), m.op("GlobalMaxPool", [image]), m.op("GlobalAveragePool", [line]), m.op("GlobalMaxPool", [line])
    m.save()


def shapes():
    m = Model("shapes", 18)
    image, line, row = m.input("image", (4, 2, 6)), m.input("line", (3, 4)), m.input("row", (6,))
    for trial in range(TRIALS):
        m.op("Transpose", [image], perm=[0] + [int(i) + 1 for i in RNG.permutation(3)])
        m.op("Reshape", [image, np.array(choose([0, -1], [-1, 8, 6], [0, 2, -1, 3], [0, 0, 12]))])
        m.op("Slice", [image, np.array([choose(0, 1)]), np.array([choose(2, 2**63 - 1, 4)]), np.array([choose(1, 3, -1)])])
        m.op("Slice", [line, np.array([3]), np.array([-(2**62)]), np.array([2]), np.array([choose(-1, -2)])])
        m.op("Concat", choose([line, line], [line, line, line]), axis=choose(1, 2, -1))
        m.op("Split", [image, np.array([1, 3])], results=2, axis=1)
        m.op("Gather", [image, np.array(choose([0, 2, 1], [3], [1, 3], 2, [[0, 1], [2, 3]]))], axis=1)
        m.op("Pad", [line, np.array([0, choose(0, 1), 2, 0, 1, choose(0, 3)])])
        m.op("Tile", [line, np.array([1, choose(1, 2), choose(1, 3)])])
        m.op("Expand", [m.op("Unsqueeze", [row, np.array([1])], inner=True), np.array([1, choose(1, 3), 6])])
        m.op("Squeeze", [m.op("Unsqueeze", [line, np.array([choose(1, 2, -1)])], inner=True)])
        m.op("Flatten", [image], axis=1)
        m.op("CumSum", [line, np.array(choose(1, 2, -1))], exclusive=int(flag()), reverse=int(flag()))
        m.op("Trilu", [line, np.array(choose(-1, 0, 1))], upper=int(flag()))
        m.op("DepthToSpace", [image], blocksize=2, mode=choose("DCR", "CRD"))
        m.op("SpaceToDepth", [image], blocksize=2)
        sizes = choose([1, 4, 4, 12], [1, 4, 3, 7], [1, 4, 1, 3])
        mode = choose("nearest", "linear", "cubic")
        how = choose("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
        scales = [1.0, 1.0, choose(2.0, 1.0, 1.5), choose(2.0, 3.0, 0.5)]
        rule = {"nearest_mode": choose("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")} if mode == "nearest" else {}
        m.op("Resize", [image, "", np.array(scales, dtype="float32")], mode=mode, coordinate_transformation_mode=how, **rule)
    m.save()


def functions():
    m = Model("functions", 20)
    x, row = m.input("x", (3, 4), scale=1.5), m.input("row", (6,))
    p = m.op("Add", [m.op("Abs", [x], inner=True), np.float32(0.25)], inner=True)
    for kind in "Relu Sigmoid Tanh Softplus Softsign Erf Exp Abs Sign Mish HardSwish Floor Ceil Round".split():
        m.op(kind, [x]), m.op(kind, [row])
    for kind in "Log Sqrt Reciprocal".split():
        m.op(kind, [p])
    for trial in range(TRIALS):
        a = round(float(RNG.uniform(0.1, 1.5)), 3)
        m.op("LeakyRelu", [x], alpha=a), m.op("Elu", [x], alpha=a), m.op("Celu", [x], alpha=a), m.op("ThresholdedRelu", [x], alpha=a)
        m.op("HardSigmoid", [x], alpha=a, beta=0.5), m.op("PRelu", [x, choose(normal(1), normal(4), normal(3, 1), normal(3, 4))])
        m.op("Clip", [x, np.float32(-a), np.float32(choose(a, 0.5))]), m.op("Clip", [x, np.float32(0), np.float32(a)])
        m.op("Softmax", [x], axis=choose(1, 2, -1)), m.op("LogSoftmax", [x], axis=choose(1, 2, -1)), m.op("Gelu", [x], approximate=choose("none", "tanh"))
        m.op("Shrink", [x], lambd=a, bias=choose(0.0, a))
    m.op("Selu", [x])
    m.save()


def more_functions():
    """Functions without attributes, over tensors of many shapes and ranges, and what else takes roots."""
    m = Model("more_functions", 24)
    shapes = [(4,), (6,), (3, 4), (1, 5), (2, 3, 2)]
    x = [m.input(f"x{i}", s, scale=choose(0.5, 1.5, 3)) for i, s in enumerate(shapes)]
    image, row = m.input("image", (4, 3, 4)), m.input("row", (5,))
    for trial in range(TRIALS):
        a = choose(*x)
        for kind in "Sigmoid Tanh Softplus Softsign Erf Exp Mish HardSwish Selu Sin Cos Atan Sinh Cosh".split():
            m.op(kind, [a])
        p = m.op("Add", [m.op("Abs", [a], inner=True), np.float32(choose(0.125, 0.5, 1))], inner=True)
        for kind in "Log Sqrt Reciprocal".split():
            m.op(kind, [p])
        m.op("Pow", [p, np.float32(choose(0.25, 0.75, 1.5, 0.5, -0.5))])
        m.op("Swish", [a], alpha=1.0)
    m.save()

    m = Model("more_norms", 13)
    image, row = m.input("image", (4, 3, 4)), m.input("row", (5,))
    line = m.input("line", (3, 6))
    for trial in range(TRIALS):
        m.op("MeanVarianceNormalization", [image], axes=choose([1], [2, 3], [1, 2, 3]))
        m.op("LRN", [image], size=choose(1, 3, 5), alpha=choose(1e-4, 0.1, 0.5), beta=choose(0.5, 0.75, 1.0), bias=choose(1.0, 2.0))
        kernel = choose([2, 2], [3, 2], [1, 3])
        m.op("LpPool", [image], kernel_shape=kernel, p=choose(1, 2), strides=choose([1, 1], [2, 1]))
        m.op("GlobalLpPool", [image], p=choose(1, 2))
        magnitude = m.op("Add", [m.op("Abs", [line], inner=True), np.float32(0.25)], inner=True)
        m.op("ReduceLogSum", [magnitude], axes=choose([1], [2], [1, 2]), keepdims=int(flag()))
        m.op("SimplifiedLayerNormalization", [line, normal(6)], axis=-1, epsilon=choose(1e-5, 0.1))
        m.op("Normalizer", [row], domain="ai.onnx.ml", norm=choose("L1", "L2", "MAX"))
        values = lambda *shape: [float(v) for v in normal(*shape).reshape(-1)]
        count, kernel = int(RNG.integers(1, 5)), choose("LINEAR", "RBF", "POLY", "SIGMOID")
        m.op("SVMRegressor", [row], domain="ai.onnx.ml", coefficients=values(count), kernel_params=[0.25, 0.5, float(choose(2, 3))], kernel_type=kernel, n_supports=count, post_transform="NONE", rho=values(1), support_vectors=values(count, 5))
        m.op("SVMRegressor", [row], domain="ai.onnx.ml", coefficients=values(5), kernel_params=[1.0, 0.0, 3.0], kernel_type="LINEAR", n_supports=0, post_transform="NONE", rho=values(1))
        classes = choose(3, 4)
        label, scores = m.op("LinearClassifier", [row], inner=True, results=2, domain="ai.onnx.ml", coefficients=values(classes, 5), intercepts=values(classes), classlabels_ints=list(range(classes)), multi_class=1, post_transform=choose("NONE", "SOFTMAX", "LOGISTIC"))
        m.op("Identity", [scores])
    m.save()


def integer_functions():
    """onnxruntime's functions of integers."""
    m = Model("integer_functions", 21)
    x = m.input("x", (6,), scale=1.5)
    for trial in range(TRIALS):
        kind = choose("uint8", "int8")
        parameters = [m.constant(np.float32(RNG.uniform(0.01, 0.05))), m.constant(np.array(int(RNG.integers(-9, 9)) + (128 if kind == "uint8" else 0)), kind)]
        result = [m.constant(np.float32(1 / 256)), m.constant(np.array(0 if kind == "uint8" else -128), kind)]
        q = m.op("QuantizeLinear", [x] + parameters, inner=True)
        y = m.op("QLinearSigmoid", [q] + parameters + result, inner=True, domain="com.microsoft")
        m.op("DequantizeLinear", [y] + result)
    m.save()


def reductions():
    m = Model("reductions", 18)
    x, image = m.input("x", (3, 4)), m.input("image", (2, 3, 4))
    for trial in range(TRIALS):
        for kind in "Sum Mean Max Min SumSquare L1 L2 LogSumExp".split():
            tensor, axes = choose((x, [1]), (x, [-1]), (x, [1, 2]), (image, [1]), (image, [2, 3]), (image, [-2]))
            m.op(f"Reduce{kind}", [tensor, np.array(axes)], keepdims=int(flag()))
        m.op("ArgMax", [choose(x, image)], axis=choose(1, 2, -1), keepdims=int(flag()))
        m.op("ArgMin", [choose(x, image)], axis=choose(1, 2, -1), keepdims=int(flag()))
    m.save()


def normalizations():
    m = Model("normalizations", 21)
    line, image = m.input("line", (5, 6)), m.input("image", (6, 3, 4))
    for trial in range(TRIALS):
        epsilon = choose(1e-5, 1e-3, 0.1)
        x, axis, shape = choose((line, -1, (6,)), (line, 1, (5, 6)), (image, -1, (4,)), (image, 2, (3, 4)), (image, -3, (6, 3, 4)))
        m.op("LayerNormalization", [x, normal(*shape)] + ([normal(*shape)] if flag() else []), axis=axis, epsilon=epsilon)
        x, count = choose((line, 5), (image, 6))
        m.op("InstanceNormalization", [x, normal(count), normal(count)], epsilon=epsilon)
        m.op("GroupNormalization", [image, normal(6), normal(6)], num_groups=choose(1, 2, 3, 6), epsilon=epsilon)
        m.op("LpNormalization", [choose(line, image)], axis=choose(1, 2, -1), p=choose(1, 2))
        x, count = choose((line, 5), (image, 6))
        m.op("BatchNormalization", [x, normal(count), normal(count), normal(count), np.abs(normal(count)) + 0.3], epsilon=epsilon)
    m.save()


def attention():
    m = Model("attention", 23)
    q, k, v = m.input("q", (2, 3, 4)), m.input("k", (2, 5, 4)), m.input("v", (2, 5, 3))
    flat, keys, few = m.input("flat", (3, 8)), m.input("keys", (5, 8)), m.input("few", (5, 4))
    for trial in range(TRIALS):
        more = choose({}, {"is_causal": 1}, {"scale": 0.5}, {"softcap": 2.0})
        mask = choose([], [], [normal(3, 5)], [normal(2, 3, 5)]) if "is_causal" not in more else []
        m.op("Attention", [q, k, v] + mask, **more)
        operands = choose(({"q_num_heads": 2, "kv_num_heads": 2}, [flat, keys, keys]), ({"q_num_heads": 2, "kv_num_heads": 1}, [flat, few, few]))
        m.op("Attention", operands[1], **operands[0], **choose({}, {"is_causal": 1}))
        x, shape = choose((flat, (8,)), (q, (4,)))
        m.op("RMSNormalization", [x, normal(*shape)], axis=-1, epsilon=choose(1e-5, 1e-2))
    m.save()


def single():
    """What mixes the axis of the samples, as multi-head attention with the positions first does: read for one sample."""
    m = Model("single", 18, batch=1)
    x = m.input("x", (5, 4))
    first = m.op("Transpose", [x], inner=True, perm=[1, 0, 2])
    heads = m.op("Transpose", [m.op("Reshape", [first, np.array([5, 2, 2])], inner=True)], inner=True, perm=[1, 0, 2])
    keys = m.op("Transpose", [heads], inner=True, perm=[0, 2, 1])
    scores = m.op("Softmax", [m.op("MatMul", [heads, keys], inner=True)], inner=True, axis=-1)
    joined = m.op("Transpose", [m.op("MatMul", [scores, heads], inner=True)], inner=True, perm=[1, 0, 2])
    rows = m.op("Reshape", [joined, np.array([5, 4])], inner=True)
    m.op("Reshape", [m.op("Gemm", [rows, normal(3, 4), normal(3)], inner=True, transB=1), np.array([1, 5, 3])])
    m.op("Concat", [x, x], axis=0)
    m.op("Squeeze", [x, np.array([0])])
    m.op("ReduceMean", [x, np.array([0, 1])], keepdims=0)
    m.op("LayerNormalization", [first, normal(4), normal(4)], axis=-1)
    m.op("Gather", [first, np.array([2, 0])], axis=0)
    m.save()


def old():
    """Operators as sets 7 to 12 have them."""
    for opset in (7, 9, 11):
        m = Model(f"opset{opset}", opset)
        x, image = m.input("x", (3, 4)), m.input("image", (2, 4, 6))
        m.op("Softmax", [x], axis=1), m.op("Softmax", [x], axis=2), m.op("Squeeze", [m.op("Unsqueeze", [x], inner=True, axes=[1])], axes=[1])
        if opset < 11:
            m.op("Slice", [x], axes=[1, 2], starts=[0, 1], ends=[2, 4]) if opset < 10 else None
            m.op("Clip", [x], min=-0.5, max=0.25), m.op("Pad", [x], pads=[0, 1, 0, 0, 0, 2])
        m.op("ReduceMean", [x], axes=[1]), m.op("Split", [x], axis=2, split=[1, 3], results=2)
        m.op("BatchNormalization", [image, normal(2), normal(2), normal(2), np.abs(normal(2)) + 0.3])
        if opset == 7:
            m.op("Upsample", [image], scales=[1.0, 1.0, 2.0, 2.0])
        if opset == 9:
            m.op("Upsample", [image, np.array([1, 1, 2, 3], dtype="float32")], mode=choose("nearest", "linear"))
        if opset == 11:
            m.op("Resize", [image, np.zeros(0, "float32"), np.array([1, 1, 2, 2], dtype="float32")], mode="linear")
        m.op("Dropout", [x]), m.op("Gemm", [m.op("Flatten", [x], inner=True), normal(12, 2), normal(2)])
        m.save()


def torch_models():
    """Networks as torch's exporters write them."""
    import torch
    from torch import nn

    torch.manual_seed(5)

    class Transformer(nn.Module):
        def __init__(self, first):
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=first)
            self.norm = nn.LayerNorm(4)
            self.dense = nn.Linear(4, 3)

        def forward(self, x):
            return self.dense(nn.functional.gelu(self.norm(x + self.attention(x, x, x, need_weights=False)[0])))

    class Dots(nn.Module):
        def forward(self, x):
            return nn.functional.scaled_dot_product_attention(x, x.flip(2), torch.tanh(x))

    class Pieces(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.group, self.instance = nn.ConvTranspose2d(4, 2, 3, 2, 1, 1), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)
            self.slope, self.table = nn.PReLU(4), nn.Embedding(6, 3)

        def forward(self, x):
            a, b = self.slope(self.group(x)).chunk(2, dim=1)
            y = nn.functional.interpolate(torch.cat([b, a], 1) * nn.functional.softplus(x), scale_factor=2, mode="bilinear")
            z = self.up(self.instance(x)).mean((2, 3))
            return y.flatten(1), z, torch.where(x > 0.25, x, x.abs().sqrt())[:, [3, 1, 0]], torch.einsum("bchw,bchv->bcwv", x, x), x.amax(1), torch.cumsum(x, 2)

    class Pooling(nn.Module):
        def forward(self, x):
            F = nn.functional
            return F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), F.max_pool2d(x, 2, 2, ceil_mode=True), F.adaptive_avg_pool2d(x, 1), F.pixel_shuffle(x, 2), F.layer_norm(x, (6, 6)), F.normalize(x, dim=1), F.hardtanh(x), F.silu(x), F.mish(x), F.log_softmax(x, 1)

    cases = {"transformer_first": (Transformer(True), (3, 4)), "transformer_last": (Transformer(False), (3, 4)), "dots": (Dots(), (2, 3, 4)), "pieces": (Pieces(), (4, 6, 6)), "pooling": (Pooling(), (4, 6, 6))}
    for name, (module, shape) in cases.items():
        module.eval()
        for exporter, opset in (("legacy", 17), ("dynamo", 20), ("dynamo", 23)):
            # With the positions first the second axis holds the samples.
            x = torch.from_numpy(normal(*((shape[0], 1, shape[1]) if name == "transformer_last" else (1, *shape))))
            label = f"torch_{name}_{exporter}{opset}"
            path = ROOT / f"{label}.onnx"
            try:
                if exporter == "legacy":
                    torch.onnx.export(module, (x,), str(path), opset_version=opset, dynamo=False)
                else:
                    torch.onnx.export(module, (x,), str(path), opset_version=opset, dynamo=True, external_data=False, verbose=False)
            except Exception as error:
                print(label, "is not exported:", str(error).splitlines()[0])
                continue
            data = [normal(*x.shape)]
            record(label, data, path, whole=name == "transformer_last")


def sklearn_models():
    """scikit-learn's networks and linear models behind its scalers."""
    import warnings

    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler

    warnings.simplefilter("ignore")
    x = normal(60, 5, scale=1)
    two, three = (x.sum(1) > 0).astype(int), np.digitize(x.sum(1), [-1, 1])
    cases = {
        "mlp_two": (MLPClassifier((4,), max_iter=5, random_state=1), two), "mlp_three": (make_pipeline(StandardScaler(), MLPClassifier((4, 3), activation="tanh", max_iter=5, random_state=1)), three),
        "mlp_real": (make_pipeline(MinMaxScaler(), MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=1)), x[:, 0]),
        "logistic_three": (make_pipeline(Normalizer(), LogisticRegression()), three), "linear": (LinearRegression(), x[:, :2]),
    }
    for name, (model, target) in cases.items():
        model.fit(x, target)
        options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
        path = ROOT / f"sklearn_{name}.onnx"
        onnx.save(to_onnx(model, x[:1], options=options), str(path))
        record(f"sklearn_{name}", [normal(SAMPLES, 5, scale=1)], path)


EVERY = [arithmetic, products, windows, shapes, functions, more_functions, integer_functions, reductions, normalizations, attention, single, old]

if __name__ == "__main__":
    if sys.argv[1:] == ["torch"]:
        torch_models()
    elif sys.argv[1:] == ["sklearn"]:
        sklearn_models()
    else:
        for make in EVERY:
            if not sys.argv[1:] or make.__name__ in sys.argv[1:]:
                make()
