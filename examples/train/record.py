"""Writes an example: inputs, and what the framework itself computes for them."""

import pathlib
import zipfile

import h5py
import numpy as np

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"
SAMPLES = 500


def write(file, **arrays):
    with h5py.File(MODELS / file, "w") as f:
        for name, values in arrays.items():
            f[name] = np.asarray(values, dtype=np.float32)


def record(name, inputs, labels, output, logits=None):
    """Writes `<name>_golden.h5` and says how many of the labels the output finds."""
    arrays = {"input": inputs[:SAMPLES], "output": output[:SAMPLES]}
    if logits is not None:
        arrays["logits"] = logits[:SAMPLES]
    write(f"{name}_golden.h5", **arrays)
    found = output.argmax(1) if output.shape[1] > 1 else (output[:, 0] > 0.5).astype(int)
    print(f"{name}: accuracy {(found == labels).mean():.3f} on {len(labels)} samples")


def deflate(path):
    """Packs a .keras archive, whose entries Keras stores as they are."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in entries:
            archive.writestr(zipfile.ZipInfo(name), contents, zipfile.ZIP_DEFLATED, compresslevel=9)
