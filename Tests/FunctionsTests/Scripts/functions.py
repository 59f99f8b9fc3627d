"""Values of every function at random points, by mpmath with 1000 digits: `python functions.py > ../Fixtures/functions.json`.

An entry is [function, raw, exponent, exponent of the result, floor, is exact]: the operand is raw * 2^exponent, and floor and exactness
are those of the value in quarters of the result's step, which decide every rounding mode. Functions are Swift's, by name with parameters.
"""

import json
import random

from mpmath import atan, cos, cosh, erf, exp, expm1, floor, log, log1p, mp, mpf, sin, sinh, sqrt, tanh

# The complement of erf(32) begins behind 445 zeros: with fewer digits it would pass for exactly 0.
mp.dps = 1000
random.seed(5)
ONE, HALF = mpf(1), mpf("0.5")
SELU_SCALE, SELU_ALPHA = mpf(1.0507009873554805), mpf(1.6732632423543772)


def clip(x, low, high):
    return max(low, min(high, x))


def softplus(x):
    return log1p(exp(-abs(x))) + max(x, 0)


def elu(x, a):
    return x if x >= 0 else a * expm1(x)


def gelu_tanh(x):
    return x * HALF * (1 + tanh(mpf(0.7978845608028654) * (x + mpf(0.044715) * x**3)))


FUNCTIONS = {
    "exp": exp, "sigmoid": lambda x: 1 / (1 + exp(-x)), "tanh": tanh, "softplus": softplus, "softsign": lambda x: x / (1 + abs(x)),
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA), "silu": lambda x: x / (1 + exp(-x)), "mish": lambda x: x * tanh(softplus(x)),
    "erf": erf, "logSigmoid": lambda x: -softplus(-x), "hardSilu": lambda x: x * clip(x / 6 + HALF, 0, 1),
    "elu": lambda x: elu(x, mpf(0.7)), "celu": lambda x: x if x >= 0 else mpf(1.5) * expm1(x / mpf(1.5)),
    "gelu": lambda x: x * HALF * (1 + erf(x / sqrt(mpf(2)))), "geluTanh": gelu_tanh,
    "hardSigmoid": lambda x: clip(x / 5 + HALF, 0, 1), "hardTanh": lambda x: clip(x, -1, 1),
    "squareplus": lambda x: (x + sqrt(x * x + 4)) / 2, "softShrink": lambda x: x - clip(x, -HALF, HALF),
    "hardShrink": lambda x: x if abs(x) > HALF else mpf(0), "tanhShrink": lambda x: x - tanh(x),
    "sparsePlus": lambda x: mpf(0) if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4, "square": lambda x: x * x, "abs": abs,
    "sign": lambda x: mpf((x > 0) - (x < 0)), "reciprocal": lambda x: 1 / x, "sqrt": sqrt, "rsqrt": lambda x: 1 / sqrt(x), "log": log,
    "hardSwish": lambda x: x * clip(x + 2, 0, 4) / 4, "sin": sin, "cos": cos, "atan": atan, "sinh": sinh, "cosh": cosh,
    "eluFalling": lambda x: elu(x, mpf(-0.7)), "celuFalling": lambda x: x if x >= 0 else mpf(-1.5) * expm1(x / mpf(-1.5)),
}
POSITIVE = {"sqrt", "rsqrt", "log"}

entries = []
for name, function in FUNCTIONS.items():
    for trial in range(40):
        bits = random.choice([3, 6, 9, 12, 16, 24])
        exponent = random.choice([-bits - 2, -bits, 3 - bits, 5 - bits])
        raw = random.randint(-(1 << bits), (1 << bits))
        if name in POSITIVE:
            raw = abs(raw)
        if raw == 0 and name in {"reciprocal", "rsqrt", "log"}:
            raw = 1
        result = random.choice([-3, -7, -10, -16, -24, -40])
        y = function(mpf(raw) * mpf(2) ** exponent) * mpf(2) ** (2 - result)
        entries.append([name, raw, exponent, result, str(int(floor(y))), bool(y == floor(y))])
print("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]")
