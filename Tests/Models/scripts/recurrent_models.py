"""Recurrent layers with the framework's own outputs: twenty random configurations of each kind.

`python recurrent_models.py keras2` with TensorFlow 2.14 and QKeras 0.9 (python 3.11), `python recurrent_models.py keras3`
with Keras 3 and HGQ2. Models go to `Tests/Models/<generation>/` beside their `.golden.h5`, as those of keras_models.py.
"""

import io
import pathlib
import sys
import zipfile

import h5py
import numpy as np

GENERATION = sys.argv[1]
ROOT = pathlib.Path(__file__).parent.parent / GENERATION
SAMPLES, STEPS, FEATURES, KINDS = 2, 4, 3, 20
RNG = np.random.default_rng(11)

if GENERATION == "keras2":
    import tensorflow as tf
    keras = tf.keras
else:
    import keras
L = keras.layers


def flip():
    return bool(RNG.integers(2))


def one(*choices):
    return choices[int(RNG.integers(len(choices)))]


def deflate(path):
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, contents in entries:
            archive.writestr(zipfile.ZipInfo(name), contents, zipfile.ZIP_DEFLATED)


def emit(name, inputs, outputs, formats, scale=1.0, grid=None):
    model = keras.Model(inputs, outputs, name=name)
    for weight in model.trainable_variables:
        path = getattr(weight, "path", weight.name)
        if "quantizer" not in path:
            weight.assign(RNG.normal(0, 0.5, tuple(weight.shape)).astype("float32"))
    data = [RNG.normal(0, scale, (SAMPLES,) + tuple(x.shape[1:])).astype("float32") for x in inputs]
    if grid:
        data = [np.round(x * grid) / np.float32(grid) for x in data]
    results = model(data if len(data) > 1 else data[0], training=False)
    results = results if isinstance(results, (list, tuple)) else [results]
    ROOT.mkdir(parents=True, exist_ok=True)
    for suffix in formats:
        path = ROOT / f"{name}.{suffix}"
        model.save(str(path))
        if suffix == "keras":
            deflate(path)
    rows = np.concatenate([np.array(y, dtype="float32").reshape(SAMPLES, -1) for y in results], axis=1)
    with h5py.File(ROOT / f"{name}.golden.h5", "w") as f:
        for i, x in enumerate(data):
            f[f"input_{i}"] = x
        f["outputs"] = rows
    print(name, len(results), "outputs")


def listed(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]


def cell(kind, name, **fixed):
    """A random layer of a kind."""
    options = {"units": int(RNG.integers(1, 4)), "activation": one("tanh", "tanh", "relu", "softsign", "linear"),
               "use_bias": flip(), "return_sequences": flip(), "go_backwards": flip(), "unroll": flip()}
    if kind != "SimpleRNN":
        options["recurrent_activation"] = one("sigmoid", "sigmoid", "hard_sigmoid", "tanh")
    if kind == "GRU":
        options["reset_after"] = flip()
    return getattr(L, kind)(name=name, **(options | fixed))


def recurrent():
    x = keras.Input((STEPS, FEATURES), name="x")
    start, other = keras.Input((3,), name="start"), keras.Input((3,), name="other")
    y = []
    for kind in ("SimpleRNN", "LSTM", "GRU"):
        for trial in range(KINDS):
            y += listed(cell(kind, f"{kind.lower()}_{trial}", return_state=RNG.random() < 0.3)(x))
        for trial in range(3):
            states = [start, other] if kind == "LSTM" else [start]
            y += listed(cell(kind, f"{kind.lower()}_start_{trial}", units=3, return_state=flip())(x, initial_state=states))
    emit("recurrent", [x, start, other], y, ["keras"])


def bidirectional():
    x = keras.Input((STEPS, FEATURES), name="x")
    y = []
    for trial in range(KINDS):
        common = {"units": int(RNG.integers(1, 4)), "return_sequences": flip()}
        forward = cell(one("SimpleRNN", "LSTM", "GRU"), f"f{trial}", **common, go_backwards=False, return_state=RNG.random() < 0.2)
        backward = None
        if RNG.random() < 0.4:
            backward = cell(one("SimpleRNN", "LSTM", "GRU"), f"b{trial}", **common, go_backwards=True, return_state=forward.return_state)
        mode = one("concat", "sum", "ave", "mul", None)
        y += listed(L.Bidirectional(forward, merge_mode=mode, backward_layer=backward, name=f"bidirectional_{trial}")(x))
    emit("bidirectional", [x], y, ["keras"])


def distributed():
    x, image = keras.Input((STEPS, 6, FEATURES), name="x"), keras.Input((2, 5, 5, 2), name="image")

    def tower(trial):
        return keras.Sequential([keras.Input((6, FEATURES)), L.Dense(2, activation="tanh", name=f"t{trial}_a"),
                                 L.Flatten(name=f"t{trial}_f"), L.Dense(3, name=f"t{trial}_b")], name=f"tower_{trial}")

    y = []
    for trial in range(KINDS):
        kind = trial % 7
        inner = [lambda: L.Dense(int(RNG.integers(1, 4)), activation=one("relu", "tanh"), name=f"dense_{trial}"),
                 lambda: L.Conv1D(2, int(RNG.integers(1, 4)), padding=one("valid", "same"), name=f"conv_{trial}"),
                 lambda: cell(one("LSTM", "GRU", "SimpleRNN"), f"rnn_{trial}"),
                 lambda: L.MaxPooling1D(int(RNG.integers(1, 4)), name=f"max_{trial}"),
                 lambda: L.BatchNormalization(name=f"bn_{trial}"),
                 lambda: tower(trial),
                 lambda: L.Bidirectional(cell("GRU", f"g{trial}", go_backwards=False), name=f"inner_{trial}")][kind]()
        y.append(L.TimeDistributed(inner, name=f"distributed_{trial}")(x))
    y.append(L.TimeDistributed(L.Conv2D(2, (2, 3), activation="relu", name="conv2d"), name="distributed_image")(image))
    emit("distributed", [x, image], y, ["keras"])


def recurrent_named():
    """Few layers of every kind in files that know variables by name."""
    x = keras.Input((STEPS, FEATURES), name="x")
    h, c = L.Dense(3, name="dense_h")(L.Flatten(name="flat")(x)), L.Dense(3, name="dense_c")(L.Flatten(name="flat2")(x))
    inner = keras.Sequential([keras.Input((FEATURES,)), L.Dense(2, name="first"), L.Dense(2, name="second")], name="inner")
    y = [cell("LSTM", "lstm")(x), cell("GRU", "gru", reset_after=True)(x), cell("SimpleRNN", "rnn")(x),
         cell("LSTM", "decoder", units=3)(x, initial_state=[h, c]),
         L.Bidirectional(cell("LSTM", "one", go_backwards=False, units=2, return_sequences=True),
                         backward_layer=cell("GRU", "two", go_backwards=True, units=2, return_sequences=True), name="both")(x),
         L.Bidirectional(cell("GRU", "same", go_backwards=False), merge_mode="mul", name="mirrored")(x),
         L.TimeDistributed(L.Dense(2, name="plain"), name="spread")(x), L.TimeDistributed(inner, name="spread_model")(x)]
    emit("recurrent_named", [x], [t for r in y for t in listed(r)], ["h5"])


def qrecurrent():
    """QKeras's layers with every value on a grid coarse enough for float32 to be exact."""
    import qkeras as Q
    from tensorflow.python.ops import array_ops
    from tensorflow.python.util import nest
    # QKeras 0.9 calls these by the names that older TensorFlow has.
    nest.is_sequence, array_ops.unstack = nest.is_nested, tf.unstack
    x = keras.Input((STEPS, FEATURES), name="x")
    y = []
    for trial in range(KINDS):
        for kind in ("QSimpleRNN", "QLSTM", "QGRU"):
            options = {"kernel_quantizer": f"quantized_bits({RNG.integers(3, 6)},1,alpha=1)",
                       "recurrent_quantizer": f"quantized_bits({RNG.integers(3, 6)},1,alpha=1)",
                       "bias_quantizer": "quantized_bits(4,1,alpha=1)", "state_quantizer": f"quantized_bits({RNG.integers(4, 6)},0,alpha=1)",
                       "activation": one("quantized_tanh(4)", "quantized_bits(4,1,alpha=1)", "quantized_relu(3,1)")}
            if kind != "QSimpleRNN":
                options["recurrent_activation"] = one("quantized_sigmoid(3)", "quantized_relu(3,1)", "quantized_bits(4,1,alpha=1)")
            if kind == "QGRU":
                options["reset_after"] = flip()
            layer = getattr(Q, kind)(int(RNG.integers(1, 4)), use_bias=flip(), return_sequences=flip(), go_backwards=flip(),
                                     return_state=RNG.random() < 0.2, name=f"{kind.lower()}_{trial}", **options)
            if trial % 5 == 4:
                layer = Q.QBidirectional(Q.QSimpleRNN(2, activation="quantized_tanh(4)", kernel_quantizer="quantized_bits(4,1,alpha=1)",
                                                      recurrent_quantizer="quantized_bits(4,1,alpha=1)", bias_quantizer="quantized_bits(4,1,alpha=1)",
                                                      state_quantizer="quantized_bits(4,1,alpha=1)"), name=f"qbidirectional_{kind.lower()}_{trial}")
            y += listed(layer(x))
    emit("qrecurrent", [x], y, ["keras"], grid=8)


def hgq2_recurrent():
    """HGQ2's layers, whose every value is on a grid."""
    from hgq import layers as H
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    x = keras.Input((STEPS, FEATURES), name="x")
    y = []
    for trial in range(KINDS):
        overflow = one("SAT", "SAT_SYM")
        with QuantizerConfigScope(place="datalane", default_q_type="kif", i0=int(RNG.integers(1, 3)), f0=int(RNG.integers(2, 5)), overflow_mode=overflow), \
             QuantizerConfigScope(place=("weight", "bias"), default_q_type="kbi", overflow_mode="SAT_SYM", b0=4, i0=1), LayerConfigScope(enable_oq=False):
            y += listed(H.QSimpleRNN(int(RNG.integers(1, 4)), activation=one("linear", "relu"), use_bias=flip(), return_sequences=flip(),
                                     enable_sq=flip(), go_backwards=flip(), name=f"qsimple_{trial}")(x))
            y += listed(H.QGRU(int(RNG.integers(1, 4)), use_bias=flip(), return_sequences=flip(), go_backwards=flip(),
                               reset_after=flip(), name=f"qgru_{trial}")(x))
    emit("hgq2_recurrent", [x], y, ["keras"], grid=64)


names = ["recurrent", "bidirectional", "distributed", "recurrent_named"]
names += ["qrecurrent"] if GENERATION == "keras2" else ["hgq2_recurrent"]
for name in sys.argv[2:] or names:
    globals()[name]()
