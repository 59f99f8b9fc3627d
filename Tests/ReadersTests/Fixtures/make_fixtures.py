"""Writes the fixtures of ReadersTests: `python3 make_fixtures.py` with numpy and h5py.

Each file is tiny and holds what a reader trips over: string forms, empty lists, byte orders, layouts, links.
"""

import io
import pathlib
import zipfile

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent


def hdf5():
    with h5py.File(HERE / "kinds.h5", "w", libver=("earliest", "v108")) as f:
        f.attrs["fixed"] = np.bytes_(b"abc")
        f.attrs["variable"] = "vari\u00e9"
        f.attrs["fixed_list"] = np.array([b"dense", b"dense_1", b"exactly8"], dtype="S8")
        f.attrs["variable_list"] = np.array(["a", "", "ccc"], dtype=object)
        f.attrs["empty_list"] = np.array([])
        f.attrs["split_names0"] = np.array([b"a", b"b"])
        f.attrs["split_names1"] = np.array([b"c"])
        f.attrs["null"] = h5py.Empty("f")
        f.attrs["number"] = np.int32(-5)
        f.attrs["flag"] = True
        values = np.array([[0.0, 1.5, -2.25], [1e-3, 65504.0, -0.0]])
        for name in ("<f2", "<f4", ">f4", "<f8", ">f8"):
            f[f"floats/{'big' if name[0] == '>' else 'little'}{name[2:]}"] = values.astype(name)
        for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2"):
            info = np.iinfo(name)
            low, high = info.min, min(info.max, 2**63 - 1)
            f["integers/" + name.replace(">", "big_")] = np.array([low, 0, 1, high], dtype=name)
        f["integers/too_large"] = np.array([2**64 - 1], dtype="u8")
        f["booleans"] = np.array([True, False, True])
        f["scalar"] = np.float32(3.5)
        f["no_elements"] = np.zeros((0, 4), dtype="f4")
        f["rank3"] = np.arange(24, dtype="f4").reshape(2, 3, 4)
        f.create_dataset("chunked", data=np.arange(100, dtype="f8"), chunks=(16,), compression="gzip", shuffle=True)
        f.create_dataset("never_written", (3,), dtype="f4", fillvalue=7)
        f["compound"] = np.zeros(2, dtype=[("a", "i4"), ("b", "f4")])
        f["strings"] = np.array([b"x", b"yz"])
        f["group/with space/kernel:0"] = np.float32([1, 2])
        f["group/with space/kernel:0"].attrs["unit"] = "mm"
        f["soft"] = h5py.SoftLink("/rank3")
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["external"] = h5py.ExternalLink("other.h5", "/x")
        f["hard"] = f["scalar"]
    with h5py.File(HERE / "cyclic.h5", "w") as f:
        f.create_group("a/b")
        f["a/b/back"] = f["a"]
    with h5py.File(HERE / "huge.h5", "w") as f:
        f.create_dataset("claims", (1 << 40,), dtype="f8", chunks=(1 << 16,))
    with h5py.File(HERE / "new_format.h5", "w", libver="v110") as f:
        for i in range(12):
            f[f"g/d{i}"] = np.float32([i])
        f.attrs["long"] = "x" * 70000
    with h5py.File(HERE / "vectors.h5", "w") as f:
        f["input_0"] = np.float32([[0.5, -1.25], [3.0, 0.1]])
        f["input_1"] = np.array([[1], [2]], dtype="i2")


def zips():
    with zipfile.ZipFile(HERE / "entries.zip", "w") as z:
        z.writestr(zipfile.ZipInfo("stored.txt"), "stored text", zipfile.ZIP_STORED)
        z.writestr(zipfile.ZipInfo("deflated.txt"), "deflated text, " * 100, zipfile.ZIP_DEFLATED)
        z.writestr(zipfile.ZipInfo("folder/"), "")
        z.writestr(zipfile.ZipInfo("folder/empty"), "")
        z.writestr(zipfile.ZipInfo("bzip2.txt"), "another method", zipfile.ZIP_BZIP2)
        z.comment = b"a comment with PK\x05\x06 inside"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as z:
        z.writestr(zipfile.ZipInfo("secret"), "text")
    data = bytearray(stream.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (HERE / "encrypted.zip").write_bytes(data)


def numpy_files():
    values = np.array([[0.0, 1.5, -2.25], [3.0, 65504.0, -0.0]])
    integers = np.array([[0, 1, 2], [3, 100, 127]])
    for name in ("<f2", "<f4", ">f4", "<f8", ">f8"):
        np.save(HERE / f"npy_{name.replace('>', 'big_').replace('<', 'little_')}.npy", values.astype(name))
    for name in ("i1", "u1", "<i2", ">i2", "<u4", "<i8", ">u8"):
        np.save(HERE / f"npy_{name.replace('>', 'big_').replace('<', 'little_')}.npy", integers.astype(name))
    np.save(HERE / "npy_bool.npy", np.array([[True, False], [False, True]]))
    np.save(HERE / "npy_fortran.npy", np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
    np.save(HERE / "npy_scalar.npy", np.float32(1))
    np.save(HERE / "npy_object.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save(HERE / "npy_complex.npy", np.zeros(2, dtype="c8"))
    np.save(HERE / "npy_record.npy", np.zeros(2, dtype=[("a", "f4")]))
    for version in ((2, 0), (3, 0)):
        with open(HERE / f"npy_version{version[0]}.npy", "wb") as f:
            np.lib.format.write_array(f, np.float32([[1, 2]]), version=version)
    np.savez(HERE / "stored.npz", input_0=np.float32([[1, 2]]), input_1=np.int8([[3]]))
    np.savez_compressed(HERE / "deflated.npz", input=np.arange(64, dtype="f8").reshape(4, 16) / 3)


if __name__ == "__main__":
    hdf5()
    zips()
    numpy_files()
