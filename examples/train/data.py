"""The data that the example models are trained on: made here, from a seed, so that nothing has to be downloaded."""

import numpy as np

JETS = ("gluon", "quark", "W", "Z", "top")

# Of each kind of jet: mass and its relative width, mean multiplicity, two- and three-prong ratios.
JET_SHAPES = {
    "gluon": (70.0, 0.55, 46.0, 0.62, 0.78),
    "quark": (48.0, 0.60, 29.0, 0.55, 0.74),
    "W": (80.4, 0.10, 33.0, 0.30, 0.72),
    "Z": (91.2, 0.10, 36.0, 0.32, 0.72),
    "top": (172.5, 0.12, 52.0, 0.48, 0.42),
}


def jets(count, seed):
    """Jets as 16 standardised features (count, 16), and the index of the kind in `JETS` (count).

    The features stand for what substructure variables measure: mass, multiplicity, prong ratios, and eleven mixtures of
    these in the way of energy correlation functions. They are standardised, cut at ±8, on a grid of 2^-10.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(JETS), count)
    shape = np.array([JET_SHAPES[name] for name in JETS])[label]
    mass = shape[:, 0] * np.exp(shape[:, 1] * rng.normal(size=count))
    multiplicity = rng.poisson(shape[:, 2] * np.exp(0.15 * rng.normal(size=count))) + 1.0
    tau21 = np.clip(shape[:, 3] + 0.12 * rng.normal(size=count), 0.02, 1.2)
    tau32 = np.clip(shape[:, 4] + 0.12 * rng.normal(size=count), 0.02, 1.2)
    momentum = 1000.0 * np.exp(0.1 * rng.normal(size=count))
    base = np.stack([np.log(mass), np.log(multiplicity), tau21, tau32, mass / momentum], axis=1)
    base = (base - [4.3, 3.6, 0.45, 0.68, 0.1]) / [0.5, 0.35, 0.18, 0.18, 0.05]
    # The mixtures are the same in every sample, whatever its seed.
    mix = np.random.default_rng(1).normal(0, 0.7, (5, 11))
    features = np.concatenate([base, np.tanh(base @ mix) * 1.6 + 0.3 * rng.normal(size=(count, 11))], axis=1)
    return on_grid(features, 10), label


def strain(count, seed, length=32):
    """Windows of whitened strain (count, length, 1), and whether a chirp was added to the noise (count)."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, count)
    time = np.arange(length)
    merger = rng.uniform(0.6, 1.05, (count, 1)) * length
    # Frequency and amplitude of an inspiral grow with (time to merger)^(-3/8) and ^(-1/4); silence follows.
    left = np.maximum(merger - time, 0.25)
    phase = rng.uniform(0, 2 * np.pi, (count, 1)) - rng.uniform(1.0, 2.0, (count, 1)) * left ** 0.625
    wave = np.where(time < merger, left ** -0.25 * np.cos(phase), 0)
    wave *= rng.uniform(4, 9, (count, 1)) / np.linalg.norm(wave, axis=1, keepdims=True)
    return on_grid(rng.normal(size=(count, length)) + wave * label[:, None], 8)[..., None], label


def on_grid(values, fraction_bits):
    """Values cut at ±8 on a grid that the conversion to fixed<16,6> keeps."""
    return (np.round(np.clip(values, -8, 8 - 2.0**-10) * 2.0**fraction_bits) / 2.0**fraction_bits).astype(np.float32)
