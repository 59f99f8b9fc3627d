"""Models of one layer each, of torch through ONNX: kinds and attributes such as hls4ml's tests cover.

    python torch_cases.py FOLDER [PATTERN]

Each model is saved as `<name>.onnx` with torch's outputs on random inputs in `<name>.golden.h5`.
"""

import pathlib
import re
import sys
import warnings

import h5py
import numpy as np
import torch
from torch import nn

RNG = np.random.default_rng(1)
CASES = []


class Form(nn.Module):
    """A function, or layers and what is done with them, as a model."""

    def __init__(self, function, **layers):
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.function = function

    def forward(self, *x):
        return self.function(*x, **self.layers)


def case(name, shapes, model, integers=0):
    CASES.append((name, shapes if isinstance(shapes, list) else [shapes], model, integers))


def grid(kind, shapes, *positional, **choices):
    """A case for every combination of attributes."""
    combinations = [{}]
    for key, values in choices.items():
        combinations = [{**c, key: value} for c in combinations for value in values]
    for attributes in combinations:
        label = "-".join(f"{key}_{value}" for key, value in attributes.items()).translate(str.maketrans("(), ", "..._"))
        case(f"{kind}-{label}", shapes, getattr(nn, kind)(*positional, **attributes))


def dense_and_activations():
    for size in [(1, 1), (16, 8)]:
        grid("Linear", (size[0],), *size, bias=[True, False])
    case("Linear-matrix", (4, 8), nn.Linear(8, 3))
    modules = [nn.ReLU(), nn.LeakyReLU(0.5), nn.ELU(0.75), nn.PReLU(init=0.25), nn.Sigmoid(), nn.Threshold(1.0, 0.0), nn.Tanh(), nn.Softmax(-1), nn.Softplus(),
               nn.Softsign(), nn.SELU(), nn.CELU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardsigmoid(), nn.Hardtanh(), nn.Hardswish(), nn.ReLU6(), nn.LogSigmoid(),
               nn.Tanhshrink(), nn.Softshrink(), nn.Hardshrink(), nn.LogSoftmax(-1), nn.GELU(approximate="tanh")]
    for number, module in enumerate(modules):
        label = f"{type(module).__name__}-{number}"
        case(f"{label}-row", (8,), nn.Sequential(nn.Linear(8, 5), module))
        case(f"{label}-image", (3, 4, 5), module)
    F = nn.functional
    forms = {"relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.5), "elu": F.elu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "threshold": lambda x: F.threshold(x, 1.0, 0.0),
             "softmax": lambda x: F.softmax(x, dim=1), "clamp": lambda x: torch.clamp(x, -0.5, 0.75), "abs": torch.abs, "square": torch.square, "exp": torch.exp,
             "sqrt": lambda x: torch.sqrt(x * x + 0.5), "reciprocal": lambda x: 1 / (x * x + 1), "sign": torch.sign, "neg": torch.neg}
    for name, form in forms.items():
        case(f"function-{name}", (4, 6), Form(form))


def convolutions():
    grid("Conv1d", (4, 12), 4, 6, kernel_size=[3], padding=[0, 1, "same"], stride=[1])
    grid("Conv1d", (4, 13), 4, 6, kernel_size=[1, 3], padding=[0, 1], stride=[2], bias=[True, False])
    grid("Conv1d", (4, 12), 4, 8, kernel_size=[3], dilation=[2], groups=[1, 2, 4])
    grid("Conv2d", (4, 8, 9), 4, 6, kernel_size=[3, (2, 3)], padding=[0, 1, "same"])
    grid("Conv2d", (4, 8, 9), 4, 6, kernel_size=[1, 3], padding=[0, (1, 2)], stride=[2, (1, 3)])
    grid("Conv2d", (4, 8, 9), 4, 8, kernel_size=[3], dilation=[2, (1, 2)], groups=[1, 2, 4])
    grid("Conv2d", (1, 7, 7), 1, 2, kernel_size=[3], padding=[1], padding_mode=["zeros", "reflect", "replicate"])
    grid("ConvTranspose1d", (3, 6), 3, 4, kernel_size=[3], stride=[1, 2], padding=[0, 1], output_padding=[0])
    grid("ConvTranspose2d", (3, 5, 6), 3, 4, kernel_size=[3], stride=[1, 2], padding=[0, 1], groups=[1])
    case("depthwise-multiplier", (3, 8, 8), nn.Conv2d(3, 6, 3, groups=3))
    case("separable", (3, 8, 8), nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 5, 1)))


def pooling():
    for rank, shape in [(1, (3, 16)), (2, (3, 9, 10))]:
        for kind in ["MaxPool", "AvgPool"]:
            grid(f"{kind}{rank}d", shape, kernel_size=[2, 3], stride=[None, 1, 2], padding=[0, 1], ceil_mode=[False, True])
        grid(f"AvgPool{rank}d", shape, kernel_size=[3], padding=[1], count_include_pad=[True, False])
        case(f"AdaptiveAvgPool{rank}d-1", shape, getattr(nn, f"AdaptiveAvgPool{rank}d")(1))
        case(f"AdaptiveMaxPool{rank}d-1", shape, getattr(nn, f"AdaptiveMaxPool{rank}d")(1))
        case(f"global_mean-{rank}", shape, Form(lambda x, r=rank: x.mean(dim=tuple(range(2, 2 + r)))))
        case(f"global_max-{rank}", shape, Form(lambda x, r=rank: x.amax(dim=tuple(range(2, 2 + r)))))


def normalizations():
    for kind, shape in [("BatchNorm1d", (6,)), ("BatchNorm1d", (6, 5)), ("BatchNorm2d", (6, 4, 5))]:
        for affine in [True, False]:
            case(f"{kind}-{len(shape)}-affine_{affine}", shape, getattr(nn, kind)(6, affine=affine))
    for shape in [(8,), (5, 8)]:
        for affine in [True, False]:
            case(f"LayerNorm-{len(shape)}-affine_{affine}", (5, 8), nn.LayerNorm(shape, elementwise_affine=affine))
    case("GroupNorm", (6, 5), nn.GroupNorm(3, 6))
    case("InstanceNorm1d", (4, 6), nn.InstanceNorm1d(4, affine=True))
    case("InstanceNorm2d", (4, 5, 6), nn.InstanceNorm2d(4))
    case("RMSNorm", (5, 8), nn.RMSNorm(8))
    case("normalize", (5, 8), Form(lambda x: nn.functional.normalize(x, dim=-1)))


def merges():
    forms = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum, "divide": lambda a, b: a / (b * b + 1)}
    for name, form in forms.items():
        for shape in [(10,), (5, 6), (4, 5, 6)]:
            case(f"{name}-{len(shape)}", [shape, shape], Form(form))
        case(f"{name}-broadcast", [(4, 5, 6), (1, 1, 6)], Form(form))
    for shape in [(10,), (5, 6), (4, 5, 6)]:
        for axis in range(1, len(shape) + 1):
            case(f"cat-{len(shape)}-{axis}", [shape, shape], Form(lambda a, b, d=axis: torch.cat([a, b], dim=d)))
    case("stack", [(5, 6), (5, 6)], Form(lambda a, b: torch.stack([a, b], dim=1)))
    case("matmul", [(4, 5), (5, 6)], Form(torch.matmul))
    case("bmm", [(4, 5), (5, 6)], Form(torch.bmm))
    case("einsum", [(4, 5), (6, 5)], Form(lambda a, b: torch.einsum("bij,bkj->bik", a, b)))
    case("dot", [(10,), (10,)], Form(lambda a, b: (a * b).sum(dim=1, keepdim=True)))
    case("constant", (10,), Form(lambda x: x * 2.0 + torch.arange(10.0)))
    case("skip", (10,), Form(lambda x, a, b: b(torch.relu(a(x))) + x, a=nn.Linear(10, 10), b=nn.Linear(10, 10)))


def shapes():
    case("flatten", (3, 4, 5), nn.Flatten())
    case("flatten-part", (3, 4, 5), Form(lambda x: torch.flatten(x, 2)))
    for size in [(-1, 60), (-1, 12, 5), (-1, 5, 4, 3)]:
        case(f"view-{len(size)}-{size[1]}", (3, 4, 5), Form(lambda x, s=size: x.view(s)))
    for order in [(0, 2, 1, 3), (0, 3, 2, 1), (0, 2, 3, 1)]:
        case(f"permute-{''.join(map(str, order))}", (3, 4, 5), Form(lambda x, o=order: x.permute(o)))
    case("transpose", (4, 5), Form(lambda x: x.transpose(1, 2)))
    case("squeeze", (4, 1, 5), Form(lambda x: x.squeeze(2)))
    case("unsqueeze", (4, 5), Form(lambda x: x.unsqueeze(1)))
    case("slice", (4, 6), Form(lambda x: x[:, 1:3, ::2]))
    case("index", (4, 6), Form(lambda x: x[:, 0]))
    case("chunk", (4, 6), Form(lambda x: torch.chunk(x, 2, dim=2)[1]))
    case("split", (4, 6), Form(lambda x: torch.split(x, [1, 3], dim=1)[1]))
    case("repeat", (4, 6), Form(lambda x: x.repeat(1, 2, 1)))
    case("flip", (4, 6), Form(lambda x: torch.flip(x, [1])))
    case("pixel_shuffle", (8, 3, 4), nn.PixelShuffle(2))
    case("dropout", (8,), nn.Sequential(nn.Linear(8, 4), nn.Dropout(0.5)))
    for name, module in [("ZeroPad1d", nn.ZeroPad1d((1, 2))), ("ConstantPad1d", nn.ConstantPad1d((2, 1), 0.5))]:
        case(name, (4, 6), module)
    for name, module in [("ZeroPad2d", nn.ZeroPad2d((1, 2, 0, 3))), ("ReflectionPad2d", nn.ReflectionPad2d(1)), ("ReplicationPad2d", nn.ReplicationPad2d((1, 0, 2, 1)))]:
        case(name, (3, 5, 6), module)
    for mode in ["nearest", "bilinear"]:
        case(f"Upsample-{mode}", (3, 5, 6), nn.Upsample(scale_factor=2, mode=mode))
        case(f"Upsample-{mode}-size", (3, 5, 6), nn.Upsample(size=(7, 9), mode=mode))
    case("Upsample-corners", (3, 5, 6), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
    case("Upsample-1d", (3, 5), nn.Upsample(scale_factor=2))
    for name, form in [("mean", lambda x: x.mean(dim=1)), ("sum", lambda x: x.sum(dim=2, keepdim=True)), ("max", lambda x: x.amax(dim=1)), ("min", lambda x: x.amin(dim=2)),
                       ("argmax", lambda x: torch.argmax(x, dim=1).float()), ("var", lambda x: x.var(dim=1, unbiased=False)), ("norm", lambda x: torch.linalg.vector_norm(x, dim=2))]:
        case(f"reduce-{name}", (4, 6), Form(form))
    case("where", (4, 6), Form(lambda x: torch.where(x > 0.25, x, -x)))
    for size in [(13, 4), (50, 3)]:
        case(f"Embedding-{size[0]}", (5,), Form(lambda x, e: e(x.long()), e=nn.Embedding(*size)), integers=size[0])


def recurrent():
    for kind in ["RNN", "LSTM", "GRU"]:
        for both in [False, True]:
            for layers in [1, 2]:
                module = getattr(nn, kind)(3, 4, num_layers=layers, bidirectional=both, batch_first=True)
                case(f"{kind}-both_{both}-layers_{layers}", (6, 3), Form(lambda x, r: r(x)[0], r=module))
        module = getattr(nn, kind)(3, 4, batch_first=True, bias=False)
        case(f"{kind}-last", (6, 3), Form(lambda x, r: r(x)[0][:, -1], r=module))
    case("RNN-relu", (6, 3), Form(lambda x, r: r(x)[0], r=nn.RNN(3, 4, nonlinearity="relu", batch_first=True)))


def attention():
    for heads in [1, 2]:
        case(f"MultiheadAttention-{heads}", (5, 8), Form(lambda x, a: a(x, x, x, need_weights=False)[0], a=nn.MultiheadAttention(8, heads, batch_first=True)))
    case("scaled_dot_product", [(4, 8), (6, 8)], Form(lambda q, k: nn.functional.scaled_dot_product_attention(q, k, k)))
    case("TransformerEncoderLayer", (5, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))


def save(folder, name, shapes, model, integers):
    torch.manual_seed(1)
    model = model.eval()
    with torch.no_grad():
        for key, buffer in model.named_buffers():
            if "running_mean" in key:
                buffer.copy_(torch.randn_like(buffer) * 0.3)
            elif "running_var" in key:
                buffer.copy_(torch.rand_like(buffer) + 0.5)
        data = [torch.from_numpy(RNG.integers(0, integers, (20, *s)).astype("float32") if integers else np.round(RNG.normal(0, 1, (20, *s)) * 64).astype("float32") / 64) for s in shapes]
        expected = model(*data).numpy().reshape(20, -1)
        batch = {f"input_{i}" if len(data) > 1 else "input": {0: "batch"} for i in range(len(data))}
        torch.onnx.export(model, tuple(x[:2] for x in data), str(folder / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=list(batch), dynamic_axes=batch)
    with h5py.File(folder / f"{name}.golden.h5", "w") as file:
        for key, x in zip(batch, data):
            file[key] = x.numpy()
        file["outputs"] = expected.astype("float32")


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for family in [dense_and_activations, convolutions, pooling, normalizations, merges, shapes, recurrent, attention]:
        family()
    cases = [case for case in CASES if re.search(sys.argv[2] if len(sys.argv) > 2 else "", case[0])]
    failed = 0
    for name, *rest in cases:
        try:
            save(folder, name, *rest)
        except Exception as error:
            failed += 1
            (folder / f"{name}.onnx").unlink(missing_ok=True)
            print("the framework itself fails:", name, str(error).splitlines()[0][:150])
    print(len(cases) - failed, "models")


if __name__ == "__main__":
    main()
