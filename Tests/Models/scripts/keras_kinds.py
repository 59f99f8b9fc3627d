"""Twenty random configurations of every kind of layer and function, with the framework's own outputs.

`python keras_kinds.py keras2` with TensorFlow 2.14, QKeras 0.9 and HGQ 0.2 (python 3.11), `python keras_kinds.py keras3` with
Keras 3 (KERAS_BACKEND=jax) and HGQ2 0.2. Models go to `Tests/Models/<generation>/kinds_<name>.keras` beside
`kinds_<name>.golden.h5`, as those of keras_models.py. Inputs and weights are coarse: of the models named `kinds_exact…` float32
holds every number exactly, so that the integers of fixed point must equal the framework's outputs.
"""

import itertools
import json
import pathlib
import sys
import zipfile

import h5py
import numpy as np

GENERATION = sys.argv[1]
ROOT = pathlib.Path(__file__).parent.parent / GENERATION
SAMPLES, FORMS = 2, 20
RNG = np.random.default_rng()

if GENERATION == "keras2":
    import tensorflow as tf
    keras = tf.keras
else:
    import keras
L = keras.layers


def one(*choices):
    return choices[int(RNG.integers(len(choices)))]


def flip():
    return bool(RNG.integers(2))


def whole(low, high):
    """A number from low to high, both included."""
    return int(RNG.integers(low, high + 1))


def eighths(low, high):
    return whole(int(low * 8), int(high * 8)) / 8


def extents(rank, low=2, high=4):
    return tuple(whole(low, high) for _ in range(rank))


class Family:
    """A model that is made of forms of many kinds: each is a function that draws attributes and shapes and returns a tensor."""

    def __init__(self, name, grid=8):
        # Of its own, so that a model does not depend on which others are made.
        global RNG
        RNG = np.random.default_rng(list(name.encode()))
        self.name, self.grid = name, grid
        self.inputs, self.outputs, self.indices = {}, [], {}

    def tensor(self, *shape, number=0, below=None):
        """The input of a shape; others of the same shape by number, with indices below a limit where one is given."""
        key = (shape, number, below)
        if key not in self.inputs:
            label = "x" + "_".join(map(str, shape)) + (f"_n{number}" if number else "") + (f"_b{below}" if below else "")
            self.inputs[key] = keras.Input(shape, name=label)
        return self.inputs[key]

    def add(self, kind, form, forms=FORMS):
        """Draws forms until there are enough that differ."""
        seen = set()
        for _ in range(40 * forms):
            if len(seen) == forms:
                break
            try:
                y, key = form(f"{kind}_{len(seen)}")
            except Exception:
                if "-v" in sys.argv:
                    raise
                continue
            if str(key) in seen:
                continue
            seen.add(str(key))
            self.outputs += y if isinstance(y, (list, tuple)) else [y]
        if len(seen) < forms:
            print("only", len(seen), "forms of", kind)

    def layer(self, kind, draw, forms=FORMS, make=None):
        """`draw` gives the operands' shapes and the attributes."""

        def form(name):
            shapes, attributes = draw()
            operands = [self.tensor(*shape, number=i) for i, shape in enumerate(shapes)] if isinstance(shapes, list) else self.tensor(*shapes)
            return (make or getattr(L, kind))(name=name, **attributes)(operands), (shapes, attributes)

        self.add(kind.lower(), form, forms)

    def save(self):
        ROOT.mkdir(parents=True, exist_ok=True)
        model = keras.Model(list(self.inputs.values()), self.outputs, name=f"kinds_{self.name}")
        coarsen(model)
        data = []
        for shape, _, below in self.inputs:
            numbers = RNG.integers(0, below, (SAMPLES, *shape)) if below else np.clip(np.round(RNG.normal(0, 1, (SAMPLES, *shape)) * self.grid) / self.grid, -4, 4)
            # Without negative zeros, which Keras' argmax takes to be below 0 and fixed point does not have.
            data.append(numbers.astype("float32") + np.float32(0))
        results = model(data if len(data) > 1 else data[0], training=False)
        results = results if isinstance(results, (list, tuple)) else [results]
        path = ROOT / f"kinds_{self.name}.keras"
        model.save(str(path))
        pack(path)
        with h5py.File(ROOT / f"kinds_{self.name}.golden.h5", "w") as file:
            for i, x in enumerate(data):
                file[f"input_{i}"] = x
            rows = np.concatenate([np.array(y, dtype="float32").reshape(SAMPLES, -1) for y in results], axis=1)
            file.create_dataset("outputs", data=rows, compression="gzip", compression_opts=9, shuffle=True)
        print(self.name, len(self.outputs), "outputs,", rows.shape[1], "numbers")


def coarsen(model):
    """Eighths as weights, statistics of normalisations in a sensible range; quantizers keep what they have."""
    for weight in model.weights:
        name = getattr(weight, "path", weight.name)
        shape = tuple(weight.shape)
        if "int" in str(weight.dtype) or any(part in name for part in ("quantizer", "/beta:", "ebops", "fixed_point", "seed", "activation_bw", "kernel_bw", "bops")):
            continue
        if "gamma" in name or "moving_variance" in name:
            # No powers of two: TensorFlow's logarithms of some depend on where in a tensor they stand.
            values = (2 * RNG.integers(3, 16, shape) + 1) / 16
        elif len(shape) == 0:
            continue
        else:
            values = np.clip(np.round(RNG.normal(0, 0.5, shape) * 8), -12, 12) / 8
        weight.assign(values.astype("float32"))


def pack(path):
    """Packs an archive, whose entries Keras stores as they are, without what names the day; an HDF5 file of weights inside is written anew."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, contents in entries:
            if name == "metadata.json":
                contents = json.dumps(json.loads(contents) | {"date_saved": ""}).encode()
            archive.writestr(zipfile.ZipInfo(name), contents, zipfile.ZIP_DEFLATED)


def form():
    """An order of axes that the backend computes: TensorFlow has windows over channels that come first on GPUs only."""
    return one("channels_last", "channels_first") if GENERATION == "keras3" else "channels_last"


def picture(rank, order, channels, low=2, high=4):
    space = extents(rank, low, high)
    return (channels, *space) if order == "channels_first" else (*space, channels)


# Layers.


def shape_layers(family):
    def padding(rank):
        order = one("channels_last", "channels_first") if rank > 1 or GENERATION == "keras3" else "channels_last"
        margins = tuple((whole(0, 2), whole(0, 2)) for _ in range(rank))
        attributes = {"padding": margins[0] if rank == 1 else margins}
        if rank > 1 or GENERATION == "keras3":
            attributes["data_format"] = order
        return picture(rank, order, whole(1, 2), high=3), attributes

    def cropping(rank):
        order = one("channels_last", "channels_first") if rank > 1 else "channels_last"
        cut = tuple((whole(0, 2), whole(0, 1)) for _ in range(rank))
        return picture(rank, order, whole(1, 2), low=4, high=6 - rank // 2), {"cropping": cut[0] if rank == 1 else cut} | ({"data_format": order} if rank > 1 else {})

    def upsampling(rank):
        if rank == 1:
            return extents(2), {"size": whole(1, 4)}
        order = one("channels_last", "channels_first")
        return picture(rank, order, whole(1, 2), high=3), {"size": extents(rank, 1, 3 if rank == 2 else 2), "data_format": order}

    for rank in (1, 2, 3):
        family.layer(f"ZeroPadding{rank}D", lambda: padding(rank))
        family.layer(f"Cropping{rank}D", lambda: cropping(rank))
        family.layer(f"UpSampling{rank}D", lambda: upsampling(rank))
    family.layer("Flatten", lambda: (extents(whole(1, 3)), {"data_format": one("channels_last", "channels_first")}))
    family.layer("RepeatVector", lambda: (extents(1, 2, 6), {"n": whole(1, 5)}))

    def permute():
        shape = extents(whole(2, 4), 2, 3)
        return shape, {"dims": tuple(int(i) + 1 for i in RNG.permutation(len(shape)))}

    def reshape():
        shape = extents(whole(1, 3), 2, 6)
        count = int(np.prod(shape))
        divisors = [d for d in range(1, count + 1) if count % d == 0]
        first = one(*divisors)
        second = one(*[d for d in divisors if count // first % d == 0])
        return shape, {"target_shape": one((count,), (-1,), (first, -1), (first, second, -1), (-1, first), (first, -1, second))}

    family.layer("Permute", permute)
    family.layer("Reshape", reshape)


def training_layers(family):
    """Layers that act in training only."""
    family.layer("ActivityRegularization", lambda: (extents(whole(1, 3)), {"l1": eighths(0, 1), "l2": eighths(0, 1)}))
    for kind in ("AlphaDropout", "Dropout", "GaussianDropout"):
        family.layer(kind, lambda: (extents(whole(1, 3)), {"rate": eighths(0.125, 0.875)}))
    family.layer("GaussianNoise", lambda: (extents(whole(1, 3)), {"stddev": eighths(0, 1)}))
    for rank in (1, 2, 3):
        family.layer(f"SpatialDropout{rank}D", lambda: (extents(rank + 1, 2, 3), {"rate": eighths(0.125, 0.875)}))
    if GENERATION == "keras3":
        family.layer("Identity", lambda: (extents(whole(1, 4), 2, 5), {}))


def convolution_layers(family):
    def common(rank, order):
        strides, dilation = extents(rank, 1, 2), (1,) * rank
        if flip():
            strides, dilation = (1,) * rank, extents(rank, 1, 2)
        attributes = {"kernel_size": extents(rank, 1, 3 if rank < 3 else 2), "padding": one("valid", "same"), "use_bias": flip(),
                      "activation": one("linear", "relu"), "strides": strides, "dilation_rate": dilation}
        if GENERATION == "keras3" or rank > 1:
            attributes["data_format"] = order
        return attributes

    def plain(rank):
        order = form()
        attributes = common(rank, order)
        if rank == 1 and order == "channels_last":
            attributes["padding"] = one("valid", "same", "causal")
        groups = one(1, 2) if GENERATION == "keras3" else 1
        return picture(rank, order, 2, 3, 5 if rank < 3 else 4), attributes | {"filters": 2 * whole(1, 2), "groups": groups}

    def depthwise(rank):
        order = form()
        attributes = common(rank, order)
        attributes["strides"] = (attributes["strides"][0],) * rank
        return picture(rank, order, whole(1, 3), 3, 5), attributes | {"depth_multiplier": whole(1, 2)}

    def transposed(rank):
        order = form()
        attributes = common(rank, order)
        attributes["dilation_rate"] = (1,) * rank
        return picture(rank, order, 2, 2, 3), attributes | {"filters": whole(1, 3 if rank < 3 else 2)}

    for rank in (1, 2, 3):
        family.layer(f"Conv{rank}D", lambda: plain(rank))
        family.layer(f"Conv{rank}DTranspose", lambda: transposed(rank))
    for rank in (1, 2):
        family.layer(f"DepthwiseConv{rank}D", lambda: depthwise(rank))

        def separable():
            shape, attributes = depthwise(rank)
            return shape, attributes | {"filters": whole(1, 3)}

        family.layer(f"SeparableConv{rank}D", separable)


def pooling(rank, channels=2):
    order = form()
    return picture(rank, order, whole(1, channels), 3, 6 - rank), {"pool_size": extents(rank, 1, 3 if rank < 3 else 2), "padding": one("valid", "same"),
                                                           "strides": one(None, whole(1, 3)), "data_format": order}


def global_pooling(rank):
    order = form()
    return picture(rank, order, whole(1, 3), 2, 6 - rank), {"keepdims": flip(), "data_format": order}


def maximum_layers(family):
    for rank in (1, 2, 3):
        family.layer(f"MaxPooling{rank}D", lambda: pooling(rank))
        family.layer(f"GlobalMaxPooling{rank}D", lambda: global_pooling(rank))
        if GENERATION == "keras3":
            family.layer(f"AdaptiveMaxPooling{rank}D", lambda: adaptive(rank))


def average_layers(family):
    for rank in (1, 2, 3):
        family.layer(f"AveragePooling{rank}D", lambda: pooling(rank))
        family.layer(f"GlobalAveragePooling{rank}D", lambda: global_pooling(rank))
        if GENERATION == "keras3":
            family.layer(f"AdaptiveAveragePooling{rank}D", lambda: adaptive(rank))


def adaptive(rank):
    order = form()
    size = extents(rank, 1, 3)
    return picture(rank, order, whole(1, 2), 3, 4), {"output_size": size if rank > 1 else size[0], "data_format": order}


def merge_layers(family):
    def operands(count):
        shape = extents(whole(1, 3))
        return [shape if i == 0 or flip() else tuple(one(1, s) for s in shape) for i in range(count)]

    for kind in ("Add", "Multiply", "Maximum", "Minimum"):
        family.layer(kind, lambda: (operands(whole(2, 3)), {}))
    family.layer("Subtract", lambda: (operands(2), {}))
    # Halves are exact; keras_models.py has averages of three.
    family.layer("Average", lambda: (operands(2), {}))

    def concatenate():
        shape = extents(whole(1, 3))
        axis = whole(1, len(shape))
        shapes = [tuple(whole(1, 3) if i + 1 == axis else s for i, s in enumerate(shape)) for _ in range(whole(2, 3))]
        return shapes, {"axis": one(axis, axis - len(shape) - 1)}

    family.layer("Concatenate", concatenate)


def rectifier_layers(family):
    slope = "alpha" if GENERATION == "keras2" else "negative_slope"
    family.layer("LeakyReLU", lambda: (extents(whole(1, 3)), {slope: eighths(0, 1)}))
    family.layer("ReLU", lambda: (extents(whole(1, 3)), {"max_value": one(None, eighths(1, 3)), "negative_slope": eighths(0, 1), "threshold": eighths(0, 1)}))

    def slopes():
        shape = extents(whole(1, 3))
        return shape, {"shared_axes": [axis + 1 for axis in range(len(shape)) if flip()] or None}

    family.layer("PReLU", slopes)
    if GENERATION == "keras2":
        family.layer("ThresholdedReLU", lambda: (extents(whole(1, 3)), {"theta": eighths(0, 2)}))


def product_layers(family):
    family.layer("Dense", lambda: (extents(whole(1, 3)), {"units": whole(1, 4), "use_bias": flip(), "activation": one("linear", "relu")}))

    def dot():
        a, b, c, d = extents(4, 2, 3)
        return one(([(a, b), (b, c)], {"axes": (2, 1)}), ([(a, b), (c, b)], {"axes": 2}), ([(a, b), (a, c)], {"axes": 1}), ([(a,), (a,)], {"axes": one(1, -1)}),
                   ([(a,), (a, b)], {"axes": 1}), ([(a, b), (c, a)], {"axes": (1, 2)}), ([(a, b), (b, d)], {"axes": (-1, 1)}))

    family.layer("Dot", dot)

    def einsum():
        a, b, c, d = extents(4, 2, 3)
        shape, equation, output, bias = one(
            ((a, b), "bij,jk->bik", (None, d), "k"), ((a, b), "bij,jkl->bikl", (None, c, d), "kl"), ((a, b), "bij,ijk->bk", (d,), "k"), ((a, b), "bij,jk->bki", (d, a), "k"),
            ((a, b, c), "...ij,jk->...ik", (b, d), "k"), ((a, b, c), "bcij,jk->bcik", (a, b, d), "ik"), ((a,), "bi,io->bo", d, "o"))
        return shape, {"equation": equation, "output_shape": output, "bias_axes": bias if flip() else None, "activation": one(None, "relu")}

    if GENERATION == "keras3":
        family.layer("EinsumDense", einsum)

    def embedding(name):
        rows, columns, shape = whole(3, 6), whole(1, 4), extents(whole(1, 2))
        return L.Embedding(rows, columns, name=name)(family.tensor(*shape, below=3)), (rows, columns, shape)

    family.add("embedding", embedding)
    family.layer("Rescaling", lambda: (extents(whole(1, 3)), {"scale": eighths(-2, 2), "offset": eighths(-2, 2)}))


def smooth_layers(family):
    family.layer("ELU", lambda: (extents(whole(1, 3)), {"alpha": eighths(-1, 2)}))
    family.layer("Softmax", lambda: (lambda shape: (shape, {"axis": one(-1, whole(1, len(shape)))}))(extents(whole(1, 3))))

    def upsampling():
        order = one("channels_last", "channels_first")
        return picture(2, order, whole(1, 2), high=3), {"size": extents(2, 1, 3), "data_format": order, "interpolation": "bilinear"}

    family.layer("UpSampling2D", upsampling)

    def resizing():
        attributes = {"height": whole(1, 6), "width": whole(1, 6), "interpolation": one("nearest", "bilinear")}
        return extents(2, 2, 4) + (whole(1, 2),), attributes

    family.layer("Resizing", resizing)

    def normalized():
        shape = extents(whole(1, 3), 2, 4)
        return shape, whole(1, len(shape))

    def batch():
        shape, axis = normalized()
        return shape, {"axis": one(axis, axis - len(shape) - 1), "center": flip(), "scale": flip(), "epsilon": one(0.001, 0.125)}

    def layer_norm():
        shape, axis = normalized()
        return shape, {"axis": one(axis, -1), "center": flip(), "scale": flip(), "epsilon": one(0.001, 0.125)}

    def known():
        shape = extents(whole(1, 3), 2, 4)
        if flip():
            return shape, {"axis": None, "mean": eighths(-1, 1), "variance": eighths(0.5, 2)}
        axis = whole(1, len(shape))
        count = shape[axis - 1]
        return shape, {"axis": axis, "mean": [eighths(-1, 1) for _ in range(count)], "variance": [eighths(0.5, 2) for _ in range(count)], "invert": flip()}

    family.layer("BatchNormalization", batch)
    family.layer("LayerNormalization", layer_norm)
    family.layer("UnitNormalization", lambda: (lambda s: (s[0], {"axis": one(s[1], -1)}))(normalized()))
    family.layer("Normalization", known)

    def groups():
        shape = extents(whole(0, 2), 2, 3) + (one(2, 4, 6),)
        return shape, {"groups": one(1, 2, -1), "axis": -1, "epsilon": one(0.001, 0.125), "center": flip(), "scale": flip()}

    family.layer("GroupNormalization", groups)
    if GENERATION == "keras3":
        family.layer("RMSNormalization", lambda: (extents(whole(1, 3)), {"axis": -1, "epsilon": one(0.001, 0.125, 1e-6)}))
    if GENERATION == "keras3":
        family.layer("EinsumDense", lambda: (extents(2), {"equation": "bij,jk->bik", "output_shape": (None, whole(1, 4)), "activation": one("tanh", "gelu")}))

    def activation():
        name = one("tanh", "sigmoid", "softplus", "softsign", "selu", "elu", "swish", "gelu", "exponential", "mish")
        return extents(whole(1, 3)), {"activation": name}

    family.layer("Activation", activation)


def attention_layers(family):
    def sequences():
        queries, keys, size = extents(3)
        return queries, keys, size

    def attention(kind):
        def form(name):
            queries, keys, size = sequences()
            operands = [family.tensor(queries, size), family.tensor(keys, size, number=1)]
            if flip():
                operands.append(family.tensor(keys, size, number=2))
            attributes = {"use_scale": flip()}
            if GENERATION == "keras3" and kind == "Attention":
                attributes["score_mode"] = one("dot", "concat")
            calls = {"use_causal_mask": True} if flip() else {}
            return getattr(L, kind)(name=name, **attributes)(operands, **calls), (queries, keys, size, len(operands), attributes, calls)

        return form

    for kind in ("Attention", "AdditiveAttention"):
        family.add(kind.lower(), attention(kind))

    def heads(name):
        queries, keys, size = sequences()
        operands = one((family.tensor(queries, size), family.tensor(keys, size, number=1)), (family.tensor(queries, size),) * 2)
        rows = queries, operands[1].shape[1]
        attributes = {"num_heads": whole(1, 3), "key_dim": whole(1, 3), "use_bias": flip(), "output_shape": one(None, 3)}
        masked = whole(0, 2)
        if masked == 0 or GENERATION == "keras2":
            return L.MultiHeadAttention(name=name, **attributes)(*operands), (queries, keys, size, len(set(map(id, operands))), attributes)
        # A mask that a tensor gives: 1 where a position may be seen; the first key always may.
        shape = rows if masked == 1 else (attributes["num_heads"], *rows)
        mask = keras.ops.greater(family.tensor(*shape, below=2), 0) if flip() else family.tensor(*shape, below=2)
        return L.MultiHeadAttention(name=name, **attributes)(*operands, attention_mask=mask), (shape, size, attributes)

    family.add("multiheadattention", heads)
    if GENERATION == "keras3":
        def grouped(name):
            queries, keys, size = sequences()
            groups = one(1, 2)
            attributes = {"head_dim": whole(1, 3), "num_query_heads": groups * one(1, 2), "num_key_value_heads": groups, "use_bias": flip()}
            calls = {"use_causal_mask": True} if flip() else {}
            operands = family.tensor(queries, size), family.tensor(keys, size, number=1)
            return L.GroupQueryAttention(name=name, **attributes)(*operands, **calls), (queries, keys, size, attributes, calls)

        family.add("groupqueryattention", grouped)


# Functions of keras.ops.


def functions(family, table):
    """`table` has by name how a function is applied to a tensor: it returns the result and what it drew."""
    for name, make in table.items():
        def form(label):
            shape = extents(whole(1, 3), 2, 4)
            x = family.tensor(*shape)
            y, drawn = make(x)
            return y, (shape, drawn)

        family.add(name, form)


def simple(function):
    return lambda x: (function(x), None)


def axis_of(x):
    rank = len(x.shape) - 1
    axis = whole(1, rank)
    return one(axis, axis - rank - 1)


def axes_of(x):
    rank = len(x.shape) - 1
    axes = tuple(axis for axis in range(1, rank + 1) if flip())
    return axes if axes and flip() else axis_of(x)


def drawn(function, *draws):
    """A function with arguments that are drawn for the tensor."""

    def make(x):
        arguments = [draw(x) for draw in draws]
        return function(x, *arguments), arguments

    return make


def with_operand(family, function):
    """A function of two tensors, the second of them of the first's shape, one that repeats, or a number."""

    def make(x):
        shape = tuple(x.shape[1:])
        way = whole(0, 3)
        if way == 0:
            z = eighths(-2, 2)
            return (function(x, z), z) if flip() else (function(z, x), (z, "first"))
        other = shape if way < 3 else tuple(one(1, s) for s in shape)
        z = family.tensor(*other, number=1)
        return (function(x, z), other) if other == shape or flip() else (function(z, x), (other, "first"))

    return make


def exact_functions(family):
    K = keras.ops

    def truth(x):
        other = family.tensor(*x.shape[1:], number=1)
        return x > 0, other > 0

    def logical(function):
        def make(x):
            a, b = truth(x)
            other = family.tensor(*x.shape[1:], number=2)
            return K.where(function(a, b), x, other), None

        return make

    def chosen(function):
        """A comparison, used."""
        return with_operand(family, lambda a, b: K.where(function(a, b), a, b))

    def where(x):
        other = one(eighths(-1, 1), "tensor")
        limit = eighths(-1, 1)
        z = family.tensor(*x.shape[1:], number=1) if other == "tensor" else other
        return K.where(x > limit, x, z), (other, limit)

    def matmul(x):
        shape = tuple(x.shape[1:])
        count = whole(2, 3)
        other = (shape[-1],) if len(shape) == 1 else (*shape[:-2], shape[-1], count)
        z = family.tensor(*other, number=1)
        if len(shape) == 1:
            return K.matmul(K.expand_dims(x, 1), K.expand_dims(z, 2)), (other,)
        return K.matmul(x, z), (other,)

    def einsum(x):
        rank = len(x.shape) - 1
        labels = "ijk"[:rank]
        if flip():
            kept = "".join(label for label in labels if flip())
            kept = "".join(one(*itertools.permutations(kept))) if kept else labels[0]
            equation = f"b{labels}->b{kept}"
            return K.einsum(equation, x), equation
        z = family.tensor(*x.shape[1:], number=1)
        kept = "".join(label for label in labels if flip()) or labels[-1]
        equation = f"b{labels},b{labels}->b{kept}"
        return K.einsum(equation, x, z), equation

    def item(x):
        parts = []
        for extent in x.shape[1:]:
            way = whole(0, 5)
            start, stop = sorted((whole(0, extent - 1), whole(1, extent)))
            step = one(1, 2)
            parts.append(slice(None) if way == 0 else whole(-extent, extent - 1) if way == 1 else slice(start, max(stop, start + 1), step) if way < 4
                         else slice(None, None, -1) if way == 4 else (None, slice(None)))
        flat = [p for part in parts for p in (part if isinstance(part, tuple) else (part,))]
        if flip():
            flat = [slice(None)] + flat
        else:
            flat = [slice(None)] + flat[:1] + [Ellipsis] if len(flat) > 1 else [slice(None)] + flat
        return x[tuple(flat)], str(flat)

    def squeeze(x):
        axis = whole(1, len(x.shape))
        return K.squeeze(K.expand_dims(x, axis) * 1.0, axis), axis

    def pad(x):
        margins = tuple((whole(0, 2), whole(0, 2)) for _ in x.shape[1:])
        mode = one("constant", "constant", "edge", "reflect", "symmetric", "wrap")
        if mode == "constant":
            value = one(None, eighths(-2, 2))
            return K.pad(x, ((0, 0), *margins), mode, value), (margins, mode, value)
        if mode in ("reflect", "wrap", "symmetric"):
            margins = tuple((min(a, s - 1), min(b, s - 1)) for (a, b), s in zip(margins, x.shape[1:]))
        return K.pad(x, ((0, 0), *margins), mode), (margins, mode)

    def split(x):
        axis = axis_of(x)
        extent = x.shape[axis]
        sections = one(extent, [1], [1, extent - 1] if extent > 2 else [1], 1)
        return list(K.split(x, sections, axis=axis)), (axis, sections)

    def reshape(x):
        count = int(np.prod(x.shape[1:]))
        first = one(*[d for d in range(1, count + 1) if count % d == 0])
        target = one((-1, count), (-1, first, count // first), (-1, count // first, first, 1))
        return K.reshape(x, target), target

    def transpose(x):
        order = (0, *(int(i) + 1 for i in RNG.permutation(len(x.shape) - 1)))
        return K.transpose(x, order), order

    def move(x):
        source, target = axis_of(x), axis_of(x)
        return K.moveaxis(x, source, target), (source, target)

    def take(x):
        axis = axis_of(x)
        extent = x.shape[axis]
        indices = [whole(-extent, extent - 1) for _ in range(whole(1, 4))] if flip() else whole(0, extent - 1)
        return K.take(x, indices, axis=axis), (axis, indices)

    def clip(x):
        low = eighths(-2, 0)
        high = low + eighths(0, 3)
        return K.clip(x, low, high), (low, high)

    def joined(function):
        def make(x):
            axis = axis_of(x)
            parts = [x] + [family.tensor(*x.shape[1:], number=1 + i) for i in range(whole(1, 2))]
            return function(parts, axis), (axis, len(parts))

        return make

    keep = lambda x: flip()
    reduce = lambda function: drawn(lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims), axes_of, keep)
    functions(family, {
        "op_add": with_operand(family, K.add), "op_subtract": with_operand(family, K.subtract), "op_multiply": with_operand(family, K.multiply),
        "op_maximum": with_operand(family, K.maximum), "op_minimum": with_operand(family, K.minimum), "negative": simple(K.negative),
        "absolute": simple(K.absolute), "abs": simple(K.abs), "square": simple(K.square), "sign": simple(K.sign), "relu": simple(K.relu), "relu6": simple(K.relu6),
        "hard_tanh": simple(K.hard_tanh), "leaky_relu": drawn(K.leaky_relu, lambda x: eighths(0, 1)), "soft_shrink": drawn(K.soft_shrink, lambda x: eighths(0, 1)),
        "hard_shrink": drawn(K.hard_shrink, lambda x: eighths(0, 1)), "cast": drawn(K.cast, lambda x: "float32"), "clip": clip, "power": drawn(K.power, lambda x: whole(1, 4)),
        "sum": reduce(K.sum), "max": reduce(K.max), "min": reduce(K.min), "amax": reduce(K.amax), "amin": reduce(K.amin),
        "argmax": drawn(lambda x, axis, keepdims: K.argmax(x, axis=axis, keepdims=keepdims) * 1.0, axis_of, keep),
        "less": chosen(K.less), "less_equal": chosen(K.less_equal), "greater": chosen(K.greater), "greater_equal": chosen(K.greater_equal), "equal": chosen(K.equal),
        "not_equal": chosen(K.not_equal), "not_equal_more": chosen(K.not_equal), "logical_and": logical(K.logical_and), "logical_or": logical(K.logical_or), "logical_xor": logical(K.logical_xor),
        "logical_not": logical(lambda a, b: K.logical_not(a)), "where": where, "matmul": matmul, "einsum": einsum, "get_item": item,
        "transpose": transpose, "op_reshape": reshape, "expand_dims": drawn(K.expand_dims, lambda x: whole(1, len(x.shape))), "squeeze": squeeze,
        "stack": joined(lambda parts, axis: K.stack(parts, axis)), "op_concatenate": joined(lambda parts, axis: K.concatenate(parts, axis)), "split": split, "pad": pad,
        "tile": drawn(K.tile, lambda x: (1, *(whole(1, 2) for _ in x.shape[1:]))), "repeat": drawn(lambda x, n, axis: K.repeat(x, n, axis=axis), lambda x: whole(1, 3), axis_of),
        "flip": drawn(lambda x, axis: K.flip(x, axis=axis), axis_of), "swapaxes": drawn(K.swapaxes, axis_of, axis_of), "moveaxis": move, "take": take})


def smooth_functions(family):
    K = keras.ops

    def positive(function):
        return lambda x: (function(x * x + 0.5), None)

    def attention(x):
        steps, heads, size, keys = whole(1, 3), one(1, 2, 4), whole(1, 3), whole(1, 3)
        groups = one(1, heads)
        operands = family.tensor(steps, heads, size), family.tensor(keys, groups, size, number=1), family.tensor(keys, groups, size, number=2)
        attributes = {"is_causal": keys == steps and flip(), "scale": one(None, 0.5)}
        drawn = (steps, heads, size, keys, groups, str(attributes), whole(0, 2))
        if drawn[-1] == 1:
            attributes["bias"] = family.tensor(heads, steps, keys)
        elif drawn[-1] == 2:
            attributes["mask"] = family.tensor(heads, steps, keys, below=2) > 0
        return K.dot_product_attention(*operands, **attributes), drawn

    def quotient(x):
        z = family.tensor(*x.shape[1:], number=1)
        way = whole(0, 2)
        return (x / (z * z + 0.5), 0) if way == 0 else (x / 2.5, 1) if way == 1 else (1.5 / (x * x + 0.5), 2)

    def divided(x):
        z = family.tensor(*x.shape[1:], number=1)
        number = eighths(0.25, 3)
        return one((K.divide(x, number), number), (K.divide(x, z * z + 0.5), "tensor"))

    keep = lambda x: flip()
    reduce = lambda function: drawn(lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims), axes_of, keep)
    functions(family, {
        **{name: simple(getattr(K, name)) for name in """exp tanh erf sigmoid softplus softsign silu selu log_sigmoid hard_sigmoid hard_silu tanh_shrink sparse_plus""".split()},
        "log": positive(K.log), "sqrt": positive(K.sqrt), "rsqrt": positive(K.rsqrt), "reciprocal": positive(K.reciprocal),
        "root": lambda x: (lambda e: (K.power(x * x + 0.5, e), e))(one(0.5, -0.5, -1.0)), "elu": drawn(K.elu, lambda x: eighths(-1, 2)),
        "celu": drawn(K.celu, lambda x: eighths(0.25, 2)), "squareplus": drawn(K.squareplus, lambda x: whole(0, 8)), "gelu": drawn(K.gelu, keep),
        "op_softmax": drawn(K.softmax, axis_of), "log_softmax": drawn(K.log_softmax, axis_of), "mean": reduce(K.mean), "var": reduce(K.var), "std": reduce(K.std),
        "op_average": drawn(lambda x, axis: K.average(x, axis=axis), axis_of), "norm": drawn(lambda x, axis, keepdims: K.norm(x, axis=(axis,), keepdims=keepdims), axis_of, keep), "true_divide": quotient, "divide": divided,
        "layer_norm": drawn(lambda x, e: K.layer_normalization(x, epsilon=e), lambda x: one(0.001, 0.125)),
        "rms_norm": drawn(lambda x, e: K.rms_normalization(x, epsilon=e), lambda x: one(0.001, 0.125)),
        "normalize": drawn(lambda x, axis: K.normalize(x, axis=axis), axis_of), "dot_product_attention": attention})


def make(name, *parts):
    family = Family(name)
    for part in parts:
        part(family)
    family.save()


def kinds():
    make("exact", shape_layers, training_layers, maximum_layers, merge_layers, rectifier_layers, product_layers)


def windows():
    make("exact_windows", convolution_layers)


def floats():
    make("float", average_layers, smooth_layers, attention_layers)


def operators():
    make("exact_functions", exact_functions)


def smooth_operators():
    make("functions", smooth_functions)


def hgq2():
    """HGQ2's layers, whose every number is on a grid, but for those that divide."""
    from hgq import layers as H
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    from hgq.quantizer import Quantizer, QuantizerConfig

    exact, smooth = Family("exact_hgq2", grid=16), Family("hgq2", grid=16)

    def layer(family, kind, draw, forms=FORMS):
        """Each form has quantizers of its own."""

        def make(name, **attributes):
            overflow = one("SAT", "SAT_SYM", "WRAP")
            with QuantizerConfigScope(place="datalane", default_q_type="kif", i0=whole(2, 3), f0=whole(2, 4), overflow_mode=overflow, round_mode=one("RND", "TRN", "RND_CONV")), \
                    QuantizerConfigScope(place=("weight", "bias"), default_q_type="kbi", b0=whole(3, 5), i0=1, overflow_mode="SAT_SYM"), \
                    QuantizerConfigScope(place="table", default_q_type="kif", i0=1, f0=whole(4, 8)), LayerConfigScope(enable_oq=flip()):
                return getattr(H, kind)(name=name, **attributes)

        family.layer(kind, draw, forms, make)

    def convolution(rank):
        strides, dilation = extents(rank, 1, 2), (1,) * rank
        if flip():
            strides, dilation = (1,) * rank, extents(rank, 1, 2)
        return picture(rank, "channels_last", 2, 3, 5 - rank // 3), {
            "filters": whole(1, 3), "kernel_size": extents(rank, 1, 2), "padding": one("valid", "same"), "use_bias": flip(), "activation": one(None, "relu"),
            "strides": strides, "dilation_rate": dilation}

    def windows(rank):
        shape, attributes = pooling(rank)
        return shape if attributes["data_format"] == "channels_last" else (*shape[1:], shape[0]), attributes | {"data_format": "channels_last"}

    def whole_picture(rank):
        return picture(rank, "channels_last", whole(1, 3), 2, 6 - rank), {"keepdims": flip()}

    def summed():
        shape = extents(whole(1, 3))
        axes = [axis + 1 for axis in range(len(shape)) if flip()] or [len(shape)]
        return shape, {"axes": axes[0] if len(axes) == 1 else axes, "keepdims": flip()}

    for rank in (1, 2, 3):
        layer(exact, f"QConv{rank}D", lambda: convolution(rank))
        layer(exact, f"QMaxPooling{rank}D", lambda: windows(rank))
        layer(smooth, f"QAveragePooling{rank}D", lambda: windows(rank))
        layer(exact, f"QGlobalMaxPooling{rank}D", lambda: whole_picture(rank))
        layer(smooth, f"QGlobalAveragePooling{rank}D", lambda: whole_picture(rank))
    layer(exact, "QDense", lambda: (extents(whole(1, 3)), {"units": whole(1, 4), "use_bias": flip(), "activation": one(None, "relu")}))
    layer(exact, "QBatchNormDense", lambda: (extents(whole(1, 2)), {"units": whole(1, 4), "activation": one(None, "relu"), "epsilon": one(0.001, 0.125)}))
    layer(exact, "QBatchNormalization", lambda: (lambda s: (s, {"axis": whole(1, len(s)), "center": flip(), "scale": flip(), "epsilon": one(0.001, 0.125)}))(extents(whole(1, 3))))
    for kind in ("QAdd", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2"):
        layer(exact, kind, lambda: (lambda s: ([s] * whole(2, 3 if kind != "QMultiply" else 2), {}))(extents(whole(1, 3))))
    layer(exact, "QSubtract", lambda: ([extents(whole(1, 3))] * 2, {}))
    layer(exact, "QSum", lambda: (lambda s: (s[0], s[1] | {"scale": one(1.0, 0.25, 2.0)}))(summed()))
    layer(exact, "QMeanPow2", summed)

    def dot():
        a, b, c = extents(3, 2, 3)
        return one(([(a, b), (b, c)], {"axes": (2, 1)}), ([(a, b), (c, b)], {"axes": 2}), ([(a,), (a,)], {"axes": 1}), ([(a,), (a, b)], {"axes": 1}))

    def einsum():
        a, b, c = extents(3, 2, 3)
        return one(([(a, b), (b, c)], {"equation": "bij,bjk->bik"}), ([(a, b), (a,)], {"equation": "bij,bi->bj"}), ([(a, b), (c, b)], {"equation": "bij,bkj->bik"}))

    def einsum_dense():
        a, b, c, d = extents(4, 2, 3)
        shape, equation, output, bias = one(
            ((a, b), "bij,jk->bik", (a, d), "k"), ((a, b), "bij,ijk->bk", (d,), "k"), ((a, b), "bij,jkl->bikl", (a, c, d), "kl"), ((a,), "bi,io->bo", (d,), "o"))
        return shape, {"equation": equation, "output_shape": output, "bias_axes": bias, "activation": one(None, "relu")}

    layer(exact, "QDot", dot)
    layer(exact, "QEinsum", einsum)
    layer(exact, "QEinsumDense", einsum_dense)
    layer(exact, "QEinsumDenseBatchnorm", lambda: (lambda d: (d[0], {k: v for k, v in d[1].items() if "l" not in str(d[1]["bias_axes"])}))(einsum_dense()))
    # A table's function is rounded by the table's own type: equal but where float32 is off by its last bit at a boundary.
    for kind in ("QUnaryFunctionLUT", "QAffinedUnaryFunctionLUT"):
        layer(smooth, kind, lambda: (extents(whole(1, 3)), {"activation": one("tanh", "sigmoid", "exponential", "softplus", "silu", "relu")}))

    def softmax():
        shape = extents(whole(1, 3))
        axes = sorted({whole(1, len(shape)) for _ in range(2)})
        return shape, {"axis": one(-1, axes[0], axes), "stable": flip(), "input_scaler": one(1.0, 0.5)}

    layer(smooth, "QSoftmax", softmax)

    def heads(name):
        queries, keys, size = extents(3)
        attributes = {"num_heads": whole(1, 2), "key_dim": one(1, 4), "use_bias": flip(), "fuse": one("none", "qkv")}
        with QuantizerConfigScope(place="datalane", i0=3, f0=4, overflow_mode="SAT"), QuantizerConfigScope(place="weight", overflow_mode="SAT_SYM"), \
                QuantizerConfigScope(place="table", i0=1, f0=8):
            made = H.QMultiHeadAttention(name=name, **attributes)
        x = smooth.tensor(queries, size)
        return made(x) if attributes["fuse"] == "qkv" else made(x, smooth.tensor(keys, size)), (queries, keys, size, attributes)

    smooth.add("qmultiheadattention", heads)
    exact.save()
    smooth.save()


def qkeras():
    """QKeras' layers, whose every number is on a grid, but for normalisations."""
    import qkeras as Q
    from tensorflow.python.ops import array_ops
    from tensorflow.python.util import nest
    # QKeras 0.9 calls these by the names that older TensorFlow has.
    nest.is_sequence, array_ops.unstack, array_ops.stack = nest.is_nested, tf.unstack, tf.stack
    exact, smooth = Family("exact_qkeras", grid=8), Family("qkeras", grid=8)

    def bits(low=3, high=6, whole_bits=1):
        return f"quantized_bits({whole(low, high)},{whole_bits},{whole(0, 1)},alpha=1)"

    def kernel():
        return one(bits(), bits(), "ternary(alpha=1)", "binary(alpha=1)", "quantized_po2(4)", "quantized_bits(4,0,alpha=0.5)")

    def after():
        return one(None, "relu", f"quantized_relu({whole(3, 6)},{whole(1, 3)})", "quantized_bits(7,3,alpha=1)", "quantized_tanh(5)", "hard_tanh", "binary(alpha=1)")

    def layer(family, kind, draw, forms=FORMS):
        family.layer(kind, draw, forms, getattr(Q, kind))

    def quantizers(*names):
        return {f"{name}_quantizer": bits(4, 6, 2) if name == "bias" else kernel() for name in names}

    def dense(shape):
        return shape, {"units": whole(1, 4), "use_bias": flip(), "activation": after()} | quantizers("kernel", "bias")

    def windows(rank):
        strides, dilation = extents(rank, 1, 2), (1,) * rank
        if flip():
            strides, dilation = (1,) * rank, extents(rank, 1, 2)
        return picture(rank, "channels_last", whole(1, 2), 3, 5), {
            "kernel_size": extents(rank, 1, 3), "padding": one("valid", "same"), "use_bias": flip(), "activation": after(), "strides": strides, "dilation_rate": dilation}

    def convolution(rank):
        shape, attributes = windows(rank)
        return shape, attributes | {"filters": whole(1, 3)} | quantizers("kernel", "bias")

    def transposed():
        shape, attributes = windows(2)
        return shape, attributes | {"filters": whole(1, 3), "dilation_rate": (1, 1)} | quantizers("kernel", "bias")

    def depthwise():
        shape, attributes = windows(2)
        return shape, attributes | {"depth_multiplier": 1, "strides": (attributes["strides"][0],) * 2} | quantizers("depthwise", "bias")

    def separable(rank):
        shape, attributes = windows(rank)
        return shape, attributes | {"filters": whole(1, 3), "strides": (attributes["strides"][0],) * rank, "depth_multiplier": whole(1, 2)} | quantizers("depthwise", "pointwise", "bias")

    def folded(draw):
        shape, attributes = draw
        attributes = {key: value for key, value in attributes.items() if key != "dilation_rate"}
        name = "depthwise_quantizer" if "depthwise_quantizer" in attributes else "kernel_quantizer"
        return shape, attributes | {"folding_mode": one("ema_stats_folding", "batch_stats_folding"), "center": flip(), "scale": flip(), name: bits(4, 7)}

    layer(exact, "QActivation", lambda: (extents(whole(1, 3)), {"activation": one(
        f"quantized_bits({whole(2, 7)},{whole(0, 2)},{whole(0, 1)},alpha=1)", f"quantized_relu({whole(2, 7)},{whole(0, 3)})", f"quantized_tanh({whole(2, 7)})",
        f"quantized_sigmoid({whole(2, 7)})", f"quantized_po2({whole(3, 5)})", "binary(alpha=1)", "ternary(alpha=1)", "hard_tanh", "relu")}))
    layer(exact, "QDense", lambda: dense(extents(whole(1, 3))))
    for rank in (1, 2):
        layer(exact, f"QConv{rank}D", lambda: convolution(rank))
        layer(exact, f"QSeparableConv{rank}D", lambda: separable(rank))
    layer(exact, "QDepthwiseConv2D", depthwise)
    layer(exact, "QConv2DTranspose", transposed)
    layer(smooth, "QConv2DBatchnorm", lambda: folded(convolution(2)))
    layer(smooth, "QDepthwiseConv2DBatchnorm", lambda: folded(depthwise()))

    def batch():
        shape = extents(whole(1, 3), 2, 4)
        names = [name for name in ("gamma", "beta", "mean", "variance") if flip()]
        return shape, {"axis": whole(1, len(shape)), "center": flip(), "scale": flip(), "epsilon": one(0.001, 0.125)} | {f"{name}_quantizer": None for name in names}

    layer(smooth, "QBatchNormalization", batch)
    layer(exact, "QAveragePooling2D", lambda: (picture(2, "channels_last", whole(1, 2), 3, 5), {
        "pool_size": extents(2, 1, 3), "padding": "valid", "strides": one(None, whole(1, 3)), "average_quantizer": one("quantized_bits(8,0,alpha=1)", "quantized_bits(6,0,alpha=1)"),
        "activation": after()}))
    layer(exact, "QGlobalAveragePooling2D", lambda: (picture(2, "channels_last", whole(1, 2), 2, 5), {
        "average_quantizer": one("quantized_bits(8,0,alpha=1)", "quantized_bits(6,0,alpha=1)"), "activation": after()}))

    def cell(kind):
        shape = (whole(2, 4), whole(2, 3))
        options = {"units": whole(1, 3), "use_bias": flip(), "return_sequences": flip(), "go_backwards": flip(), "kernel_quantizer": bits(3, 5), "recurrent_quantizer": bits(3, 5),
                   "bias_quantizer": "quantized_bits(4,1,alpha=1)", "state_quantizer": bits(4, 5, 0), "activation": one("quantized_tanh(4)", "quantized_bits(4,1,alpha=1)", "quantized_relu(3,1)")}
        if kind != "QSimpleRNN":
            options["recurrent_activation"] = one("quantized_sigmoid(3)", "quantized_relu(3,1)", "quantized_bits(4,1,alpha=1)")
        if kind == "QGRU":
            options["reset_after"] = flip()
        return shape, options

    for kind in ("QSimpleRNN", "QLSTM", "QGRU"):
        layer(exact, kind, lambda: cell(kind))

    def both(name):
        kind = one("QSimpleRNN", "QLSTM")
        shape, options = cell(kind)
        inner = getattr(Q, kind)(name=f"{name}_inner", **options | {"go_backwards": False})
        mode = one("concat", "sum", "mul", "ave")
        return Q.QBidirectional(inner, merge_mode=mode, name=name)(exact.tensor(*shape)), (kind, shape, options, mode)

    exact.add("qbidirectional", both)
    exact.save()
    smooth.save()


def hgq1():
    """HGQ's layers: as they are trained, and the quantizers of its proxies."""
    from HGQ import layers as H
    from HGQ.proxy.fixed_point_quantizer import FixedPointQuantizer
    from HGQ.utils import get_default_kq_conf, get_default_paq_conf
    family = Family("exact_hgq1", grid=16)
    entries = {}

    def quantized(*shape, number=0):
        """Layers read the widths of what stands before them, which an input does not have."""
        key = (shape, number)
        if key not in entries:
            entries[key] = H.HQuantize(paq_conf=widths(), name=f"entry{len(entries)}")(plain(*shape, number=number))
        return entries[key]

    def widths(kernel=False):
        return (get_default_kq_conf() if kernel else get_default_paq_conf()) | {
            "init_bw": whole(1, 4), "rnd_strategy": one("standard_round", "floor") if kernel else one("auto", "standard_round", "floor")}

    def layer(kind, draw):
        def make(name, **attributes):
            own = {"paq_conf": widths()} if kind.startswith("H") else {}
            if "kernel_size" in attributes or "units" in attributes:
                own["kq_conf"] = widths(kernel=True)
            return getattr(H, kind)(name=name, **attributes, **own)

        family.tensor = plain if kind in ("HQuantize", "Signature") else quantized
        family.layer(kind, draw, FORMS + 4, make)

    plain = family.tensor

    def convolution(rank):
        strides = extents(rank, 1, 2)
        return picture(rank, "channels_last", whole(1, 2), 3, 5), {"filters": whole(1, 3), "kernel_size": extents(rank, 1, 3), "padding": one("valid", "same"),
                                                                  "use_bias": flip(), "activation": one(None, "relu"), "strides": strides}

    layer("HQuantize", lambda: (extents(whole(1, 3)), {}))
    layer("HActivation", lambda: (extents(whole(1, 3)), {"activation": one("relu", "linear")}))
    layer("HAdd", lambda: ([extents(whole(1, 3))] * whole(2, 3), {}))
    layer("HDense", lambda: (extents(whole(1, 2)), {"units": whole(1, 4), "use_bias": flip(), "activation": one(None, "relu")}))
    layer("HConv1D", lambda: convolution(1))
    layer("HConv2D", lambda: convolution(2))
    for rank in (1, 2):
        layer(f"PMaxPooling{rank}D", lambda: (lambda d: (d[0], {k: v for k, v in d[1].items() if k != "data_format"}))(pooling(rank, 3)))
        # Areas of powers of two, so that averages are exact.
        layer(f"PAveragePooling{rank}D", lambda: (picture(rank, "channels_last", whole(1, 2), 4, 6), {
            "pool_size": tuple(one(1, 2, 4) for _ in range(rank)), "padding": "valid", "strides": one(None, whole(1, 3))}))
    layer("PFlatten", lambda: (extents(whole(2, 3)), {}))
    layer("PDropout", lambda: (extents(whole(1, 3)), {"rate": eighths(0.125, 0.875)}))
    layer("PPermute", lambda: (lambda s: (s, {"dims": tuple(int(i) + 1 for i in RNG.permutation(len(s)))}))(extents(whole(2, 3))))
    layer("PReshape", lambda: (lambda s: (s, {"target_shape": one((-1,), (-1, s[0]), (s[0], -1), (1, -1))}))(extents(whole(1, 3), 2, 6)))

    def concatenate():
        shape = extents(whole(1, 3))
        axis = whole(1, len(shape))
        return [tuple(whole(1, 3) if i + 1 == axis else s for i, s in enumerate(shape)) for _ in range(whole(2, 3))], {"axis": one(axis, axis - len(shape) - 1)}

    layer("PConcatenate", concatenate)
    layer("Signature", lambda: (extents(whole(1, 3)), {"keep_negative": 1, "bits": whole(4, 9), "int_bits": whole(2, 4)}))
    family.tensor = plain

    def quantizer(name):
        shape = extents(whole(1, 3))
        own = (1, *(one(1, s) for s in shape))
        attributes = {"RND": one("TRN", "RND", "RND_CONV"), "SAT": one("WRAP", "SAT", "SAT_SYM")}
        signs, widths, integers = RNG.integers(0, 2, own), RNG.integers(2, 8, own), RNG.integers(0, 4, own)
        made = FixedPointQuantizer(*(tf.constant(x, dtype="int8") for x in (signs, widths, np.minimum(integers + signs, widths))), name=name, **attributes)
        return made(family.tensor(*shape)), (shape, own, attributes, len(family.outputs))

    family.add("fixedpointquantizer", quantizer, FORMS + 4)
    family.save()


def functions2():
    """The functions of TensorFlow in functional models."""
    exact, smooth = Family("exact_tensorflow"), Family("tensorflow")

    def pair(family, function):
        def make(x):
            shape = tuple(x.shape[1:])
            way = whole(0, 2)
            z = eighths(-2, 2) if way == 0 else family.tensor(*(shape if way == 1 else tuple(one(1, s) for s in shape)), number=1)
            return function(x, z), z if way == 0 else z.shape

        return make

    keep = lambda x: flip()
    reduce = lambda function: drawn(lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims), axes_of, keep)
    positive = lambda function: lambda x: (function(x * x + 0.5), None)

    def item(x):
        parts = [slice(None)]
        for extent in x.shape[1:]:
            start, stop = sorted((whole(0, extent - 1), whole(1, extent)))
            parts.append(one(slice(None), whole(-extent, extent - 1), slice(start, max(stop, start + 1), one(1, 2)), slice(None, None, -1)))
        return x[tuple(parts)], str(parts)

    def pad(x):
        margins = [(whole(0, 2), whole(0, 2)) for _ in x.shape[1:]]
        mode = one("CONSTANT", "REFLECT", "SYMMETRIC")
        if mode != "CONSTANT":
            margins = [(min(a, s - 1), min(b, s - 1)) for (a, b), s in zip(margins, x.shape[1:])]
        value = eighths(-1, 1) if mode == "CONSTANT" and flip() else 0
        return tf.pad(x, [[0, 0], *map(list, margins)], mode, constant_values=value), (margins, mode, value)

    def matmul(x):
        shape = tuple(x.shape[1:])
        if len(shape) < 2:
            raise ValueError
        turned = flip()
        count = whole(2, 3)
        other = (*shape[:-2], count, shape[-1]) if turned else (*shape[:-2], shape[-1], count)
        return tf.matmul(x, exact.tensor(*other, number=1), transpose_b=turned), other

    def joined(function):
        def make(x):
            axis = axis_of(x)
            parts = [x] + [exact.tensor(*x.shape[1:], number=1 + i) for i in range(whole(1, 2))]
            return function(parts, axis), (axis, len(parts))

        return make

    def reshape(x):
        count = int(np.prod(x.shape[1:]))
        first = one(*[d for d in range(1, count + 1) if count % d == 0])
        target = one((-1, count), (-1, first, count // first), (-1, count // first, first, 1))
        return tf.reshape(x, target), target

    def transpose(x):
        order = (0, *(int(i) + 1 for i in RNG.permutation(len(x.shape) - 1)))
        return tf.transpose(x, order), order

    def squeeze(x):
        axis = whole(1, len(x.shape))
        return tf.squeeze(tf.expand_dims(x, axis), axis), axis

    def clip(x):
        low = eighths(-2, 0)
        return (lambda high: (tf.clip_by_value(x, low, high), (low, high)))(low + eighths(0, 3))

    functions(exact, {
        "add": pair(exact, tf.add), "plus": pair(exact, lambda a, b: a + b), "more": pair(exact, lambda a, b: a + b), "subtract": pair(exact, tf.subtract), "multiply": pair(exact, tf.multiply),
        "maximum": pair(exact, tf.maximum), "minimum": pair(exact, tf.minimum), **{f"add_n{more}": joined(lambda parts, axis: tf.add_n(parts)) for more in ("", "_more")}, "negative": simple(tf.negative),
        "abs": simple(tf.abs), "sign": simple(tf.sign), "square": simple(tf.square), "relu": simple(tf.nn.relu), "relu6": simple(tf.nn.relu6), "identity": simple(tf.identity),
        "leaky_relu": drawn(lambda x, alpha: tf.nn.leaky_relu(x, alpha=alpha), lambda x: eighths(0, 0.875)), "pow": drawn(tf.pow, lambda x: float(whole(1, 4))),
        "greater": pair(exact, tf.greater), "greater_equal": pair(exact, tf.greater_equal), "less": pair(exact, tf.less), "less_equal": pair(exact, tf.less_equal),
        "reduce_sum": reduce(tf.reduce_sum), "reduce_max": reduce(tf.reduce_max), "reduce_min": reduce(tf.reduce_min), "concat": joined(tf.concat), "stack": joined(tf.stack),
        "expand_dims": drawn(tf.expand_dims, lambda x: whole(1, len(x.shape))), "squeeze": squeeze, "clip": clip, "transpose": transpose, "reshape": reshape, "pad": pad,
        "matmul": matmul, "getitem": item})
    functions(smooth, {
        **{name: simple(getattr(tf.math, name)) for name in "exp erf tanh sigmoid softplus".split()},
        **{f"nn_{name}": simple(getattr(tf.nn, name)) for name in "tanh sigmoid softplus softsign selu elu".split()},
        "log": positive(tf.math.log), "sqrt": positive(tf.sqrt), "rsqrt": positive(tf.math.rsqrt), "reciprocal": positive(tf.math.reciprocal),
        "truediv": lambda x: one((lambda n: (x / n, n))(eighths(0.25, 3)), (2.0 / (x * x + 0.5), "first")), "divide": drawn(tf.divide, lambda x: eighths(0.25, 3)),
        "reduce_mean": reduce(tf.reduce_mean), "reduce_variance": reduce(tf.math.reduce_variance), "reduce_std": reduce(tf.math.reduce_std),
        "softmax": drawn(lambda x, axis: tf.nn.softmax(x, axis=axis), axis_of), "math_softmax": drawn(lambda x, axis: tf.math.softmax(x, axis=axis), axis_of)})
    exact.save()
    smooth.save()


PARTS = [kinds, windows, floats] + ([operators, smooth_operators, hgq2] if GENERATION == "keras3" else [functions2, qkeras, hgq1])
chosen = [name for name in sys.argv[2:] if not name.startswith("-")]
for part in PARTS:
    if not chosen or part.__name__ in chosen:
        part()
