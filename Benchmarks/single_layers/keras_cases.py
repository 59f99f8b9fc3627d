"""Models of one layer each, of Keras 2 with QKeras or of Keras 3 with HGQ2: kinds and attributes such as hls4ml's tests cover.

    python keras_cases.py FOLDER [PATTERN]

Each model is saved with the framework's outputs on random inputs, as `<name>.h5` or `.keras` and `<name>.golden.h5`.
"""

import pathlib
import re
import sys
import traceback

import h5py
import numpy as np

try:
    import keras

    KERAS3 = keras.__version__ >= "3"
except ImportError:
    KERAS3 = False
if not KERAS3:
    import tensorflow as tf

    keras = tf.keras
L = keras.layers
RNG = np.random.default_rng(1)
CASES = []


def case(name, shapes, layer, integers=0):
    """A model of one layer, or of a function from inputs to outputs."""
    CASES.append((name, shapes if isinstance(shapes, list) else [shapes], layer, integers))


def text(**attributes):
    """The attributes as a part of a name."""
    return "-".join(f"{key}_{value}" for key, value in attributes.items()).translate(str.maketrans("(), ", "..._", "'[]"))


def grid(kind, shapes, **choices):
    """A case for every combination of attributes."""
    combinations = [{}]
    for key, values in choices.items():
        combinations = [{**c, key: value} for c in combinations for value in values]
    for attributes in combinations:
        make = lambda a=attributes: getattr(L, kind)(**a)
        case(f"{kind}-{text(**attributes)}", shapes, make)


SLOPE = "negative_slope" if KERAS3 else "alpha"


def dense_and_activations():
    names = "relu elu selu sigmoid tanh softplus softsign hard_sigmoid softmax linear gelu exponential swish".split()
    for name in names:
        case(f"Dense-{name}", (16,), lambda n=name: L.Dense(8, activation=n))
        case(f"Activation-{name}", (8,), lambda n=name: L.Activation(n))
        case(f"Activation-{name}-image", (8, 8, 3), lambda n=name: L.Activation(n))
    for shape in [(8,), (8, 8, 3)]:
        rank = len(shape)
        case(f"LeakyReLU-{rank}", shape, lambda: L.LeakyReLU(**{SLOPE: 0.5}))
        case(f"ELU-{rank}", shape, lambda: L.ELU(alpha=0.5))
        case(f"PReLU-{rank}", shape, lambda: L.PReLU(alpha_initializer="uniform"))
        case(f"ReLU-{rank}", shape, lambda: L.ReLU())
        case(f"ReLU-max-{rank}", shape, lambda: L.ReLU(max_value=6.0))
        if not KERAS3:
            case(f"ThresholdedReLU-{rank}", shape, lambda: L.ThresholdedReLU(theta=0.75))
    for shape in [(1,), (4,), (100,), (4, 5), (2, 3, 4)]:
        case(f"Softmax-{text(shape=shape)}", shape, lambda: L.Softmax())
    case("Softmax-axis1", (8, 5), lambda: L.Softmax(axis=1))
    grid("Dense", (10,), units=[1, 10], use_bias=[True, False])
    case("Dense-matrix", (6, 5), lambda: L.Dense(4))
    case("Dense-tensor", (3, 4, 5), lambda: L.Dense(4))


def convolutions():
    grid("Conv1D", (32, 4), filters=[8], kernel_size=[3], strides=[1, 2], padding=["same", "valid", "causal"])
    grid("Conv1D", (10, 4), filters=[4], kernel_size=[1, 3], dilation_rate=[2, 3], padding=["same", "valid", "causal"])
    grid("Conv1D", (10, 4), filters=[8], kernel_size=[3], groups=[2, 4], use_bias=[True, False])
    grid("Conv1D", (5, 6), filters=[4], kernel_size=[5], padding=["same", "valid"])
    grid("Conv2D", (16, 16, 3), filters=[8], kernel_size=[(2, 3)], strides=[(4, 5)], padding=["same", "valid"])
    grid("Conv2D", (8, 9, 4), filters=[4], kernel_size=[(1, 3), (3, 1), (3, 3)], strides=[1, 2], padding=["same", "valid"])
    grid("Conv2D", (8, 9, 4), filters=[4], kernel_size=[3], dilation_rate=[2, (1, 3)], padding=["same", "valid"])
    grid("Conv2D", (8, 9, 4), filters=[8], kernel_size=[3], groups=[2, 4], use_bias=[True, False])
    grid("Conv2D", (5, 5, 4), filters=[4], kernel_size=[1], strides=[1, 2])
    grid("Conv1D", (28, 3), filters=[4], kernel_size=[1], strides=[1, 2])
    grid("DepthwiseConv2D", (12, 12, 3), kernel_size=[3, (2, 3)], padding=["same", "valid"], depth_multiplier=[1, 2])
    grid("DepthwiseConv2D", (8, 8, 3), kernel_size=[2], strides=[2], padding=["same", "valid"])
    grid("DepthwiseConv1D", (16, 3), kernel_size=[3], padding=["same", "valid"], depth_multiplier=[1, 2])
    grid("SeparableConv1D", (16, 3), filters=[4], kernel_size=[3, 5], padding=["same", "valid"], strides=[1, 2])
    grid("SeparableConv2D", (10, 10, 3), filters=[4], kernel_size=[3], padding=["same", "valid"], strides=[1, 2])
    grid("Conv1DTranspose", (8, 3), filters=[4], kernel_size=[2, 3], strides=[1, 2], padding=["same", "valid"])
    grid("Conv2DTranspose", (5, 6, 3), filters=[4], kernel_size=[2, 3], strides=[1, 2], padding=["same", "valid"])


def channels_first():
    """Keras on TensorFlow computes few of these on a processor; Keras 3 on another backend all."""
    form = {"data_format": ["channels_first"], "padding": ["same", "valid"]}
    if KERAS3:
        grid("Conv1D", (3, 12), filters=[4], kernel_size=[3], **form)
        grid("Conv2D", (3, 8, 8), filters=[4], kernel_size=[3], **form)
        grid("MaxPooling2D", (3, 8, 8), pool_size=[2, 3], **form)
        grid("AveragePooling2D", (3, 8, 8), pool_size=[2, 3], **form)
    for kind, shape in [("ZeroPadding2D", (2, 5, 6)), ("UpSampling2D", (2, 5, 6)), ("Cropping2D", (2, 5, 6)), ("Flatten", (2, 5, 6))]:
        grid(kind, shape, data_format=["channels_first"])


def pooling():
    for size, padding in [((4, 2), "same"), ((4, 2), "valid"), ((3, 3), "same"), ((2, 2), "valid")]:
        for kind in ["MaxPooling2D", "AveragePooling2D"]:
            grid(kind, (18, 15, 3), pool_size=[size], padding=[padding], strides=[None, 1, (2, 3)])
    for kind in ["MaxPooling1D", "AveragePooling1D"]:
        grid(kind, (121, 3), pool_size=[2, 3], padding=["same", "valid"], strides=[None, 1, 2])
    for kind in ["GlobalMaxPooling", "GlobalAveragePooling"]:
        grid(f"{kind}1D", (23, 3), keepdims=[True, False])
        grid(f"{kind}2D", (7, 8, 3), keepdims=[True, False])


def shapes():
    grid("ZeroPadding1D", (10, 4), padding=[1, (2, 3)])
    grid("ZeroPadding2D", (6, 7, 3), padding=[1, (2, 1), ((1, 2), (3, 4))])
    grid("Cropping1D", (12, 4), cropping=[1, (1, 5)])
    grid("Cropping2D", (9, 12, 3), cropping=[1, (2, 3), ((1, 0), (2, 4))])
    grid("UpSampling1D", (10, 5), size=[2, 3])
    grid("UpSampling2D", (6, 7, 3), size=[2, (2, 3)], interpolation=["nearest", "bilinear"])
    grid("Resizing", (6, 8, 3), height=[3, 12], width=[4, 16], interpolation=["nearest", "bilinear"])
    grid("Permute", (3, 4, 5), dims=[(1, 2, 3), (2, 1, 3), (3, 2, 1), (3, 1, 2)])
    grid("Permute", (3, 4), dims=[(2, 1)])
    grid("Reshape", (4, 5, 6), target_shape=[(120,), (20, 6), (-1, 4), (5, 4, 6)])
    grid("RepeatVector", (5,), n=[1, 3])
    case("Flatten", (4, 5, 6), lambda: L.Flatten())
    for shape in [(16,), (10, 8), (6, 6, 8)]:
        for flags in [(True, True), (True, False), (False, True), (False, False)]:
            make = lambda f=flags: L.BatchNormalization(center=f[0], scale=f[1])
            case(f"BatchNormalization-{len(shape)}-{text(center=flags[0], scale=flags[1])}", shape, make)
    grid("LayerNormalization", (6, 8), axis=[-1], epsilon=[1e-3, 1e-6], center=[True, False], scale=[True, False])
    grid("LayerNormalization", (4, 5, 8), axis=[-1, 2])
    case("UnitNormalization", (6, 8), lambda: L.UnitNormalization())
    case("GroupNormalization", (6, 8), lambda: L.GroupNormalization(groups=2))
    for size in [(100, 4), (13, 10)]:
        case(f"Embedding-{text(size=size)}", (5,), lambda s=size: L.Embedding(*s), integers=size[0])


def merges():
    for kind in ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]:
        for shape in [(10,), (5, 6), (4, 5, 6)]:
            case(f"{kind}-{len(shape)}", [shape, shape], lambda k=kind: getattr(L, k)())
    for kind in ["Add", "Multiply", "Maximum"]:
        case(f"{kind}-broadcast", [(4, 5, 6), (1, 1, 6)], lambda k=kind: getattr(L, k)())
        case(f"{kind}-swapped", [(1, 6), (5, 6)], lambda k=kind: getattr(L, k)())
    for shape in [(10,), (5, 6), (4, 5, 6)]:
        for axis in range(1, len(shape) + 1):
            case(f"Concatenate-{len(shape)}-{axis}", [shape, shape], lambda a=axis: L.Concatenate(axis=a))
    case("Dot-vectors", [(10,), (10,)], lambda: L.Dot(axes=1))
    case("Dot-matrices", [(4, 5), (5, 6)], lambda: L.Dot(axes=(2, 1)))


def recurrent():
    for kind in ["SimpleRNN", "LSTM", "GRU"]:
        for sequences in [True, False]:
            for activation in ["tanh", "relu"]:
                attributes = {"return_sequences": sequences, "activation": activation}
                make = lambda k=kind, a=attributes: getattr(L, k)(4, **a)
                case(f"{kind}-{text(**attributes)}", (6, 3), make)
            for mode in ["concat", "sum", "mul", "ave", None]:
                wrap = lambda x, k=kind, s=sequences, m=mode: L.Bidirectional(getattr(L, k)(3, return_sequences=s), merge_mode=m)(x)
                case(f"Bidirectional-{kind}-{text(sequences=sequences, mode=mode)}", (5, 3), lambda w=wrap: w)
        case(f"{kind}-backwards", (6, 3), lambda k=kind: getattr(L, k)(4, go_backwards=True))
        case(f"{kind}-no_bias", (6, 3), lambda k=kind: getattr(L, k)(4, use_bias=False))
        states = lambda x, k=kind: getattr(L, k)(4, return_state=True)(x)
        case(f"{kind}-state", (6, 3), lambda s=states: s)
        initial = lambda x, z, k=kind: getattr(L, k)(4)(x, initial_state=[z, z] if k == "LSTM" else [z])
        case(f"{kind}-initial", [(6, 3), (4,)], lambda i=initial: i)
    for after in [True, False]:
        case(f"GRU-{text(after=after)}", (6, 3), lambda a=after: L.GRU(4, reset_after=a, return_sequences=True))
    case("TimeDistributed-Dense", (6, 4), lambda: L.TimeDistributed(L.Dense(5)))
    case("TimeDistributed-Conv2D", (3, 6, 6, 2), lambda: L.TimeDistributed(L.Conv2D(3, 3)))
    case("TimeDistributed-MaxPooling1D", (3, 6, 2), lambda: L.TimeDistributed(L.MaxPooling1D(2)))
    case("TimeDistributed-Flatten", (3, 4, 2), lambda: L.TimeDistributed(L.Flatten()))


def attention():
    for heads, size, bias in [(1, 4, True), (2, 3, True), (4, 2, False)]:
        attributes = {"num_heads": heads, "key_dim": size, "use_bias": bias}
        itself = lambda x, a=attributes: L.MultiHeadAttention(**a)(x, x)
        case(f"MultiHeadAttention-{text(**attributes)}", (5, 8), lambda f=itself: f)
        cross = lambda x, z, a=attributes: L.MultiHeadAttention(**a)(x, z)
        case(f"MultiHeadAttention-cross-{text(**attributes)}", [(4, 8), (6, 8)], lambda f=cross: f)
    causal = lambda x: L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    case("MultiHeadAttention-causal", (5, 8), lambda: causal)
    masked = lambda x, m: L.MultiHeadAttention(2, 4)(x, x, attention_mask=m > 0)
    case("MultiHeadAttention-mask", [(5, 8), (5, 5)], lambda: masked)
    case("Attention", [(4, 8), (6, 8)], lambda: (lambda x, z: L.Attention()([x, z])))
    for equation, shape, output, bias in [
        ("abc,cd->abd", (4, 5), (4, 6), "d"), ("abc,bcd->abd", (4, 5), (4, 6), None), ("abc,acd->abd", None, None, None),
        ("ab,bc->ac", (8,), (6,), "c"), ("abc,cde->abde", (4, 5), (4, 2, 3), "de"), ("abcd,cde->abe", (4, 5, 6), (4, 3), "e"),
    ]:
        if shape:
            make = lambda e=equation, o=output, b=bias: L.EinsumDense(e, output_shape=o, bias_axes=b)
            case(f"EinsumDense-{equation.replace(',', '_').replace('->', '_')}", shape, make)


def structures():
    """What tests of graphs build."""
    case("branch", (10,), lambda: lambda x: L.Add()([L.Dense(5)(x), L.Dense(5, activation="relu")(x)]))
    case("two_outputs", (10,), lambda: lambda x: [L.Dense(5)(x), L.Dense(3)(L.Dense(4)(x))])
    case("clone_flatten", (4, 5, 6), lambda: lambda x: L.Concatenate()([L.Flatten()(x), L.Flatten()(x)]))
    case("transpose_concat", [(2, 3, 4)], lambda: lambda x: L.Concatenate(axis=3)([L.Permute((3, 2, 1))(x), L.Permute((3, 2, 1))(x)]))
    case("same_input_twice", (6,), lambda: lambda x: L.Multiply()([x, x]))
    inner = lambda x: keras.Sequential([keras.Input((6,)), L.Dense(4), L.ReLU()])(x)
    case("nested", (6,), lambda: inner)
    case("dropout", (6,), lambda: lambda x: L.Dropout(0.5)(L.GaussianNoise(0.1)(L.Dense(4)(x))))
    case("interaction", (6, 3), lambda: lambda x: L.GlobalAveragePooling1D()(L.Dense(5, activation="relu")(x)))
    case("masking", (6, 3), lambda: lambda x: L.LSTM(3)(L.Masking(0.0)(x)))


def arithmetic():
    """Operators on the tensors of a functional model."""
    same = [(4, 6), (4, 6)]
    forms = {"add": lambda x, z: x + z, "subtract": lambda x, z: x - z, "multiply": lambda x, z: x * z, "scale": lambda x, z: x * 2.5 + 1.0,
             "reverse": lambda x, z: 1.0 - x, "divide": lambda x, z: x / 4.0, "negative": lambda x, z: -x, "slice": lambda x, z: x[:, 1:3] + 0.0,
             "index": lambda x, z: x[:, 0, :], "strided": lambda x, z: x[:, ::2, 1:], "power": lambda x, z: x**2}
    for name, form in forms.items():
        case(f"operator-{name}", same, lambda f=form: f)
    if not KERAS3:
        more = {"relu": lambda x: tf.nn.relu(x), "sigmoid": lambda x: tf.sigmoid(x), "tanh": lambda x: tf.tanh(x), "softmax": lambda x: tf.nn.softmax(x),
                "reduce_mean": lambda x: tf.reduce_mean(x, axis=1), "reduce_sum": lambda x: tf.reduce_sum(x, axis=-1, keepdims=True),
                "reduce_max": lambda x: tf.reduce_max(x, axis=1), "transpose": lambda x: tf.transpose(x, (0, 2, 1)), "reshape": lambda x: tf.reshape(x, (-1, 24)),
                "concat": lambda x: tf.concat([x, x], axis=2), "abs": lambda x: tf.abs(x), "square": lambda x: tf.square(x), "exp": lambda x: tf.exp(x),
                "maximum": lambda x: tf.maximum(x, 0.5), "clip": lambda x: tf.clip_by_value(x, -0.5, 0.5), "expand": lambda x: tf.expand_dims(x, 2),
                "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 2), 2), "stack": lambda x: tf.stack([x, x], axis=1), "matmul": lambda x: tf.matmul(x, x, transpose_b=True),
                "einsum": lambda x: tf.einsum("bij,bkj->bik", x, x), "pad": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 0]]), "add_n": lambda x: tf.add_n([x, x, x])}
        for name, form in more.items():
            case(f"function-{name}", (4, 6), lambda f=form: f)


def qkeras():
    import qkeras as Q

    for text_ in """quantized_bits(8,0) quantized_bits(8,4) quantized_bits(4,2) quantized_bits(4,0) quantized_bits(10,0) quantized_relu(4) quantized_relu(4,2)
            quantized_relu(8) quantized_relu(8,4) quantized_relu(10) quantized_relu(10,5) quantized_tanh(8) quantized_sigmoid(5) quantized_sigmoid(7,use_real_sigmoid=True)
            binary() ternary() binary_tanh hard_sigmoid hard_tanh quantized_po2(4) quantized_relu_po2(4) ternary(threshold=0.2)""".split():
        case(f"QActivation-{text(a=text_)}", (10,), lambda t=text_: Q.QActivation(t))
    for bits, alpha in [(4, "1"), (4, "'auto_po2'"), (6, "1"), (8, "1"), (4, "'auto'")]:
        kernel = f"quantized_bits({bits},0,alpha={alpha})"
        stack = lambda x, k=kernel, b=bits: Q.QActivation(f"quantized_relu({b},0)")(Q.QDense(16, kernel_quantizer=k, bias_quantizer=f"quantized_bits({b},0,alpha=1)")(x))
        case(f"QDense-{text(k=kernel)}", (16,), lambda s=stack: s)
    for number, (kernel, activation, norm) in enumerate([
            ("ternary(alpha=1)", "binary_tanh", False), ("binary()", "binary_tanh", False), ("ternary(alpha='auto')", "binary()", True), ("ternary(alpha='auto')", "ternary", True),
            ("ternary(alpha='auto')", "ternary(threshold=0.2)", True), ("ternary(alpha='auto')", "ternary(threshold=0.8)", True), ("binary()", "binary()", False)]):
        stack = lambda x, k=kernel, a=activation, n=norm: Q.QActivation(a)((L.BatchNormalization() if n else L.Dropout(0.1))(Q.QDense(10, kernel_quantizer=k, bias_quantizer="quantized_bits(5,2)")(x)))
        case(f"btnn-{number}", (10,), lambda s=stack: s)
    for kernel, activation in [("binary", "binary"), ("ternary", "ternary"), ("quantized_bits(4,0,alpha=1)", "quantized_relu(2,0)"), ("quantized_bits(4,0,alpha=1)", "quantized_relu(8,0)")]:
        case(f"QDense-{text(a=activation, k=kernel)}", (10,), lambda k=kernel, a=activation: Q.QDense(10, activation=a, kernel_quantizer=k, bias_quantizer=k))
    bits = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(4,0,alpha=1)"}
    depth = {"depthwise_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(4,0,alpha=1)"}
    both = {**depth, "pointwise_quantizer": "quantized_bits(4,0,alpha=1)"}
    for padding in ["same", "valid"]:
        for stride in [1, 2]:
            label = text(padding=padding, stride=stride)
            case(f"QConv1D-{label}", (12, 3), lambda p=padding, s=stride: Q.QConv1D(4, 3, s, p, activation="quantized_relu(6,2)", **bits))
            case(f"QConv2D-{label}", (8, 8, 3), lambda p=padding, s=stride: Q.QConv2D(4, 3, s, p, activation="quantized_relu(6,2)", **bits))
            case(f"QDepthwiseConv2D-{label}", (8, 8, 3), lambda p=padding, s=stride: Q.QDepthwiseConv2D(3, s, p, activation="quantized_relu(3,0)", **depth))
            case(f"QSeparableConv1D-{label}", (13, 4), lambda p=padding, s=stride: Q.QSeparableConv1D(4, 3, s, p, **both))
            case(f"QSeparableConv2D-{label}", (8, 8, 3), lambda p=padding, s=stride: Q.QSeparableConv2D(4, 3, s, p, **both))
        for mode in ["ema_stats_folding", "batch_stats_folding"]:
            fold = {"padding": padding, "folding_mode": mode, "activation": "quantized_relu(8,0)"}
            case(f"QConv2DBatchnorm-{text(padding=padding, mode=mode)}", (8, 8, 1), lambda f=fold: Q.QConv2DBatchnorm(4, 3, kernel_quantizer="quantized_bits(8,0,alpha=1)", bias_quantizer="quantized_bits(8,0,alpha=1)", **f))
        case(f"QDepthwiseConv2DBatchnorm-{padding}", (8, 8, 2), lambda p=padding: Q.QDepthwiseConv2DBatchnorm(3, padding=p, depthwise_quantizer="quantized_bits(8,0,alpha=1)", bias_quantizer="quantized_bits(8,0,alpha=1)"))
    cell = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "recurrent_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)",
            "state_quantizer": "quantized_bits(8,0,alpha=1)", "activation": "quantized_tanh(6)"}
    for kind in ["QSimpleRNN", "QLSTM", "QGRU"]:
        for sequences in [True, False]:
            gate = {} if kind == "QSimpleRNN" else {"recurrent_activation": "quantized_sigmoid(6)"}
            case(f"{kind}-{text(sequences=sequences)}", (6, 3), lambda k=kind, s=sequences, g=gate: getattr(Q, k)(4, return_sequences=s, **cell, **g))
    case("QBatchNormalization", (8,), lambda: Q.QBatchNormalization())
    case("QAveragePooling2D", (8, 8, 3), lambda: lambda x: Q.QAveragePooling2D(2, average_quantizer="quantized_bits(8,0,alpha=1)")(Q.QActivation("quantized_bits(8,2,alpha=1)")(x)))
    case("QGlobalAveragePooling2D", (8, 8, 3), lambda: lambda x: Q.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8,0,alpha=1)")(Q.QActivation("quantized_bits(8,2,alpha=1)")(x)))


def hgq2():
    from hgq import layers as H

    for name, shape, make in [
            ("QDense", (8,), lambda: H.QDense(6)), ("QDense-relu", (8,), lambda: H.QDense(6, activation="relu")), ("QDense-matrix", (4, 8), lambda: H.QDense(6)),
            ("QBatchNormDense", (8,), lambda: H.QBatchNormDense(6)), ("QBatchNormalization", (8,), lambda: H.QBatchNormalization()),
            ("QSoftmax", (8,), lambda: H.QSoftmax()), ("QSoftmax-matrix", (3, 8), lambda: H.QSoftmax(axis=1)),
            ("QEinsumDense", (4, 5), lambda: H.QEinsumDense("abc,cd->abd", output_shape=(4, 6), bias_axes="d")),
            ("QEinsumDenseBatchnorm", (4, 5), lambda: H.QEinsumDenseBatchnorm("abc,cd->abd", output_shape=(4, 6), bias_axes="d")),
            ("QSum", (4, 5), lambda: H.QSum(axes=1)), ("QMeanPow2", (4, 5), lambda: H.QMeanPow2(axes=1)), ("QSimpleRNN", (5, 3), lambda: H.QSimpleRNN(4)),
            ("QGRU", (5, 3), lambda: H.QGRU(4)), ("QMultiHeadAttention", (4, 6), lambda: lambda x: H.QMultiHeadAttention(2, 3)(x, x)),
            ("QUnaryFunctionLUT", (6,), lambda: H.QUnaryFunctionLUT("tanh"))]:
        case(f"hgq2-{name}", shape, make)
    for kind in ["QAdd", "QSubtract", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2"]:
        case(f"hgq2-{kind}", [(4, 5), (4, 5)], lambda k=kind: getattr(H, k)())
    case("hgq2-QDot", [(5,), (5,)], lambda: H.QDot(axes=1))
    case("hgq2-QEinsum", [(4, 5), (5, 3)], lambda: H.QEinsum("bij,bjk->bik"))
    for padding in ["same", "valid"]:
        for stride in [1, 2]:
            label = text(padding=padding, stride=stride)
            case(f"hgq2-QConv1D-{label}", (10, 3), lambda p=padding, s=stride: H.QConv1D(4, 3, strides=s, padding=p))
            case(f"hgq2-QConv2D-{label}", (8, 8, 2), lambda p=padding, s=stride: H.QConv2D(4, 3, strides=s, padding=p, activation="relu"))
        for kind, shape in [("MaxPooling1D", (10, 3)), ("MaxPooling2D", (8, 8, 2)), ("AveragePooling1D", (10, 3)), ("AveragePooling2D", (8, 8, 2))]:
            case(f"hgq2-Q{kind}-{padding}", shape, lambda k=kind, p=padding: getattr(H, f"Q{k}")(2, padding=p))
    for kind, shape in [("Average", (7, 3)), ("Max", (7, 3))]:
        case(f"hgq2-QGlobal{kind}Pooling1D", shape, lambda k=kind: getattr(H, f"QGlobal{k}Pooling1D")())


def randomize(model):
    for weight in model.weights:
        name = getattr(weight, "path", weight.name)
        shape = tuple(weight.shape)
        if "moving_variance" in name or "gamma" in name:
            weight.assign(RNG.uniform(0.5, 1.5, shape).astype("float32"))
        elif any(part in name for part in ("kernel", "bias", "beta", "moving_mean", "embeddings", "alpha")) and "float" in str(weight.dtype) and "quantizer" not in name:
            weight.assign(RNG.normal(0, 0.4, shape).astype("float32"))


def save(folder, name, shapes, make, integers):
    inputs = [keras.Input(shape) for shape in shapes]
    layer = make()
    outputs = layer(*inputs) if len(inputs) == 1 or type(layer).__name__ == "function" else layer(inputs)
    model = keras.Model(inputs, outputs)
    randomize(model)
    data = [RNG.integers(0, integers, (20, *s)).astype("float32") if integers else np.round(RNG.normal(0, 1, (20, *s)) * 64).astype("float32") / 64 for s in shapes]
    results = model(data if len(data) > 1 else data[0], training=False)
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    model.save(str(folder / f"{name}.{'keras' if KERAS3 else 'h5'}"))
    with h5py.File(folder / f"{name}.golden.h5", "w") as file:
        for index, x in enumerate(data):
            file[f"input_{index}" if len(data) > 1 else "input"] = x
        file["outputs"] = np.concatenate([np.array(y, dtype="float32").reshape(20, -1) for y in results], axis=1)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    families = [dense_and_activations, convolutions, channels_first, pooling, shapes, merges, recurrent, attention, structures, arithmetic]
    for family in families + [hgq2 if KERAS3 else qkeras]:
        family()
    cases = [case for case in CASES if re.search(sys.argv[2] if len(sys.argv) > 2 else "", case[0])]
    failed = 0
    for name, *rest in cases:
        keras.backend.clear_session()
        try:
            save(folder, name, *rest)
        except Exception as error:
            failed += 1
            print("the framework itself fails:", name, (str(error).splitlines() or traceback.format_exc().splitlines()[-1:])[0][:150])
    print(len(cases) - failed, "models")


if __name__ == "__main__":
    main()
