"""Small models with what hls4ml's own emulation computes for configurations that leave types to `auto`.

`python hls4ml_models.py [NAME …]` with TensorFlow 2.14, QKeras 0.9 and hls4ml 1.3.0 (python 3.11, numpy below 2, g++). Each model goes to
`Tests/Models/hls4ml/<name>.h5` beside `<name>.yml`, the configuration, and `<name>.golden.h5`, which holds `input` or `input_0` … and
`hls4ml_output` or `hls4ml_output_0` …. Everything is seeded; weights are random, nothing is trained.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import hls4ml
import numpy as np
import qkeras as Q
import yaml
from tensorflow import keras

L = keras.layers
ROOT = pathlib.Path(__file__).parent.parent / "hls4ml"
SAMPLES = 24
RNG = np.random.default_rng(3)


def plain(value):
    """What YAML writes without tags."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def randomize(model):
    for weight in model.weights:
        name, shape = weight.name, tuple(weight.shape)
        if "gamma" in name or "variance" in name:
            weight.assign(RNG.uniform(0.5, 2, shape))
        else:
            weight.assign(RNG.normal(0, 0.4, shape))
    return model


def emit(name, make, granularity="name", edit=None, maximum=None):
    global RNG
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    RNG = np.random.default_rng(zlib.crc32(name.encode()))
    keras.backend.clear_session()
    model = randomize(make())
    ROOT.mkdir(parents=True, exist_ok=True)
    model.save(str(ROOT / f"{name}.h5"), include_optimizer=False)
    inputs = [(np.floor(RNG.normal(0, 1.5, (SAMPLES, *x.shape[1:])) * 1024) / 1024).astype("float32") for x in model.inputs]
    config = hls4ml.utils.config_from_keras_model(model, granularity=granularity, backend="Vitis", max_precision=maximum)
    if edit:
        edit(config)
    work = tempfile.mkdtemp()
    converted = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=work, io_type="io_parallel", backend="Vitis", part="xcvu13p-flga2577-2-e", clock_period=5)
    converted.write()
    script = pathlib.Path(work) / "build_lib.sh"
    script.write_text(script.read_text().replace("-O3", "-O0"))
    converted._compile()
    results = converted.predict(inputs if len(inputs) > 1 else inputs[0])
    results = results if isinstance(results, list) else [results]
    shutil.rmtree(work)
    (ROOT / f"{name}.yml").write_text(yaml.safe_dump(plain({"HLSConfig": config}), sort_keys=False))
    with h5py.File(ROOT / f"{name}.golden.h5", "w") as f:
        for key, arrays in (("input", inputs), ("hls4ml_output", results)):
            for i, array in enumerate(arrays):
                f[key if len(arrays) == 1 else f"{key}_{i}"] = array
    print(name, len(results), "outputs", flush=True)


def sequence(*layers, shape=(8,)):
    return keras.Sequential([keras.Input(shape)] + list(layers))


def activations():
    x = keras.Input((6,), name="x")
    names = "sigmoid tanh elu selu softplus softsign hard_sigmoid".split()
    y = [L.Activation(name, name=f"act_{name}")(x) for name in names]
    y += [L.LeakyReLU(alpha=0.3, name="leaky")(x), L.ReLU(max_value=6.0, name="relu6")(x), L.ThresholdedReLU(theta=0.7, name="threshold")(x),
          L.ELU(alpha=0.6, name="elu_alpha")(x), L.PReLU(name="prelu")(x)]
    return keras.Model(x, y)


def merges():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    p, q = L.Dense(6, name="dense")(a), L.Activation("relu", name="relu")(b)
    kinds = [L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate]
    return keras.Model([a, b], [kind(name=kind.__name__.lower())([p, q]) for kind in kinds])


def pooling():
    x = keras.Input((6, 6, 2), name="x")
    y = L.Conv2D(4, 3, name="conv", activation="relu")(x)
    flat = L.Flatten(name="flatten")(L.AveragePooling2D(2, name="average2")(y))
    return keras.Model(x, [L.AveragePooling2D(2, name="average")(y), L.MaxPooling2D(2, name="max")(y),
                           L.GlobalAveragePooling2D(name="global")(y), L.Dense(3, name="dense")(flat)])


def bits(width, integer, alpha=1):
    return Q.quantized_bits(width, integer, alpha=alpha)


def quantized():
    return sequence(
        Q.QDense(12, kernel_quantizer=bits(6, 0), bias_quantizer=bits(6, 0), name="q1"), Q.QActivation(Q.quantized_relu(6, 2), name="a1"),
        Q.QDense(8, kernel_quantizer=bits(5, 1, "auto_po2"), bias_quantizer=bits(6, 1), name="q2"), Q.QActivation("quantized_tanh(6)", name="a2"),
        Q.QDense(5, kernel_quantizer="ternary(alpha=1)", bias_quantizer=bits(6, 1), name="q3"), L.Activation("softmax", name="softmax"))


def scaled():
    return sequence(
        Q.QDense(10, kernel_quantizer=bits(6, 0, "auto_po2"), bias_quantizer=bits(6, 0), name="q1"), L.BatchNormalization(name="bn"),
        Q.QActivation(Q.quantized_relu(6, 2), name="a1"), Q.QDense(4, kernel_quantizer=bits(5, 1, "auto"), bias_quantizer=bits(6, 1), name="q2"))


def softmax(implementation):
    def edit(config):
        layers = config["LayerName"]
        layers["dense"]["Precision"]["result"] = "ap_fixed<14,5>"
        layers["softmax"].update(Implementation=implementation, TableSize=256)
    emit(f"softmax_{implementation}", lambda: sequence(L.Dense(6, name="dense"), L.Activation("softmax", name="softmax")), edit=edit)


emit("activations", activations)
emit("merges", merges)
emit("merges_maximum", merges, maximum="ap_fixed<18,8>")
emit("pooling", pooling)
emit("pooling_type", pooling, granularity="type")
emit("quantized", quantized)
emit("scaled", scaled)
for implementation in ("latency", "stable", "legacy", "argmax"):
    softmax(implementation)
