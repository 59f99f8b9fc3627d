"""Models of Keras as its own exporter to ONNX writes them (tf2onnx), with onnxruntime's outputs.

`KERAS_BACKEND=tensorflow python keras_onnx.py` with Keras 3.15, tensorflow 2.21, tf2onnx 1.17, onnxruntime (python 3.12). Models go
to `Tests/Models/onnx/keras_<name>.onnx` beside `.golden.h5`, as those of onnx_models.py; weights are random, nothing is trained.
"""

import pathlib
import sys

import h5py
import keras
import numpy as np
import onnxruntime

L = keras.layers
ROOT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "onnx"
SAMPLES = 3
RNG = np.random.default_rng(23)


def emit(name, inputs, outputs):
    model = keras.Model(inputs, outputs)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if "variance" in weight.path or "gamma" in weight.path:
            weight.assign(RNG.uniform(0.5, 1.5, shape).astype("float32"))
        elif "seed" not in weight.path:
            weight.assign((np.round(RNG.normal(0, 0.4, shape) * 64) / 64).astype("float32"))
    path = ROOT / f"keras_{name}.onnx"
    data = [(np.round(RNG.normal(0, 1, (SAMPLES,) + tuple(x.shape[1:])) * 64) / 64).astype("float32") for x in model.inputs]
    # The exporter asks that the model was called.
    expected = np.array(model(data if len(data) > 1 else data[0], training=False)).reshape(SAMPLES, -1)
    model.export(str(path), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # A sample at a time: exports may fix the number of samples.
    names = [x.name for x in session.get_inputs()]
    rows = [np.concatenate([y.ravel() for y in session.run(None, {n: x[i : i + 1] for n, x in zip(names, data)})]) for i in range(SAMPLES)]
    assert np.abs(np.stack(rows) - expected).max() < 1e-3, name
    with h5py.File(path.with_suffix(".golden.h5"), "w") as file:
        for i, x in enumerate(data):
            file[f"input_{i}"] = x
        file["outputs"] = np.stack(rows).astype("float32")
    print(name, path.stat().st_size, "bytes")


def dense():
    x = keras.Input((8,), name="x")
    y = L.BatchNormalization()(L.Dense(6, activation="relu")(x))
    y = L.Dropout(0.3)(L.Dense(5, activation="tanh")(y))
    emit("dense", x, L.Dense(3, activation="softmax")(y))


def convolution():
    x = keras.Input((8, 8, 2), name="x")
    y = L.MaxPooling2D(2)(L.Conv2D(4, 3, padding="same", activation="relu")(x))
    y = L.ReLU()(L.BatchNormalization()(L.SeparableConv2D(3, 2)(y)))
    y = L.AveragePooling2D(2, padding="same")(L.DepthwiseConv2D(2, padding="same")(y))
    emit("convolution", x, L.Dense(3)(L.Flatten()(y)))


def line():
    x = keras.Input((12, 2), name="x")
    y = L.Conv1D(3, 3, padding="causal", activation="elu")(x)
    y = L.Conv1D(3, 3, strides=2, dilation_rate=1, padding="same", activation="leaky_relu")(y)
    y = L.Concatenate()([L.GlobalAveragePooling1D()(y), L.GlobalMaxPooling1D()(y)])
    emit("line", x, L.Dense(2, activation="sigmoid")(y))


def lstm():
    x = keras.Input((5, 3), name="x")
    emit("lstm", x, L.Dense(2)(L.LSTM(4)(x)))


def gru():
    x = keras.Input((5, 3), name="x")
    emit("gru", x, L.Dense(2)(L.GRU(4, return_sequences=True)(x)))


def unrolled():
    x = keras.Input((4, 3), name="x")
    emit("unrolled", x, L.LSTM(3, unroll=True)(L.SimpleRNN(3, unroll=True, return_sequences=True)(x)))


def attention():
    x = keras.Input((4, 6), name="x")
    y = L.LayerNormalization()(x + L.MultiHeadAttention(2, 3)(x, x))
    emit("attention", x, L.Dense(2, activation="swish")(L.Flatten()(y)))


def residual():
    x, z = keras.Input((6, 6, 2), name="x"), keras.Input((6, 6, 2), name="z")
    y = L.Conv2DTranspose(2, 2, strides=2)(L.Add()([x, L.Multiply()([x, z])]))
    y = L.Cropping2D(1)(L.UpSampling2D(2)(L.ZeroPadding2D(1)(y)))
    emit("residual", [x, z], L.GlobalAveragePooling2D()(L.PReLU(shared_axes=[1, 2])(y)))


for name in sys.argv[2:] or ["dense", "convolution", "line", "lstm", "gru", "unrolled", "attention", "residual"]:
    try:
        globals()[name]()
    except Exception as error:
        print(name, "fails:", repr(error)[:600])
