"""The jet tagger with a width for every weight and activation, found in training. Needs Keras 3 and HGQ2 0.2."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.layers import QDense
from hgq.utils import trace_minmax

from data import jets
from record import MODELS, deflate, record

keras.utils.set_random_seed(1)
with (
    QuantizerConfigScope(place="all", default_q_type="kbi", overflow_mode="SAT_SYM"),
    QuantizerConfigScope(place="datalane", default_q_type="kif", overflow_mode="WRAP", f0=5, i0=3),
    LayerConfigScope(enable_ebops=True, beta0=2e-6),
):
    model = keras.Sequential([
        keras.Input((16,), name="jet"),
        QDense(64, activation="relu", name="fc1"),
        QDense(32, activation="relu", name="fc2"),
        QDense(32, activation="relu", name="fc3"),
        QDense(5, name="output"),
    ], name="jet_tagger_hgq2")
model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = jets(40_000, seed=1)
model.fit(x, y, epochs=20, batch_size=512, verbose=0)
inputs, labels = jets(10_000, seed=2)
# The integer bits follow from the ranges of the training data; what lies outside wraps, in firmware as here.
trace_minmax(model, x, verbose=False)
model.save(MODELS / "jet_tagger_hgq2.keras")
deflate(MODELS / "jet_tagger_hgq2.keras")
record("jet_tagger_hgq2", inputs, labels, model.predict(inputs, batch_size=500, verbose=0))
