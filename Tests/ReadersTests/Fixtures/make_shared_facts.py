"""Records what h5py finds in the shared models: `python3 make_shared_facts.py MODELS > shared_facts.json`.

For each HDF5 file (and each model.weights.h5 in a .keras archive): how many groups, datasets and attributes there are,
and a CRC-32 over all paths, names and values in the order of names, numbers as little-endian binary64.
"""

import io
import json
import pathlib
import sys
import zipfile
import zlib

import h5py
import numpy as np


class Facts:
    def __init__(self):
        self.groups = self.datasets = self.attributes = self.crc = 0

    def add(self, data):
        self.crc = zlib.crc32(data, self.crc)

    def value(self, value):
        if isinstance(value, h5py.Empty):
            return
        values = np.asarray(value)
        if values.size and values.dtype.kind in "OSU":
            for text in values.ravel():
                self.add(text.encode() if isinstance(text, str) else bytes(text))
                self.add(b"\0")
        else:
            self.add(values.astype("<f8").tobytes())

    def attributes_of(self, item):
        for name in sorted(item.attrs):
            self.attributes += 1
            self.add(name.encode())
            self.value(item.attrs[name])

    def group(self, group):
        self.groups += 1
        self.add(group.name.encode())
        self.attributes_of(group)
        for name in sorted(group):
            if isinstance(group[name], h5py.Dataset):
                self.datasets += 1
                self.add(group[name].name.encode())
                self.value(group[name][()])
                self.attributes_of(group[name])
        for name in sorted(group):
            if isinstance(group[name], h5py.Group):
                self.group(group[name])


def facts(file):
    facts = Facts()
    with h5py.File(file, "r") as f:
        facts.group(f)
    return [facts.groups, facts.datasets, facts.attributes, facts.crc]


models = pathlib.Path(sys.argv[1])
result = {str(p.relative_to(models)): facts(p) for p in sorted(models.rglob("*.h5"))}
for p in sorted(models.rglob("*.keras")):
    with zipfile.ZipFile(p) as z:
        result[str(p.relative_to(models))] = facts(io.BytesIO(z.read("model.weights.h5")))
print("{\n" + ",\n".join(f"{json.dumps(k)}: {v}" for k, v in result.items()) + "\n}")
