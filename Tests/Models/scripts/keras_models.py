"""Models that exercise every layer that the Keras reader knows, with the framework's own outputs.

`python keras_models.py keras2` with TensorFlow 2.14 and QKeras 0.9 (python 3.11), `python keras_models.py keras3` with
Keras 3 (any backend) and HGQ2. Each model goes to `Tests/Models/<generation>/<name>` beside `<name>.golden.h5`, which holds
`input_0` … and `outputs`, all outputs of a sample one behind the other. Everything is seeded; weights are random, nothing is trained.
"""

import json
import pathlib
import sys
import zipfile

import h5py
import numpy as np

GENERATION = sys.argv[1]
ROOT = pathlib.Path(__file__).parent.parent / GENERATION
SAMPLES = 3
RNG = np.random.default_rng(7)

if GENERATION == "keras2":
    import tensorflow as tf
    keras = tf.keras
else:
    import keras
L = keras.layers


def randomize(model):
    """Weights on a coarse grid, statistics of normalisations in a sensible range."""
    for layer in model._flatten_layers():
        for weight in getattr(layer, "_trainable_variables", None) or getattr(layer, "_trainable_weights", []):
            shape = tuple(weight.shape)
            if "gamma" in weight.name:
                weight.assign(RNG.uniform(0.5, 2, shape).astype("float32"))
            elif not str(weight.dtype).startswith("u") and "fixed_point" not in getattr(weight, "path", weight.name):
                weight.assign((RNG.normal(0, 0.5, shape)).astype("float32"))
        for weight in getattr(layer, "_non_trainable_variables", None) or getattr(layer, "_non_trainable_weights", []):
            shape = tuple(weight.shape)
            if "moving_mean" in weight.name:
                weight.assign(RNG.normal(0, 0.3, shape).astype("float32"))
            elif "moving_variance" in weight.name:
                weight.assign(RNG.uniform(0.3, 2, shape).astype("float32"))


def deflate(path):
    """Packs an archive, whose entries Keras stores as they are."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, contents in entries:
            archive.writestr(zipfile.ZipInfo(name), contents, zipfile.ZIP_DEFLATED)


def emit(name, inputs, outputs, formats, scale=2.0, grid=None):
    """Saves a model with its outputs on random inputs."""
    ROOT.mkdir(parents=True, exist_ok=True)
    model = keras.Model(inputs, outputs, name=name)
    randomize(model)
    data = [RNG.normal(0, scale, (SAMPLES,) + tuple(x.shape[1:])).astype("float32") for x in inputs]
    if grid:
        data = [np.round(x * grid) / np.float32(grid) for x in data]
    results = model(data if len(data) > 1 else data[0], training=False)
    results = results if isinstance(results, (list, tuple)) else [results]
    for suffix in formats:
        path = ROOT / f"{name}.{suffix}"
        model.save(str(path))
        if suffix == "keras":
            deflate(path)
    record(name, data, results)


def record(name, data, results):
    """Writes inputs and the framework's outputs."""
    with h5py.File(ROOT / f"{name}.golden.h5", "w") as f:
        for i, x in enumerate(data):
            f[f"input_{i}"] = x
        f["outputs"] = np.concatenate([np.array(y, dtype="float32").reshape(SAMPLES, -1) for y in results], axis=1)
    print(name, len(results), "outputs")


FORMATS = ["h5"] if GENERATION == "keras2" else ["keras"]
BOTH = ["h5"] if GENERATION == "keras2" else ["keras", "h5"]


ACTIVATIONS = "linear relu elu selu sigmoid tanh softplus softsign exponential gelu swish hard_sigmoid softmax".split()
if GENERATION == "keras3":
    ACTIVATIONS += """relu6 silu mish leaky_relu log_sigmoid hard_silu hard_tanh celu squareplus soft_shrink hard_shrink
        tanh_shrink sparse_plus sparse_sigmoid log_softmax""".split()
else:
    ACTIVATIONS += ["mish"]


def activations():
    x = keras.Input((24,), name="x")
    slope = "alpha" if GENERATION == "keras2" else "negative_slope"
    y = [L.Activation(n, name=f"act_{n}")(x) for n in ACTIVATIONS]
    y += [L.ReLU(name="relu_max", max_value=1.5)(x), L.ReLU(name="relu_slope", negative_slope=0.125)(x),
          L.ReLU(name="relu_both", max_value=3.0, negative_slope=0.25)(x), L.ReLU(name="relu_threshold", threshold=0.75)(x),
          L.LeakyReLU(name="leaky", **{slope: 0.2})(x), L.ELU(name="elu_alpha", alpha=0.5)(x), L.Softmax(name="soft")(x),
          L.PReLU(name="prelu")(x), L.Dense(5, activation="relu", name="fused")(x)]
    if GENERATION == "keras2":
        y += [L.ThresholdedReLU(name="thresholded", theta=0.5)(x)]
    emit("activations", [x], y, FORMATS)


def random_activations():
    """Twenty random configurations of every activation: its parameters, and the shape and range of what it reads."""
    shapes = [(6,), (3, 4), (2, 3, 2)]
    scales = [0.5, 2.0, 6.0]
    x = [keras.Input(s, name=f"x{i}_{j}") for i, s in enumerate(shapes) for j in range(len(scales))]
    slope = "alpha" if GENERATION == "keras2" else "negative_slope"

    def number(low, high):
        return round(float(RNG.uniform(low, high)), 3)

    def rectifier():
        parameters = {"max_value": number(0.5, 4), "negative_slope": number(0, 0.5), "threshold": number(0, 0.4)}
        return {key: value for key, value in parameters.items() if RNG.random() < 0.6}

    kinds = {name: (lambda n: lambda rank, label: L.Activation(n, name=label))(name) for name in ACTIVATIONS}
    kinds |= {
        "layer_relu": lambda rank, label: L.ReLU(name=label, **rectifier()),
        "layer_leaky": lambda rank, label: L.LeakyReLU(name=label, **{slope: number(0, 0.9)}),
        "layer_elu": lambda rank, label: L.ELU(name=label, alpha=number(0.1, 2)),
        "layer_softmax": lambda rank, label: L.Softmax(name=label, axis=int(RNG.choice([-1, int(RNG.integers(1, rank + 1))]))),
    }
    if GENERATION == "keras2":
        kinds["layer_thresholded"] = lambda rank, label: L.ThresholdedReLU(name=label, theta=number(0, 2))
    y = []
    for kind, make in kinds.items():
        for trial in range(20):
            i = int(RNG.integers(len(x)))
            y.append(make(len(x[i].shape) - 1, f"{kind}_{trial}")(x[i]))
    model = keras.Model(x, y, name="random_activations")
    data = [RNG.normal(0, scales[i % len(scales)], (SAMPLES,) + tuple(t.shape[1:])).astype("float32") for i, t in enumerate(x)]
    if GENERATION == "keras2":
        # As JSON: Keras 2 writes a kilobyte for each layer without weights.
        (ROOT / "random_activations.json").write_text(model.to_json())
        with h5py.File(ROOT / "random_activations_weights.h5", "w") as f:
            f.attrs["layer_names"] = np.array([b"input"])
            f.create_group("input").attrs["weight_names"] = np.array([], dtype="S1")
    else:
        model.save(str(ROOT / "random_activations.keras"))
        deflate(ROOT / "random_activations.keras")
    record("random_activations", data, model(data, training=False))


def random_slopes():
    """Twenty random PReLU layers."""
    shapes = [(6,), (3, 4), (2, 3, 2)]
    x = [keras.Input(s, name=f"x{i}") for i, s in enumerate(shapes)]
    y = []
    for trial in range(20):
        i = int(RNG.integers(len(shapes)))
        shared = [axis for axis in range(1, len(shapes[i]) + 1) if RNG.random() < 0.4]
        y.append(L.PReLU(shared_axes=shared or None, name=f"prelu_{trial}")(x[i]))
    emit("random_slopes", x, y, FORMATS)


def gated():
    """Twenty random uses of `glu`, which halves the last axis."""
    x = [keras.Input(s, name=f"x{i}") for i, s in enumerate([(6,), (3, 4), (2, 3, 2)])]
    emit("gated", x, [L.Activation("glu", name=f"glu_{trial}")(x[int(RNG.integers(len(x)))]) for trial in range(20)], FORMATS)


def merges():
    shapes = [(4,), (3, 4), (2, 3, 4), (1, 4), (3, 1), (2, 1, 4)]
    x = [keras.Input(s, name=f"x{i}") for i, s in enumerate(shapes)]
    again = [keras.Input(s, name=f"z{i}") for i, s in enumerate(shapes)]
    y = []
    for kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        for trial in range(20):
            i = int(RNG.integers(len(shapes)))
            fitting = [j for j in range(len(shapes)) if fits(shapes[i], shapes[j])]
            j = int(RNG.choice(fitting))
            operands = [x[i], again[j]]
            if kind != "Subtract" and RNG.random() < 0.4:
                operands.append(x[j])
            y.append(getattr(L, kind)(name=f"{kind.lower()}_{trial}")(operands))
    for trial in range(20):
        i = int(RNG.integers(len(shapes)))
        axis = int(RNG.integers(1, len(shapes[i]) + 1))
        if RNG.random() < 0.5:
            axis -= len(shapes[i]) + 1
        y.append(L.Concatenate(axis=axis, name=f"concatenate_{trial}")([x[i], again[i], x[i]]))
    emit("merges", x + again, y, FORMATS)


def fits(a, b):
    return all(p == q or 1 in (p, q) for p, q in zip(a[::-1], b[::-1]))


def convolutions():
    image, line = keras.Input((7, 6, 4), name="image"), keras.Input((11, 4), name="line")
    y = []
    for trial in range(20):
        pad = str(RNG.choice(["valid", "same"]))
        kernel = tuple(int(k) for k in RNG.integers(1, 4, 2))
        strides, dilation = (int(RNG.integers(1, 4)),) * 2, (1, 1)
        if RNG.random() < 0.4:
            strides, dilation = (1, 1), (int(RNG.integers(1, 3)), int(RNG.integers(1, 3)))
        y.append(L.Conv2D(4, kernel, strides, pad, dilation_rate=dilation, groups=int(RNG.choice([1, 2, 4])),
                          use_bias=bool(RNG.integers(2)), name=f"conv2d_{trial}",
                          activation=str(RNG.choice(["linear", "relu"])))(image))
        if trial < 8:
            y.append(L.DepthwiseConv2D(kernel, strides, pad, depth_multiplier=int(RNG.integers(1, 3)),
                                       use_bias=bool(RNG.integers(2)), name=f"depthwise_{trial}")(image))
            y.append(L.Conv1D(3, kernel[0], strides[0], str(RNG.choice(["valid", "same", "causal"])),
                              name=f"conv1d_{trial}")(line))
        if trial < 4:
            y.append(L.SeparableConv2D(3, kernel, (1, 1), pad, depth_multiplier=2, name=f"separable_{trial}")(image))
            y.append(L.SeparableConv1D(3, kernel[0], 2, pad, name=f"separable1d_{trial}")(line))
        size = tuple(int(k) for k in RNG.integers(1, 4, 2))
        step = None if RNG.random() < 0.4 else tuple(int(k) for k in RNG.integers(1, 4, 2))
        y.append(L.MaxPooling2D(size, step, pad, name=f"max_{trial}")(image))
        y.append(L.AveragePooling2D(size, step, pad, name=f"average_{trial}")(image))
        if trial < 6:
            y.append(L.MaxPooling1D(size[0], None, pad, name=f"max1d_{trial}")(line))
            y.append(L.AveragePooling1D(size[0], 2, pad, name=f"average1d_{trial}")(line))
    for keep in (False, True):
        y += [L.GlobalMaxPooling2D(keepdims=keep, name=f"gmax_{keep}")(image),
              L.GlobalAveragePooling2D(keepdims=keep, name=f"gavg_{keep}")(image),
              L.GlobalMaxPooling1D(keepdims=keep, name=f"gmax1_{keep}")(line),
              L.GlobalAveragePooling1D(keepdims=keep, name=f"gavg1_{keep}")(line)]
    emit("convolutions", [image, line], y, FORMATS)


def shapes():
    image, line, row = keras.Input((4, 6, 2), name="image"), keras.Input((5, 3), name="line"), keras.Input((6,), name="row")
    y = [L.Flatten(name="flatten")(image), L.Reshape((8, -1), name="reshape")(image), L.Permute((3, 1, 2), name="permute")(image),
         L.RepeatVector(3, name="repeat")(row), L.ZeroPadding2D(((1, 2), (0, 3)), name="pad")(image), L.ZeroPadding1D(2, name="pad1")(line),
         L.Cropping2D(((1, 0), (2, 1)), name="crop")(image), L.Cropping1D((1, 2), name="crop1")(line),
         L.UpSampling2D((2, 3), name="up")(image), L.UpSampling1D(2, name="up1")(line),
         L.Dropout(0.3, name="drop")(row), L.GaussianNoise(0.2, name="noise")(row), L.SpatialDropout1D(0.1, name="sdrop")(line),
         L.ActivityRegularization(0.1, name="reg")(row), L.BatchNormalization(name="bn")(image), L.BatchNormalization(axis=1, name="bn1")(image),
         L.BatchNormalization(axis=2, center=False, name="bn2")(line), L.BatchNormalization(scale=False, epsilon=0.01, name="bn3")(row),
         L.PReLU(shared_axes=[1, 2], name="prelu")(image), L.PReLU(name="prelu_all")(line), L.Softmax(axis=1, name="softmax1")(line),
         L.Rescaling(1 / 255, offset=-0.5, name="rescale")(image), L.Rescaling([0.5, 2.0, -1.0], [0.0, 1.0, 3.0], name="rescale1")(line),
         L.Normalization(axis=-1, mean=[0.5, -1.0, 2.0], variance=[1.0, 0.25, 4.0], name="norm")(line),
         L.Normalization(axis=None, mean=0.5, variance=3.0, name="norm_all")(line),
         L.Dense(4, name="dense_high")(image)]
    emit("shapes", [image, line, row], y, FORMATS)


def nested():
    inner_input = keras.Input((5,), name="inner_in")
    shared = L.Dense(5, name="shared", activation="tanh")
    inner_out = shared(L.BatchNormalization(name="bn")(inner_input))
    inner = keras.Model(inner_input, [inner_out, L.Dense(3, name="side")(inner_out)], name="inner")
    tower = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu", name="dense"), inner_like(), L.Dense(3, name="last")], name="tower")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    common = L.Dense(5, name="dense", activation="relu")
    main, side = inner(common(a))
    main2, side2 = inner(common(b))
    y = [L.Add(name="sum")([main, main2]), L.Concatenate(name="both")([side, side2, tower(main)]), tower(common(main2))]
    emit("nested", [a, b], y, BOTH)


def inner_like():
    # Keras 2 can't save two layers of one name in one nested model.
    name = "dense" if GENERATION == "keras3" else "block_dense"
    return keras.Sequential([keras.Input((4,)), L.Dense(4, name=name), L.BatchNormalization(name="bn"), L.ReLU(name="act")], name="block")


def operators():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    y = [a + b, a - b, a * b, a * 2.5, 0.1 * a, a + 1.5, 1.0 - a, a - 0.3, a / 4.0, a / 3.0, -a,
         keras.ops.maximum(a, b), keras.ops.minimum(a, 0.5)]
    emit("operators", [a, b], y, BOTH)


def tensorflow_functions():
    """What functional models of Keras 2 do with tensors outside of layers."""
    x, z = keras.Input((4, 6), name="x"), keras.Input((4, 6), name="z")
    square = x * x + 0.5
    y = [x + z, x - z, x * z, x / square, x + 1.5, 0.1 * x, 1.0 - x, 2.0 / square, x / 4.0, -x, x**2, square**0.5, tf.maximum(x, z), tf.minimum(x, 0.25),
         tf.add_n([x, z, x]), tf.abs(x), tf.exp(x), tf.math.log(square), tf.sqrt(square), tf.math.rsqrt(square), tf.math.reciprocal(square), tf.sign(x), tf.square(x),
         tf.math.erf(x), tf.tanh(x), tf.sigmoid(x), tf.nn.relu(x), tf.nn.relu6(x), tf.nn.softplus(x), tf.nn.softsign(x), tf.nn.selu(x), tf.nn.elu(x),
         tf.nn.leaky_relu(x, alpha=0.125), tf.nn.softmax(x), tf.nn.softmax(x, axis=1), tf.reduce_sum(x, axis=1), tf.reduce_sum(x, axis=(1, 2), keepdims=True),
         tf.reduce_mean(x, axis=-1), tf.reduce_max(x, axis=1), tf.reduce_min(x, axis=2), tf.math.reduce_variance(x, axis=1), tf.math.reduce_std(x, axis=-1),
         tf.concat([x, z], axis=1), tf.concat([x, z], axis=-1), tf.stack([x, z], axis=1), tf.expand_dims(x, 2), tf.squeeze(x[:, :1], 1), tf.clip_by_value(x, -0.5, 0.75),
         tf.transpose(x, (0, 2, 1)), tf.reshape(x, (-1, 3, 8)), tf.pad(x, [[0, 0], [1, 1], [0, 2]]), tf.matmul(x, z, transpose_b=True), tf.matmul(x, z, transpose_a=True),
         x[:, 1:3, ::2], x[:, -1], x[:, ::-1], x[:, 2:, 1]]
    emit_random("tensorflow_functions", [x, z], y, grid=64)


# Quantizers of QKeras.

QUANTIZERS = """quantized_bits(4,0) quantized_bits(6,2,alpha=1) quantized_bits(8,0,1,alpha=1.0) quantized_bits(4,0,1,keep_negative=False,alpha=1)
quantized_bits(5,1,keep_negative=False) quantized_bits(1,0,alpha=1) quantized_bits(1,0,keep_negative=False,alpha=1) quantized_bits(7,3,alpha=1)
quantized_bits(4,0,alpha=0.75) quantized_bits(4,1,1,alpha=2.0) quantized_bits(2,0,alpha=1) quantized_bits(16,6,alpha=1) quantized_bits(5,5,alpha=1)
quantized_relu(4) quantized_relu(6,2) quantized_relu(4,0,1) quantized_relu(5,2,1) quantized_relu(5,1,negative_slope=0.25) quantized_relu(4,0,0,0.5)
quantized_relu(6,1,0,1.0) quantized_relu(1,1) quantized_relu(6,2,relu_upper_bound=1.3) quantized_relu(6,2,relu_upper_bound=1.3,is_quantized_clip=False)
quantized_tanh(5) quantized_tanh(4,symmetric=1) quantized_tanh(6,use_real_tanh=1) quantized_tanh(3,0,1,1) quantized_tanh(8)
quantized_sigmoid(4) quantized_sigmoid(5,1) quantized_sigmoid(6,use_real_sigmoid=1) quantized_sigmoid(4,True,True) quantized_sigmoid(1)
quantized_hswish(6,2,alpha=1) quantized_hswish(8,3,1) quantized_hswish(6,2,relu_shift=2,relu_upper_bound=4)
binary(alpha=1) binary binary(use_01=1) binary(1,alpha=0.5) binary(alpha=0.7) stochastic_binary(alpha=1)
ternary(alpha=1) ternary ternary(alpha=0.5,threshold=0.75) ternary(threshold=0.0) ternary(alpha=1.3) stochastic_ternary(alpha=1)
quantized_po2(4) quantized_po2(5,2) quantized_po2(5,0.5) quantized_po2(5,quadratic_approximation=True) quantized_po2(4,log2_rounding='floor') quantized_po2(6)
quantized_relu_po2(4) quantized_relu_po2(4,2) quantized_relu_po2(3,negative_slope=0.5) quantized_relu_po2(5,quadratic_approximation=True) quantized_relu_po2(4,1,log2_rounding='floor')
""".split()

FITTED = ["quantized_bits(4,0,alpha='auto_po2')", "quantized_bits(4,0,alpha='auto')", "quantized_bits(6,1,alpha='auto_po2')",
          "quantized_bits(3,0,1,alpha='auto')", "quantized_bits(2,0,alpha='auto_po2')", "quantized_bits(5,2,alpha='auto')",
          "binary(alpha='auto_po2')", "binary(alpha='auto')", "binary(use_01=1,alpha='auto')", "ternary(alpha='auto_po2')",
          "ternary(alpha='auto')", "ternary(alpha='auto_po2',number_of_unrolls=2)"]


def short(values):
    """The numbers in as few digits as tell float32 apart."""
    return [float(f"{v:.9g}") for v in values.ravel()]


def quantizers():
    """Inputs and outputs of every quantizer: as an activation on numbers, as a quantizer of kernels."""
    from qkeras import quantizers as Q
    base = np.arange(-48, 49) / 16.0
    cases = []
    for text in QUANTIZERS:
        x = np.concatenate([base, RNG.normal(0, 1.5, 60), [0.0, 1e-8, -1e-8, 100.0, -100.0, 0.33, -0.33, 0.4999, 0.5001]]).astype("float32")
        y = np.array(Q.get_quantizer(text)(tf.constant(x)), dtype="float32")
        cases.append({"quantizer": text, "input": short(x), "output": short(y)})
    kernels = []
    for text in QUANTIZERS + FITTED:
        for shape in [(7, 3), (2, 3, 2, 4)] if text in FITTED else [(7, 3)]:
            x = RNG.normal(0, 0.6, shape).astype("float32")
            y = np.array(Q.get_quantizer(text)(tf.constant(x)), dtype="float32")
            kernels.append({"quantizer": text, "shape": list(shape), "input": short(x), "output": short(y)})
    ROOT.mkdir(parents=True, exist_ok=True)
    with open(ROOT / "quantizers.json", "w") as f:
        json.dump({"activations": cases, "kernels": kernels}, f, separators=(",", ":"))
    print("quantizers", len(cases), len(kernels))


def qlayers():
    """Quantized layers, with every value on a grid coarse enough for float32 to be exact before fitted scales enter."""
    import qkeras as Q
    image, row, line = keras.Input((5, 6, 3), name="image"), keras.Input((9,), name="row"), keras.Input((8, 3), name="line")
    y = [Q.QDense(4, kernel_quantizer="quantized_bits(6,1,alpha=1)", bias_quantizer="quantized_bits(6,2,alpha=1)",
                  activation="quantized_relu(5,2)", name="qd")(row),
         Q.QDense(4, kernel_quantizer=Q.quantized_bits(5, 1), bias_quantizer=Q.quantized_po2(5), name="qd_fitted")(row),
         Q.QDense(4, kernel_quantizer="ternary", bias_quantizer=None, name="qd_ternary")(row),
         Q.QDense(4, kernel_quantizer="binary(alpha=0.5)", use_bias=False, activation="hard_sigmoid", name="qd_binary")(row),
         Q.QDense(4, kernel_quantizer="quantized_po2(4)", use_bias=False, activation="quantized_tanh(6)", name="qd_po2")(row),
         Q.QConv2D(4, (3, 2), (2, 1), "same", kernel_quantizer="quantized_bits(5,0,alpha=1)", bias_quantizer="quantized_bits(5,1,alpha=1)", name="qc")(image),
         Q.QConv1D(4, 3, kernel_quantizer="quantized_bits(5,0,alpha='auto_po2')", bias_quantizer="quantized_bits(5,1,alpha=1)", name="qc1")(line),
         Q.QDepthwiseConv2D((2, 2), depthwise_quantizer="quantized_bits(5,0,alpha=1)", bias_quantizer="quantized_bits(5,1,alpha=1)", name="qdw")(image),
         Q.QSeparableConv2D(3, (2, 2), depthwise_quantizer="quantized_bits(4,0,alpha=1)", pointwise_quantizer="quantized_bits(4,0,alpha=1)",
                            bias_quantizer="quantized_bits(5,1,alpha=1)", name="qsep")(image),
         Q.QConv2DBatchnorm(3, (2, 2), kernel_quantizer="quantized_bits(7,1,alpha=1)", bias_quantizer="quantized_bits(7,2,alpha=1)",
                            activation="quantized_relu(6,3)", name="qcbn")(image),
         Q.QBatchNormalization(name="qbn")(image),
         Q.QAveragePooling2D((2, 2), average_quantizer="quantized_bits(8,0,alpha=1)", name="qap")(image),
         Q.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8,0,alpha=1)", activation="quantized_bits(8,1,alpha=1)", name="qgap")(image),
         Q.QActivation("quantized_relu(6,2)", name="qa")(image), Q.QActivation(Q.quantized_bits(6, 2, 1, alpha=1), name="qa2")(row),
         Q.QActivation("hard_tanh", name="qa3")(row), Q.QActivation("binary_tanh", name="qa4")(row), Q.QActivation("relu", name="qa5")(row),
         Q.QActivation("hard_sigmoid", name="qa6")(row), Q.QActivation("smooth_sigmoid", name="qa7")(row)]
    emit("qlayers", [image, row, line], y, FORMATS, grid=64)


# Quantizers of HGQ2.


def hgq2():
    from hgq import layers as H
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    from hgq.quantizer import Quantizer, QuantizerConfig
    row, image = keras.Input((6,), name="row"), keras.Input((5, 5, 2), name="image")
    y = []
    rounds = ["TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF"]
    for kind in ("kif", "kbi"):
        for r in rounds:
            for o in ("WRAP", "SAT", "SAT_SYM"):
                sizes = {"i0": 2, "f0": 3} if kind == "kif" else {"b0": 5, "i0": 2}
                c = QuantizerConfig(kind, "datalane", round_mode=r, overflow_mode=o, k0=int(RNG.integers(2)), **sizes)
                y.append(Quantizer(c, name=f"q_{kind}_{r}_{o}".lower())(row))
    c = QuantizerConfig("kif", "datalane", i0=2, f0=3, overflow_mode="SAT", scaler=0.75)
    y.append(Quantizer(c, name="scaled")(row))
    with QuantizerConfigScope(place="datalane", i0=3, f0=4), QuantizerConfigScope(place="weight", overflow_mode="SAT_SYM"):
        y += [H.QDense(4, activation="relu", name="dense")(row), H.QDense(3, use_bias=False, name="dense_nobias")(row),
              H.QBatchNormDense(4, name="bn_dense")(row), H.QBatchNormalization(name="bn")(image),
              H.QConv2D(3, (2, 2), padding="same", activation="relu", name="conv")(image), H.QAdd(name="add")([row, row]),
              H.QSubtract(name="subtract")([row, y[0]]), H.QMultiply(name="multiply")([row, y[1]]), H.QMaximum(name="maximum")([row, y[2]]),
              H.QMinimum(name="minimum")([row, y[2]]), H.QAveragePow2(name="average")([row, y[0], y[1]]),
              H.QSum(axes=(1, 2), scale=0.25, name="sum")(image), H.QMeanPow2(axes=-1, keepdims=True, name="mean")(image),
              H.QMaxPooling2D((2, 2), name="max")(image), H.QGlobalAveragePooling2D(name="gap")(image),
              H.QUnaryFunctionLUT("tanh", name="lut")(row), H.QSoftmax(name="softmax")(row)]
        with LayerConfigScope(enable_oq=True), QuantizerConfigScope(place="datalane", overflow_mode="SAT"):
            y.append(H.QDense(4, activation="relu", name="dense_oq")(row))
    emit("hgq2", [row, image], y, FORMATS, scale=1.5, grid=1024)
    x = H.QBatchNormDense(4, name="bn_dense")(row)
    z = H.QAdd(name="add")([H.QDense(4, activation="relu", name="dense")(x), x])
    y = [Quantizer(QuantizerConfig("kbi", "datalane", overflow_mode="SAT"), name="quantizer")(z), H.QBatchNormalization(name="bn")(z)]
    emit("hgq2_named", [row], y, ["h5"], grid=1024)


# Products, tables, normalisations, attention, resampling: twenty random configurations of every kind.

TRIALS = 20


def choose(*options):
    return options[int(RNG.integers(len(options)))]


def flag():
    return bool(RNG.integers(2))


def emit_random(name, inputs, outputs, grid=None, integers=0, coarse=False):
    """Saves a model of many layers: `integers` is the number of inputs at the end that hold indices below 5."""
    ROOT.mkdir(parents=True, exist_ok=True)
    model = keras.Model(inputs, outputs, name=name)
    randomize(model)
    if coarse:
        coarsen(model)
    data = []
    for i, x in enumerate(inputs):
        shape = (SAMPLES,) + tuple(x.shape[1:])
        if i >= len(inputs) - integers:
            data.append(RNG.integers(0, 5, shape).astype("float32"))
        else:
            numbers = RNG.normal(0, 1, shape).astype("float32")
            data.append(np.clip(np.round(numbers * grid), -4 * grid, 4 * grid) / np.float32(grid) if grid else numbers)
    results = model(data if len(data) > 1 else data[0], training=False)
    suffix = FORMATS[0]
    path = ROOT / f"{name}.{suffix}"
    model.save(str(path))
    if suffix == "keras":
        deflate(path)
    else:
        repack(path)
    record(name, data, results if isinstance(results, (list, tuple)) else [results])


def coarsen(model):
    """Rounds every trained variable to eighths."""
    for weight in model.weights:
        weight.assign(np.round(np.array(weight) * 8) / 8)


def repack(path):
    """Writes an HDF5 file anew, whose space Keras leaves half empty."""
    copy = path.with_suffix(".tmp")
    with h5py.File(path) as source, h5py.File(copy, "w", libver="latest") as target:
        for key in source:
            source.copy(key, target)
        for key, value in source.attrs.items():
            target.attrs[key] = value
    copy.replace(path)


def contraction_layers(prefix):
    """Inputs and outputs of products and tables."""
    a, b, c = keras.Input((4, 3), name="a"), keras.Input((3, 4), name="b"), keras.Input((2, 4, 3), name="c")
    v, w, index, row = keras.Input((4,), name="v"), keras.Input((4,), name="w"), keras.Input((3,), name="index"), keras.Input((2, 2), name="row")
    y = []
    for trial in range(TRIALS):
        x, z, axes = choose((a, b, (1, 2)), (a, b, (2, 1)), (a, a, 2), (a, a, 1), (v, w, 1), (v, w, -1), (a, v, (1, 1)), (v, b, (1, 2)), (a, b, (-1, 1)))
        y.append(L.Dot(axes=axes, name=f"{prefix}dot_{trial}", normalize=not prefix and RNG.random() < 0.3)([x, z]))
    for trial in range(TRIALS):
        x, equation, shape, bias = choose(
            (a, "bij,jk->bik", (None, 5), "k"), (a, "bij,jkl->bikl", (None, 2, 3), "kl"), (a, "bij,ijk->bk", (2,), "k"), (a, "bij,jk->bki", (2, 4), "k"),
            (c, "...ij,jk->...ik", (4, 2), "k"), (c, "bcij,jk->bcik", (2, 4, 3), "ik"), (c, "bcij,cjk->bcik", (2, 4, 2), "ck"), (v, "bi,io->bo", 3, "o"))
        y.append(L.EinsumDense(equation, output_shape=shape, bias_axes=bias if flag() else None, name=f"{prefix}einsum_{trial}",
                               activation="relu" if flag() else None)(x))
    for trial in range(TRIALS):
        y.append(L.Embedding(int(RNG.integers(5, 9)), int(RNG.integers(1, 4)), name=f"{prefix}embedding_{trial}")(choose(index, row)))
    return [a, b, c, v, w, index, row], y


def contractions():
    inputs, outputs = contraction_layers("")
    emit_random("contractions", inputs, outputs, integers=2)


def normalizations():
    line, image = keras.Input((5, 6), name="line"), keras.Input((3, 4, 6), name="image")
    y = []
    for trial in range(TRIALS):
        x = choose(line, image)
        rank = len(x.shape) - 1
        axis = choose(-1, rank, 1, [1, rank] if rank == 2 else [rank - 1, rank])
        epsilon = choose(0.001, 0.1, 1e-5)
        y.append(L.LayerNormalization(axis=axis, epsilon=epsilon, center=flag(), scale=flag(), name=f"layer_{trial}")(x))
        y.append(L.UnitNormalization(axis=axis, name=f"unit_{trial}")(x))
        y.append(L.GroupNormalization(groups=choose(-1, 1, 2, 3, 6), axis=-1, epsilon=epsilon, center=flag(), scale=flag(), name=f"group_{trial}")(x))
        if GENERATION == "keras3":
            y.append(L.RMSNormalization(axis=-1, epsilon=epsilon, name=f"rms_{trial}")(x))
    emit_random("normalizations", [line, image], y)


def attentions():
    q, k, v = keras.Input((3, 4), name="q"), keras.Input((5, 4), name="k"), keras.Input((5, 4), name="v")
    y = []
    for trial in range(TRIALS):
        heads, size = choose(1, 2, 3), choose(1, 2, 4)
        layer = L.MultiHeadAttention(heads, size, value_dim=None if GENERATION == "keras3" else choose(None, 3), use_bias=flag(), output_shape=choose(None, 5), name=f"heads_{trial}")
        operands = choose((q, k), (q, v, k), (q, q))
        y.append(layer(*operands, use_causal_mask=flag()) if GENERATION == "keras3" or flag() else layer(q, value=k))
        operands = choose([q, v], [q, v, k])
        y.append(L.Attention(use_scale=flag(), name=f"plain_{trial}")(operands))
        if GENERATION == "keras3":
            groups = choose(1, 2)
            y.append(L.GroupQueryAttention(size, groups * choose(1, 2), groups, use_bias=flag(), name=f"grouped_{trial}")(*choose((q, k), (q, v, k))))
    emit_random("attentions", [q, k, v], y)


def transposed_layers(prefix):
    line, image = keras.Input((4, 2), name="line"), keras.Input((3, 4, 2), name="image")
    y = []
    for trial in range(TRIALS):
        kernel, stride, pad = int(RNG.integers(1, 4)), int(RNG.integers(1, 4)), choose("valid", "same")
        y.append(L.Conv1DTranspose(int(RNG.integers(1, 4)), kernel, stride, pad, use_bias=flag(), name=f"{prefix}up1d_{trial}")(line))
        kernel = (int(RNG.integers(1, 4)), int(RNG.integers(1, 4)))
        y.append(L.Conv2DTranspose(2, kernel, (stride, int(RNG.integers(1, 3))), pad, use_bias=flag(), name=f"{prefix}up2d_{trial}")(image))
    return [line, image], y


def transposed():
    emit_random("transposed", *transposed_layers(""))


def resampling():
    line, image = keras.Input((5, 2), name="line"), keras.Input((4, 3, 2), name="image")
    y = []
    for trial in range(TRIALS):
        size = (int(RNG.integers(1, 4)), int(RNG.integers(1, 4)))
        way = choose("nearest", "bilinear")
        y.append(L.UpSampling2D(size, interpolation=way, name=f"up_{trial}")(image))
        y.append(L.UpSampling1D(size[0], name=f"up1d_{trial}")(line))
        y.append(L.Resizing(int(RNG.integers(1, 8)), int(RNG.integers(1, 8)), interpolation=way, name=f"resize_{trial}")(image))
        y.append(L.RepeatVector(size[0], name=f"repeat_{trial}")(L.Flatten(name=f"flat_{trial}")(choose(line, image))))
        y.append(L.ZeroPadding2D(((size[0], 1), (0, size[1])), name=f"pad_{trial}")(image))
        y.append(L.ZeroPadding1D((size[0], size[1]), name=f"pad1d_{trial}")(line))
        y.append(L.Cropping2D(((size[0] - 1, 1), (0, size[1] - 1)), name=f"crop_{trial}")(image))
        y.append(L.Cropping1D((size[0] - 1, 1), name=f"crop1d_{trial}")(line))
        y.append(L.Permute(tuple(int(i) for i in RNG.permutation(3) + 1), name=f"permute_{trial}")(image))
        y.append(L.Reshape(choose((6, -1), (24,), (2, 3, 4), (-1, 8)), name=f"reshape_{trial}")(image))
        if GENERATION == "keras3":
            target = (int(RNG.integers(1, 4)), int(RNG.integers(1, 3)))
            y.append(L.AdaptiveAveragePooling2D(target, name=f"adaptive_{trial}")(image))
            y.append(L.AdaptiveMaxPooling2D(target, name=f"adaptive_max_{trial}")(image))
    emit_random("resampling", [line, image], y)


def channels_first():
    image, line = keras.Input((2, 5, 4), name="image"), keras.Input((2, 6), name="line")
    form = {"data_format": "channels_first"}
    y = []
    for trial in range(TRIALS):
        kernel, pad = int(RNG.integers(1, 4)), choose("valid", "same")
        y.append(L.Conv2D(3, kernel, padding=pad, name=f"conv_{trial}", **form)(image))
        y.append(L.Conv1D(3, kernel, padding=pad, name=f"conv1d_{trial}", **form)(line))
        y.append(L.MaxPooling2D(kernel, padding=pad, name=f"max_{trial}", **form)(image))
        y.append(L.AveragePooling1D(kernel, padding=pad, name=f"average_{trial}", **form)(line))
    y += [L.GlobalAveragePooling2D(keepdims=keep, name=f"global_{keep}", **form)(image) for keep in (False, True)]
    y += [L.Flatten(name="flatten", **form)(image), L.UpSampling2D(2, name="up", **form)(image), L.ZeroPadding2D(1, name="pad", **form)(image)]
    emit_random("channels_first", [image, line], y)


def functions():
    """The functions of keras.ops in functional models."""
    K = keras.ops
    x, z, p = keras.Input((4, 6), name="x"), keras.Input((6, 4), name="z"), keras.Input((4, 6), name="p")
    square = p * p + 0.5
    heads = [K.reshape(t, (-1, 4, 2, 3)) for t in (x, p, x)]
    few = K.reshape(x, (-1, 4, 2, 3))[:, :, :1]
    y = [K.matmul(x, z), K.matmul(z, x), K.einsum("bij,bjk->bki", x, z), K.einsum("bij,bij->bi", x, p), K.einsum("bij->bji", x), K.einsum("bij->bj", x),
         K.absolute(x), K.exp(x), x[:, 1:3, ::2], x[:, -1], x[..., None], x[:, ::-1], x[:, None, 2], x[..., 1], K.transpose(x, (0, 2, 1)),
         K.mean(x, axis=1), K.mean(x, axis=(1, 2)), K.sum(x, axis=(1, 2), keepdims=True), K.sum(x, axis=2), K.max(x, axis=-1), K.min(x, axis=1, keepdims=True),
         K.square(x), K.sqrt(square), K.rsqrt(square), K.reciprocal(square), x ** 2, x ** 3, K.power(square, 0.5), K.log(square), K.sign(x),
         K.where(x > 0.25, x, -p), K.where(x <= p, x, 0.0), K.where(x >= p, 1.5, p), K.where(x < 0.5, p, x), K.where(K.equal(x, x), x, p), K.where(K.not_equal(x, x), x, p),
         K.where(K.logical_and(x > 0, p > 0), x, p), K.where(K.logical_or(x > 0, p > 0), x, p), K.where(K.logical_not(x > 0), x, p), K.where(K.logical_xor(x > 0, p > 0), x, p),
         K.clip(x, -0.5, 0.75), K.stack([x, p], axis=1), K.stack([x, p], axis=-1), K.squeeze(x[:, :1], 1), K.expand_dims(x, 2), K.concatenate([x, p], axis=1),
         K.pad(x, ((0, 0), (1, 1), (0, 2))), K.tile(x, (1, 2, 1)), K.repeat(x, 2, axis=1), K.flip(x, axis=1), K.swapaxes(x, 1, 2), K.moveaxis(heads[0], 1, 3),
         K.relu(x), K.relu6(x), K.sigmoid(x), K.softmax(x, axis=1), K.log_softmax(x), K.tanh(x), K.softplus(x), K.softsign(x), K.silu(x), K.selu(x), K.hard_sigmoid(x), K.hard_silu(x),
         K.log_sigmoid(x), K.erf(x), K.leaky_relu(x, 0.125), K.elu(x), K.celu(x), K.gelu(x), K.gelu(x, approximate=False), K.soft_shrink(x), K.hard_shrink(x), K.squareplus(x),
         x / square, 2.0 / square, 1.0 - x, K.true_divide(x, 4.0), K.var(x, axis=-1), K.var(x, axis=(1, 2), keepdims=True), K.std(x, axis=-1), K.average(x, axis=1),
         K.split(x, 2, axis=1)[1], K.split(x, [1, 3], axis=2)[1], K.take(x, [2, 0, 2], axis=1), K.take(x, 1, axis=2), K.argmax(x, axis=-1) * 1.0, K.normalize(x, axis=-1),
         K.dot_product_attention(*heads), K.dot_product_attention(*heads, is_causal=True), K.dot_product_attention(heads[0], few, few, scale=0.5), K.cast(x, "float32"),
         K.layer_normalization(x), K.rms_normalization(x), K.maximum(x, p), K.minimum(x, 0.25), K.negative(x)]
    emit_random("functions", [x, z, p], y, grid=64)


def exact():
    """Layers that add and multiply only, on numbers coarse enough for float32 to be exact: integers must agree bit for bit."""
    inputs, y = contraction_layers("x_")
    more, outputs = transposed_layers("x_")
    y += outputs
    image, line = keras.Input((5, 4, 2), name="picture"), keras.Input((6, 2), name="signal")
    for trial in range(TRIALS):
        kernel, pad, stride = int(RNG.integers(1, 4)), choose("valid", "same"), int(RNG.integers(1, 3))
        y.append(L.Conv2D(2, (kernel, choose(1, 2)), stride, pad, use_bias=flag(), groups=choose(1, 2), name=f"x_conv2d_{trial}")(image))
        y.append(L.Conv1D(2, kernel, stride, choose("valid", "same", "causal"), use_bias=flag(), name=f"x_conv1d_{trial}")(line))
        y.append(L.DepthwiseConv2D(kernel, stride, pad, depth_multiplier=choose(1, 2), use_bias=flag(), name=f"x_depthwise_{trial}")(image))
        y.append(L.SeparableConv2D(2, kernel, stride, pad, use_bias=flag(), name=f"x_separable_{trial}")(image))
        y.append(L.SeparableConv1D(2, kernel, stride, pad, use_bias=flag(), name=f"x_separable1d_{trial}")(line))
        if GENERATION == "keras3":
            y.append(L.DepthwiseConv1D(kernel, stride, pad, use_bias=flag(), name=f"x_depthwise1d_{trial}")(line))
        y.append(L.Dense(int(RNG.integers(1, 5)), use_bias=flag(), activation=choose("linear", "relu"), name=f"x_dense_{trial}")(choose(line, image)))
        y.append(L.MaxPooling2D(kernel, stride, pad, name=f"x_max_{trial}")(image))
        y.append(L.MaxPooling1D(kernel, stride, pad, name=f"x_max1d_{trial}")(line))
        y.append(choose(L.Add, L.Subtract, L.Multiply, L.Maximum, L.Minimum)(name=f"x_merge_{trial}")([line, choose(line, y[-1])] if y[-1].shape == line.shape else [line, line]))
    emit_random("exact", inputs[:5] + more + [image, line] + inputs[5:], y, grid=8, integers=2, coarse=True)


def qfolded():
    """QKeras' folded layers."""
    import qkeras as Q
    image = keras.Input((5, 6, 3), name="image")
    bits = {"bias_quantizer": "quantized_bits(9,3,alpha=1)"}
    y = []
    for trial in range(TRIALS):
        kernel = f"quantized_bits({int(RNG.integers(4, 8))},1,alpha=1)"
        fold = {"folding_mode": choose("ema_stats_folding", "batch_stats_folding"), "use_bias": flag(), "center": True, "scale": True}
        y.append(Q.QConv2DBatchnorm(2, choose(1, 2, 3), padding=choose("valid", "same"), kernel_quantizer=kernel, activation=choose(None, "quantized_relu(6,3)"), name=f"conv_{trial}", **fold, **bits)(image))
        y.append(Q.QDepthwiseConv2DBatchnorm(choose(1, 2, 3), padding=choose("valid", "same"), depth_multiplier=1, depthwise_quantizer=kernel, name=f"depthwise_{trial}", **fold, **bits)(image))
    emit_random("qfolded", [image], y, grid=16)


def hgq2_products():
    """HGQ2's products of tensors."""
    from hgq import layers as H
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    a, b, v = keras.Input((4, 3), name="a"), keras.Input((3, 4), name="b"), keras.Input((4,), name="v")
    y = []
    with QuantizerConfigScope(place="datalane", i0=3, f0=4, overflow_mode="SAT"), QuantizerConfigScope(place="weight", overflow_mode="SAT_SYM"), \
            QuantizerConfigScope(place="table", i0=1, f0=8):
        for trial in range(TRIALS):
            x, equation, shape, bias = choose((a, "bij,jk->bik", (4, 5), "k"), (a, "bij,ijk->bk", (2,), "k"), (a, "bij,jkl->bikl", (4, 2, 2), "kl"), (v, "bi,io->bo", (3,), "o"))
            y.append(H.QEinsumDense(equation, output_shape=shape, bias_axes=bias if flag() else None, name=f"einsum_dense_{trial}")(x))
            x, equation, shape, bias = choose((a, "bij,jk->bik", (4, 5), "k"), (v, "bi,io->bo", (3,), "o"))
            y.append(H.QEinsumDenseBatchnorm(equation, output_shape=shape, bias_axes=bias, name=f"einsum_bn_{trial}")(x))
            x, z, equation = choose((a, b, "bij,bjk->bik"), (a, v, "bij,bi->bj"), (a, a, "bij,bkj->bik"))
            y.append(H.QEinsum(equation, name=f"einsum_{trial}")([x, z]))
            x, z, axes = choose((a, b, (1, 2)), (a, a, 2), (v, v, 1))
            y.append(H.QDot(axes=axes, name=f"dot_{trial}")([x, z]))
            y.append(H.QMultiHeadAttention(choose(1, 2), choose(1, 2, 4), use_bias=flag(), fuse=choose("none", "qkv"), name=f"heads_{trial}")(a))
            y.append(H.QSum(axes=choose(1, -1, (1, 2)), keepdims=flag(), name=f"sum_{trial}")(a))
    emit_random("hgq2_products", [a, b, v], y, grid=64)


only = sys.argv[2:]
if only:
    for name in only:
        globals()[name]()
elif GENERATION == "keras2":
    activations(), merges(), convolutions(), shapes(), nested(), quantizers(), qlayers(), random_activations(), random_slopes()
    contractions(), normalizations(), attentions(), transposed(), resampling(), qfolded(), tensorflow_functions()
else:
    activations(), merges(), convolutions(), shapes(), nested(), operators(), hgq2(), random_activations(), random_slopes()
    contractions(), normalizations(), attentions(), transposed(), resampling(), channels_first(), functions(), exact(), hgq2_products(), gated()
