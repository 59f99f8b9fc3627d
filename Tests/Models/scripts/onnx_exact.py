"""ONNX models of operators that add, multiply, compare and move only, on numbers for which binary32 is exact.

`python onnx_exact.py [NAME...]` with onnx, onnxruntime, numpy and h5py, for `qonnx` with that package. Inputs and weights are eighths, so that every result of
onnxruntime is the exact one; the integers of a typed graph must be the same, bit for bit. Every kind has at least twenty random
forms, over operator sets from 7 to the newest. Files and recorded outputs are as `onnx_models.py` describes them.
"""

import sys

import numpy as np
from onnx_models import RNG, TRIALS, Model, choose, flag

NEWEST = 26


def grid(*shape, top=12, step=8):
    return RNG.integers(-top, top + 1, shape).astype("float32") / np.float32(step)


def inputs(model, **shapes):
    return {name: model.input(name, shape, grid=8) for name, shape in shapes.items()}


def integers(*values):
    return np.array(values, dtype="int64")


def pair(tensors, shapes):
    """Two tensors of which one may be repeated along axes of the other."""
    names = list(shapes)
    a = names[int(RNG.integers(len(names)))]
    fitting = [b for b in names if len(shapes[b]) == len(shapes[a]) and all(i == j or 1 in (i, j) for i, j in zip(shapes[a], shapes[b]))]
    return tensors[a], tensors[fitting[int(RNG.integers(len(fitting)))]], shapes[a]


def arithmetic(name="exact_arithmetic", opset=NEWEST):
    m = Model(name, opset)
    shapes = {"row": (4,), "other": (4,), "matrix": (3, 4), "second": (3, 4), "column": (3, 1), "one": (1, 4)}
    x = inputs(m, **shapes)
    for trial in range(TRIALS):
        for kind in ("Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"):
            a, b, shape = pair(x, shapes)
            operands = choose([a, b], [b, a], [a, grid(*shape)], [grid(1, *shape), a], [a, grid(1)])
            m.op(kind, operands + ([a, b] if kind in ("Max", "Min", "Sum", "Mean") and flag() else []))
        a, b, shape = pair(x, shapes)
        m.op("Div", [a, choose(np.float32(0.5), np.float32(-4), 2.0 ** RNG.integers(-2, 3, shape).astype("float32"))])
        m.op("Neg", [a]), m.op("Abs", [a]), m.op("Sign", [a])
        m.op("Pow", [a, np.float32(choose(1, 2, 3))])
        relations = [m.op(kind, choose([a, b], [b, a], [a, np.float32(0.25)]), inner=flag()) for kind in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")]
        logic = [m.op(kind, [choose(*relations[:2]), choose(*relations[2:])]) for kind in ("And", "Or", "Xor")]
        m.op("Not", [choose(*logic)])
        m.op("Where", choose([choose(*relations), a, b], [choose(*logic), a, np.float32(-1)], [choose(*relations), grid(1), b]))
        m.op("Where", [m.op("IsNaN", [a], inner=True), np.float32(1), a]), m.op("Where", [m.op("IsInf", [a], inner=True), np.float32(1), a])
        m.op("Identity", [a])
        m.op("Cast", [a], to=choose(1, 6, 7, 9, 11)), m.op("CastLike", [a, choose(grid(1), integers(1))])
        for kind in ("Floor", "Ceil", "Round"):
            m.op(kind, [m.op("Mul", [a, np.float32(choose(0.5, 0.75, 2))], inner=True)])
    m.save()


def functions(name="exact_functions", opset=NEWEST):
    m = Model(name, opset)
    x = inputs(m, row=(4,), matrix=(3, 4), image=(4, 2, 3))
    for trial in range(TRIALS):
        a = choose(*x.values())
        m.op("Relu", [a]), m.op("LeakyRelu", [a], alpha=choose(0.5, 0.25, -0.125, 1.5)), m.op("ThresholdedRelu", [a], alpha=choose(0.5, 1.0, 1.25))
        m.op("Clip", [a, choose(np.float32(-1), np.float32(0), ""), choose(np.float32(0.5), np.float32(1.25))])
        m.op("PRelu", choose([x["row"], grid(4)], [x["matrix"], grid(1, 4)], [x["matrix"], grid(3, 1)], [x["image"], grid(4, 1, 1)], [a, grid(1)]))
        m.op("HardSigmoid", [a], alpha=choose(0.25, 0.5), beta=choose(0.5, 0.25))
        threshold = choose(0.5, 0.375, 1.0)
        m.op("Shrink", [a], lambd=threshold, bias=choose(0.0, threshold))
        # Variances of which the root is a power of two.
        v, count = choose((x["row"], 4), (x["matrix"], 3), (x["image"], 4))
        m.op("BatchNormalization", [v, grid(count), grid(count), grid(count), 4.0 ** RNG.integers(-1, 2, count).astype("float32")], epsilon=0.0)
        m.op("Dropout", [a])
    m.save()


def products(name="exact_products", opset=NEWEST):
    m = Model(name, opset)
    x = inputs(m, a=(3, 4), b=(4, 3), c=(2, 3, 4), d=(2, 4, 3), v=(4,), one=(1, 4, 3))
    a, b, c, d, v, one = x.values()
    for trial in range(TRIALS):
        m.op("MatMul", choose([a, b], [b, a], [c, d], [c, one], [one, grid(3, 2)], [a, grid(4, 5)], [grid(2, 3), a], [c, grid(2, 4, 3)], [v, grid(4, 3)], [a, grid(4)]))
        left, equation, right = choose((a, "bij,bjk->bik", b), (a, "bij,bjk->bki", b), (a, "bij,jk->bik", grid(4, 2)), (a, "bij,ijk->bk", grid(3, 4, 2)), (c, "bhij,bhjk->bhik", d), (a, "bij,bij->bi", a), (a, "bij,bj->bi", v), (c, "b...ij,jk->b...ik", grid(4, 2)), (v, "bi,bj->bij", v))
        m.op("Einsum", [left, right], equation=equation)
        transposed = flag()
        m.op("Gemm", [v, grid(3, 4) if transposed else grid(4, 3)] + ([grid(3)] if flag() else []), transB=int(transposed), alpha=choose(1.0, 0.5), beta=choose(1.0, 2.0))
    m.save()


def windows(name="exact_windows", opset=21):
    m = Model(name, opset)
    line, image, cube = inputs(m, line=(4, 7), image=(4, 4, 5), cube=(1, 3, 3, 4)).values()
    for trial in range(TRIALS):
        kernel, strides = [int(k) for k in RNG.integers(1, 4, 2)], [int(k) for k in RNG.integers(1, 3, 2)]
        dilations, pads = [int(k) for k in RNG.integers(1, 3, 2)], [int(k) for k in RNG.integers(0, 2, 4)]
        group = choose(1, 2, 4)
        bias = [grid(4)] if flag() else []
        place = choose({"pads": pads}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "VALID"}, {"auto_pad": "SAME_LOWER"})
        if choose(True, True, False):
            m.op("Conv", [image, grid(4, 4 // group, *kernel)] + bias, strides=strides, dilations=[1, 1] if "auto_pad" in place or max(kernel) > 2 else dilations, group=group, **place)
        else:
            m.op("Conv", choose([line, grid(4, 4 // group, kernel[0])] + bias, [line, grid(2 * group, 4 // group, 3)]), group=group, strides=strides[:1], pads=pads[:2])
        m.op("ConvTranspose", choose([image, grid(4, 2, *kernel)], [image, grid(4, 2, 2, 2), grid(2)]), strides=strides)
        m.op("ConvTranspose", [line, grid(4, 6 // choose(2, 3), kernel[0])], strides=strides[:1])
        pool = [max(k, 2) for k in kernel]
        target, rank = choose((image, 2), (line, 1))
        m.op("MaxPool", [target], kernel_shape=pool[:rank], strides=strides[:rank], pads=pads[: 2 * rank], ceil_mode=int(flag()))
        m.op("AveragePool", [target], kernel_shape=choose([2, 2], [1, 4], [4, 2])[:rank] if rank == 2 else [choose(2, 4)], strides=strides[:rank], **choose({}, {"pads": [0, 1, 0, 1][: 2 * rank], "count_include_pad": 1}))
        m.op("LpPool", [target], kernel_shape=pool[:rank], strides=strides[:rank], p=1)
        m.op("GlobalMaxPool", [choose(image, line, cube)]), m.op("GlobalLpPool", [choose(image, line)], p=1)
        m.op("GlobalAveragePool", [m.op("Slice", [image, integers(0, 0), integers(choose(1, 2, 4), choose(1, 2, 4)), integers(2, 3)], inner=True)])
    m.op("Conv", [cube, grid(2, 1, 2, 2, 2)]), m.op("MaxPool", [cube], kernel_shape=[2, 2, 2])
    m.save()


def reductions(name="exact_reductions", opset=NEWEST):
    m = Model(name, opset)
    x, image = inputs(m, x=(4, 4), image=(2, 4, 2)).values()
    for trial in range(TRIALS):
        for kind in "Sum Mean Max Min SumSquare L1".split():
            tensor, axes = choose((x, [1]), (x, [-1]), (x, [1, 2]), (image, [1]), (image, [2, 3]), (image, [-2]))
            axes = {"axes": axes} if opset < (13 if kind == "Sum" else 18) else integers(*axes)
            operands = [tensor] if isinstance(axes, dict) else [tensor, axes]
            m.op(f"Reduce{kind}", operands, keepdims=int(flag()), **(axes if isinstance(axes, dict) else {}))
        m.op("ReduceProd", [choose(x, image)] + ([integers(choose(1, 2, -1))] if opset >= 18 else []), keepdims=int(flag()), **({} if opset >= 18 else {"axes": [choose(1, 2)]}))
        for kind in ("ArgMax", "ArgMin"):
            m.op(kind, [choose(x, image)], axis=choose(1, 2, -1), keepdims=int(flag()))
    m.save()


def shapes(name="exact_shapes", opset=NEWEST):
    m = Model(name, opset)
    image, line, row = inputs(m, image=(4, 2, 4), line=(3, 4), row=(6,)).values()
    for trial in range(TRIALS):
        m.op("Transpose", [image], perm=[0] + [int(i) + 1 for i in RNG.permutation(3)])
        m.op("Reshape", [image, integers(*choose([0, -1], [-1, 8, 4], [0, 2, -1, 2], [0, 0, 8]))])
        m.op("Slice", [image, integers(choose(0, 1)), integers(choose(2, 2**63 - 1, 4)), integers(choose(1, 3, -1))])
        m.op("Slice", [line, integers(3), integers(-(2**62)), integers(2), integers(choose(-1, -2))])
        m.op("Concat", choose([line, line], [line, line, line]), axis=choose(1, 2, -1))
        m.op("Split", [image] + choose([integers(1, 3)], [integers(2, 2)], [integers(3, 1)]), results=2, axis=choose(1, 3))
        m.op("Gather", [image, np.array(choose([0, 2, 1], [3], [1, 3], 2, [[0, 1], [2, 3]]))], axis=choose(1, 3))
        m.op("Tile", [line, integers(1, choose(1, 2), choose(1, 3))])
        m.op("Expand", [m.op("Unsqueeze", [row, integers(1)], inner=True), integers(1, choose(1, 3), 6)])
        m.op("Unsqueeze", [line, integers(*choose([1], [2], [-1], [1, -1], [1, 2]))])
        m.op("Squeeze", [m.op("Unsqueeze", [line, integers(choose(1, 2, -1))], inner=True)])
        m.op("Flatten", [choose(image, line)], axis=1)
        m.op("CumSum", [line, np.array(choose(1, 2, -1))], exclusive=int(flag()), reverse=int(flag()))
        m.op("Trilu", [line, np.array(choose(-1, 0, 1, 2))], upper=int(flag()))
        m.op("DepthToSpace", [image], blocksize=2, mode=choose("DCR", "CRD"))
        m.op("SpaceToDepth", [image], blocksize=2)
        how = choose("half_pixel", "asymmetric", "align_corners" if trial % 2 else "asymmetric")
        scales = np.array([1.0, 1.0, choose(2.0, 1.0), choose(2.0, 0.5)], dtype="float32")
        rule = choose("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        m.op("Resize", [image, "", scales], mode="nearest", coordinate_transformation_mode=how, nearest_mode=rule)
        m.op("Resize", [image, "", scales], mode="linear", coordinate_transformation_mode=choose("half_pixel", "asymmetric"))
        pads = [0, choose(0, 1), choose(0, 2), 0, choose(0, 1), choose(1, 2, -1)]
        value = choose([], [np.float32(0)], [np.float32(0.5)], [np.float32(-2)])
        m.op("Pad", [line, integers(*pads)] + value)
        margins = [0, choose(0, 1), choose(0, 2), 0, choose(0, 1), choose(1, 2)]
        m.op("Pad", [line, integers(*margins)], mode=choose("reflect", "edge", "wrap" if opset >= 19 else "edge"))
    m.save()


def selections(name="exact_selections", opset=NEWEST):
    m = Model(name, opset, batch=1)
    line, image, row = inputs(m, line=(3, 4), image=(2, 3, 2), row=(8,)).values()
    index = m.input("index", (3,), integers=5)
    for trial in range(TRIALS):
        x, axis, extent = choose((line, 1, 3), (line, -1, 4), (image, 2, 3), (row, 1, 8), (row, -1, 8))
        count = int(RNG.integers(1, extent + 1))
        m.op("TopK", [m.op("Round", [x], inner=True) if flag() else x, integers(count)], results=2, axis=axis, largest=int(flag()), sorted=1)
        m.op("Hardmax", [choose(line, image, row)], axis=choose(1, -1))
        m.op("GatherElements", choose([line, RNG.integers(0, 3, (1, 2, 4))], [line, RNG.integers(-3, 3, (1, 3, 4))], [line, RNG.integers(0, 3, (1, 1, 2))]), axis=1)
        m.op("GatherElements", [image, RNG.integers(0, 2, (1, 2, 3, 2))], axis=choose(1, 3))
        places = np.stack([RNG.permutation(4) for _ in range(3)])[None, :, :2]
        if opset >= 16:
            m.op("ScatterElements", [line, RNG.integers(0, 3, (1, 2, 4)), m.op("Slice", [line, integers(0), integers(2), integers(1)], inner=True)], axis=1, reduction="add")
        m.op("ScatterElements", [line, places.astype("int64"), grid(1, 3, 2)], axis=2)
        rows = np.array([[[0, int(i)] for i in RNG.permutation(3)[:2]]])
        update = m.op("Gather", [line, integers(1, 2)], axis=1, inner=True)
        m.op("ScatterND", [line, rows, choose(update, grid(1, 2, 4))])
        if opset >= 16:
            m.op("ScatterND", [line, np.array([[[0, int(i)] for i in RNG.integers(0, 3, 2)]]), update], reduction="add")
        cells = np.array([[[0, int(i), int(j)] for i, j in zip(RNG.permutation(3)[:2], RNG.integers(0, 4, 2))]])
        m.op("ScatterND", [line, cells, grid(1, 2)])
        m.op("GatherND", [m.op("Transpose", [line], inner=True, perm=[1, 0, 2]), RNG.integers(0, choose(1, 3), (2, 1))])
        m.op("OneHot", [index, integers(choose(5, 6)), choose(np.array([0, 1], dtype="float32"), np.array([-1, 2], dtype="float32"))], axis=-1)
        m.op("Gather", choose([grid(5, 2), index], [grid(6), index], [grid(5, 2, 2), index]), axis=0)
        m.op("Add", [row, m.op("Range", [np.float32(0), np.float32(8), np.float32(choose(1, 1.0))], inner=True)])
        shape = m.op("Shape", [line], inner=True, **choose({}, {"start": 1}, {"start": 1, "end": 3}, {"end": 2}))
        m.op("Mul", [row, m.op("Cast", [m.op("ReduceSum", [shape], inner=True, keepdims=0), ], inner=True, to=1)])
        m.op("Add", [row, m.op("ConstantOfShape", [integers(choose(1, 8))], inner=True, value=np_tensor(choose(0.5, -1.0)))])
        m.op("Add", [row, m.op("Cast", [m.op("Size", [choose(line, image)], inner=True)], inner=True, to=1)])
        m.op("Mul", [row, m.op("Constant", [], inner=True, **choose({"value_float": 0.5}, {"value_floats": [0.5, 1.0, 2.0, -1.0] * 2}, {"value": np_tensor(-0.75)}))])
    m.save()


def np_tensor(value):
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([value], dtype="float32"), "value")


def quantizers(name="exact_quantizers", opset=NEWEST):
    """QuantizeLinear and DequantizeLinear with scales that are no powers of two, and operators on their integers."""
    m = Model(name, opset)
    x, image = inputs(m, x=(3, 4), image=(2, 4, 4)).values()

    def scale(*shape):
        return RNG.integers(5, 60, shape).astype("float32") / np.float32(512)

    def zero(kind, *shape):
        low, high = {"uint8": (90, 160), "int8": (-20, 20), "uint16": (30000, 34000), "int16": (-200, 200)}[kind]
        return m.constant(RNG.integers(low, high, shape), kind)

    def quantize(x, *shape, kind=None, **axis):
        kind = kind or choose("uint8", "int8")
        parameters = [m.constant(scale(*shape)), zero(kind, *shape)]
        return m.op("QuantizeLinear", [x] + parameters, inner=True, **axis), parameters

    for trial in range(TRIALS):
        kind = choose("uint8", "int8", "uint16" if opset >= 21 else "uint8", "int16" if opset >= 21 else "int8")
        source, shape, axis = choose((x, (), 1), (x, (3,), 1), (x, (4,), 2), (x, (4,), -1), (image, (2,), 1))
        q, parameters = quantize(source, *shape, kind=kind, axis=axis)
        m.op("DequantizeLinear", [q] + parameters, axis=axis)
        # Other parameters than the integers were made with.
        m.op("DequantizeLinear", [q, m.constant(scale()), zero(kind)])
        if trial % 4 == 0:
            m.op("Identity", [q])
        # Weights stored as integers.
        matrix = m.op("DequantizeLinear", [m.constant(RNG.integers(-127, 128, (4, 3)), "int8"), m.constant(scale(3)), m.constant(np.zeros(3), "int8")], inner=True, axis=1)
        m.op("MatMul", [x, matrix])
        q, parameters = quantize(x)
        m.op("MatMulInteger", [q, m.constant(RNG.integers(-100, 100, (4, 3)), choose("int8")), parameters[1]] + choose([], [m.constant(np.array(choose(0, 3)), "int8")]))
        q, parameters = quantize(image, kind="uint8")
        m.op("ConvInteger", [q, m.constant(RNG.integers(60, 190, (3, 2, 2, 2)), "uint8"), parameters[1], m.constant(np.array(128), "uint8")], pads=choose([0, 0, 0, 0], [1, 0, 0, 1]), strides=choose([1, 1], [2, 1]))
        m.op("MaxPool", [q], kernel_shape=[2, 2]) if trial % 4 == 0 else None
        # Remainders are read where a quantizer keeps numbers from 0 on.
        parameters = [m.constant(np.float32(2.0 ** -choose(2, 3, 5))), m.constant(np.array(0), "uint8")]
        wrapped = m.op("DequantizeLinear", [m.op("QuantizeLinear", [x] + parameters, inner=True)] + parameters, inner=True)
        m.op("Mod", [wrapped, np.float32(choose(0.5, 1, 2))], fmod=1)
    m.save()


def runtime(name="exact_runtime", opset=21):
    """onnxruntime's operator form of quantized networks; scales are powers of two times one odd number, so that its factors are exact."""
    m = Model(name, opset)
    x, image = inputs(m, x=(4,), image=(2, 4, 4)).values()

    def constant(low, high, shape, kind):
        return m.constant(RNG.integers(low, high, shape), kind)

    def quantize(value, kind):
        parameters = [m.constant(np.float32(2.0 ** -int(RNG.integers(3, 6)) * 3)), constant(*((100, 156) if kind == "uint8" else (-9, 9)), (), kind)]
        return [m.op("QuantizeLinear", [value] + parameters, inner=True)] + parameters

    def target(kind):
        return [m.constant(np.float32(2.0 ** -int(RNG.integers(1, 4)) * 3)), constant(*((100, 156) if kind == "uint8" else (-9, 9)), (), kind)]

    def power(*shape):
        return m.constant(2.0 ** -RNG.integers(5, 8, shape).astype("float32"))

    def result(node, parameters):
        m.op("DequantizeLinear", [node] + parameters)

    for trial in range(TRIALS):
        kind = choose("uint8", "int8")
        shape = choose((), (3,))
        out = target(kind)
        weights = [constant(-90, 90, (3, 2, *choose((1, 1), (2, 2), (3, 2))), "int8"), power(*shape), constant(0, 1, shape, "int8")]
        bias = choose([], [constant(-500, 500, (3,), "int32")])
        result(m.op("QLinearConv", quantize(image, kind) + weights + out + bias, inner=True, pads=choose([0, 0, 0, 0], [1, 1, 0, 1])), out)
        out = target(kind)
        weights = [constant(-90, 90, (4, 3), "int8"), power(*shape), constant(0, 1, shape, "int8")]
        result(m.op("QLinearMatMul", quantize(x, kind) + weights + out, inner=True), out)
        out = target(kind)
        result(m.op("QGemm", quantize(x, kind) + weights + [constant(-500, 500, (3,), "int32")] + out, inner=True, domain="com.microsoft"), out)
        for binary in ("QLinearAdd", "QLinearMul"):
            out = target(kind)
            result(m.op(binary, quantize(x, kind) + quantize(x, kind) + out, inner=True, domain="com.microsoft"), out)
        out = target(kind)
        result(m.op("QLinearConcat", out + quantize(image, kind) + quantize(image, kind), inner=True, axis=1, domain="com.microsoft"), out)
        out = target(kind)
        result(m.op("QLinearGlobalAveragePool", quantize(image, kind) + out, inner=True, domain="com.microsoft", channels_last=0), out)
        out = target(kind)
        result(m.op("QLinearAveragePool", quantize(image, kind) + out, inner=True, domain="com.microsoft", kernel_shape=[2, 2], channels_last=0), out)
        out = target(kind)
        result(m.op("QLinearLeakyRelu", quantize(x, kind) + out, inner=True, domain="com.microsoft", alpha=0.25), out)
    m.save()


def classic(name="exact_classic", opset=15):
    m = Model(name, opset)
    (x,) = inputs(m, x=(5,)).values()
    for trial in range(TRIALS):
        values = lambda *shape: [float(v) for v in grid(*shape).reshape(-1)]
        m.op("LinearRegressor", [x], domain="ai.onnx.ml", targets=2, coefficients=values(2, 5), intercepts=values(2))
        classes = choose(2, 3)
        label, scores = m.op("LinearClassifier", [x], inner=True, results=2, domain="ai.onnx.ml", coefficients=values(classes, 5), intercepts=values(classes), classlabels_ints=list(range(classes)), multi_class=0, post_transform="NONE")
        m.op("Identity", [scores])
        m.op("Scaler", [x], domain="ai.onnx.ml", offset=values(5), scale=values(5))
        m.op("Binarizer", [x], domain="ai.onnx.ml", threshold=float(grid(1)[0]))
        m.op("Imputer", [x], domain="ai.onnx.ml", imputed_value_floats=values(5), replaced_value_float=float(choose("nan", 0.5)))
        m.op("ArrayFeatureExtractor", [x, integers(*[int(i) for i in RNG.permutation(5)[: choose(1, 3)]])], domain="ai.onnx.ml")
        m.op("FeatureVectorizer", [x, m.op("Relu", [x], inner=True)], domain="ai.onnx.ml", inputdimensions=[5, 5])
    m.save()


def qonnx():
    """QONNX's quantizers, as its own package executes them."""
    m = Model("exact_qonnx", 18)
    x, image = inputs(m, x=(3, 4), image=(2, 2, 3)).values()
    domain = "qonnx.custom_op.general"

    def run(path, data):
        import onnx
        from onnx import numpy_helper
        from qonnx.custom_op.general.bipolar_quant import binary_quant
        from qonnx.custom_op.general.intquant import int_quant
        from qonnx.custom_op.general.trunc import trunc_v2

        graph = onnx.load(str(path)).graph
        values = {x.name: numpy_helper.to_array(x) for x in graph.initializer} | data
        for node in graph.node:
            operands = [values[name] for name in node.input]
            attributes = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
            mode = attributes.get("rounding_mode", b"").decode()
            if node.op_type in ("Quant", "IntQuant"):
                result = int_quant(*operands, attributes["signed"], attributes["narrow"], mode)
            elif node.op_type == "Trunc":
                x, one, zero, before, coarse, after = operands
                result = trunc_v2(x, one, zero, before, attributes["narrow"], attributes["signed"], coarse, after, mode)
            else:
                result = binary_quant(*operands)
            values[node.output[0]] = np.asarray(result, dtype="float32")
        return [values[x.name] for x in graph.output]

    def scale(*shape):
        return RNG.integers(5, 60, shape).astype("float32") / np.float32(64)

    modes = ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]
    for trial in range(5 * TRIALS):
        source, shapes = choose((x, [(), (1, 3, 1), (1, 1, 4), (1, 3, 4)]), (image, [(), (1, 2, 1, 1), (1, 2, 2, 3)]))
        shape = choose(*shapes)
        signed = int(flag())
        points = RNG.integers(-3, 4, shape).astype("float32") if trial % 2 else np.zeros(shape, "float32")
        bits = np.float32(RNG.integers(2, 9))
        m.op(choose("Quant", "IntQuant"), [source, scale(*shape), points, bits], domain=domain, signed=signed, narrow=int(flag()), rounding_mode=modes[trial % len(modes)])
        if trial < TRIALS:
            m.op("BipolarQuant", [source, scale(*shape)], domain=domain)
            one, before, after = scale(), int(RNG.integers(5, 10)), int(RNG.integers(2, 5))
            inner = m.op("Quant", [source, one, np.float32(0), np.float32(before)], inner=True, domain=domain, signed=1, narrow=0, rounding_mode="ROUND")
            m.op("Trunc", [inner, one, np.float32(0), np.float32(before), one * np.float32(2 ** (before - after)), np.float32(after)], domain=domain, rounding_mode=choose("FLOOR", "ROUND", "CEIL"), signed=1, narrow=0)
    m.save(run)


def old():
    """Operators as sets 7 to 12 have them."""
    for opset in (7, 9, 10, 11):
        m = Model(f"exact_opset{opset}", opset)
        x, image, row = inputs(m, x=(3, 4), image=(2, 4, 2), row=(6,)).values()
        for trial in range(TRIALS):
            axes = choose([1], [2], [1, 2])
            m.op("Squeeze", [m.op("Unsqueeze", [x], inner=flag(), axes=axes)], axes=axes)
            if opset < 10:
                m.op("Slice", [x], axes=[1, 2], starts=[choose(0, 1), choose(0, -3)], ends=[choose(2, 3), choose(4, 2**31)])
            else:
                m.op("Slice", [x, integers(choose(0, 1)), integers(choose(2, 3)), integers(1), integers(choose(1, 2))])
            if opset < 11:
                m.op("Clip", [x], min=choose(-0.5, 0.0), max=choose(0.25, 1.0)), m.op("Pad", [x], pads=[0, choose(0, 1), 0, 0, 0, 2], value=choose(0.0, 0.5), mode=choose("constant", "reflect"))
            else:
                m.op("Clip", [x, np.float32(choose(-0.5, 0.0)), np.float32(choose(0.25, 1.0))])
                m.op("Pad", [x, integers(0, choose(0, 1), 0, 0, 0, 2)], mode=choose("constant", "reflect"))
            m.op("ReduceSum", [x], axes=choose([1], [2], [1, 2]), keepdims=int(flag())), m.op("ReduceMean", [image], axes=choose([2], [2, 3]))
            m.op("Split", [x], axis=2, split=choose([1, 3], [2, 2]), results=2)
            m.op("BatchNormalization", [image, grid(2), grid(2), grid(2), 4.0 ** RNG.integers(-1, 2, 2).astype("float32")], epsilon=0.0)
            if opset in (7, 8):
                m.op("Upsample", [image], scales=[1.0, 1.0, choose(1.0, 2.0), choose(2.0, 3.0)], mode="nearest")
            if opset == 9:
                m.op("Upsample", [image, np.array([1, 1, choose(1, 2), 2], dtype="float32")], mode="nearest")
            if opset == 10:
                m.op("Resize", [image, np.array([1, 1, choose(1, 2), 2], dtype="float32")], mode="nearest")
            if opset >= 11:
                m.op("Resize", [image, np.zeros(0, "float32"), np.array([1, 1, choose(1, 2), 2], dtype="float32")], mode=choose("nearest", "linear"))
            m.op("TopK", [row, integers(choose(1, 3))], axis=1, results=2) if opset >= 10 else m.op("TopK", [row], axis=1, k=choose(1, 3), results=2)
            m.op("Hardmax", [x], axis=1), m.op("Dropout", [x]), m.op("Flatten", [x], axis=1)
            m.op("Gemm", [m.op("Flatten", [x], inner=True), grid(12, 2), grid(2)])
            m.op("MaxPool", [image], kernel_shape=[2, 2]), m.op("AveragePool", [image], kernel_shape=[2, 1])
            m.op("PRelu", [image, grid(2, 1, 1)]), m.op("Sum", [x, x]), m.op("Add", [row, grid(6)])
        m.save()


def scatter(name="exact_scatter9", opset=9):
    """The first form of ScatterElements."""
    m = Model(name, opset, batch=1)
    line, image = inputs(m, line=(3, 4), image=(2, 3, 2)).values()
    for trial in range(TRIALS):
        if flag():
            m.op("Scatter", [line, np.stack([RNG.permutation(4)[:2] for _ in range(3)])[None].astype("int64"), grid(1, 3, 2)], axis=2)
        else:
            m.op("Scatter", [image, np.array(choose(0, 1) * np.ones((1, 1, 3, 2)), dtype="int64"), grid(1, 1, 3, 2)], axis=1)
    m.save()


def recurrent(name="exact_recurrent", opset=22):
    """A recurrence with rectifiers for activations only adds and multiplies."""
    m = Model(name, opset)
    x = m.op("Transpose", [m.input("x", (3, 2), grid=8)], inner=True, perm=[1, 0, 2])
    for trial in range(TRIALS):
        direction = choose("forward", "reverse", "bidirectional")
        count = 2 if direction == "bidirectional" else 1
        bias = choose([], [grid(count, 6, top=8, step=4)])
        y, last = m.op("RNN", [x, grid(count, 3, 2, top=4, step=4), grid(count, 3, 3, top=4, step=4)] + bias, inner=True, results=2, hidden_size=3, direction=direction, activations=["Relu"] * count)
        m.op("Transpose", [choose(last, last)], perm=[1, 0, 2])
        m.op("Transpose", [y], perm=[2, 0, 1, 3])
    m.save()



EVERY = [arithmetic, functions, products, windows, reductions, shapes, selections, quantizers, runtime, classic, qonnx, old, scatter, recurrent]

if __name__ == "__main__":
    for make in EVERY:
        if not sys.argv[1:] or make.__name__ in sys.argv[1:]:
            make()
    if not sys.argv[1:] or "middle" in sys.argv[1:]:
        reductions("exact_reductions13", 13), shapes("exact_shapes14", 14), functions("exact_functions14", 14), selections("exact_selections16", 16)
