#!/usr/bin/env python3
"""Writes a perceptron of about 10 MB in the formats of the Keras that is installed.

  python models.py FOLDER [--megabytes 10]

With Keras 2 (TensorFlow 2.14): keras2.h5, and keras2.json with keras2_weights.h5. With Keras 3, on jax unless KERAS_BACKEND says
otherwise: keras3.keras and keras3.h5. The format of another framework is one more function in FORMATS.
"""
import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "jax")
try:
    import keras
    GENERATION = int(keras.__version__.split(".")[0])
except ImportError:
    GENERATION = 0
L = keras.layers if GENERATION else None


def perceptron(megabytes):
    """Six hidden layers of equal width, whose float32 weights take that many megabytes."""
    width = int((megabytes * 1e6 / 4 / 5) ** 0.5)
    layers = [keras.Input((16,), name="x")]
    for i in range(6):
        layers += [L.Dense(width, activation="relu", name=f"fc{i}")]
    return keras.Sequential(layers + [L.Dense(5, activation="softmax", name="out")], name="perceptron")


def keras2_h5(folder, megabytes):
    perceptron(megabytes).save(str(folder / "keras2.h5"))


def keras2_json(folder, megabytes):
    model = perceptron(megabytes)
    (folder / "keras2.json").write_text(model.to_json())
    model.save_weights(str(folder / "keras2_weights.h5"))


def keras3_archive(folder, megabytes):
    perceptron(megabytes).save(str(folder / "keras3.keras"))


def keras3_h5(folder, megabytes):
    perceptron(megabytes).save(str(folder / "keras3.h5"))


FORMATS = {2: [keras2_h5, keras2_json], 3: [keras3_archive, keras3_h5]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=10)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for write in FORMATS.get(GENERATION, []):
        write(options.folder, options.megabytes)


if __name__ == "__main__":
    main()
