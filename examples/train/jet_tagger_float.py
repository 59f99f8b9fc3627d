"""The jet tagger in float32. Needs TensorFlow 2.14."""

import tensorflow as tf

from data import jets
from record import MODELS, SAMPLES, record, write

keras = tf.keras
L = keras.layers

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((16,), name="jet"),
    L.Dense(64, activation="relu", name="fc1"),
    L.Dense(32, activation="relu", name="fc2"),
    L.Dense(32, activation="relu", name="fc3"),
    L.Dense(5, name="output"),
    L.Activation("softmax", name="softmax"),
], name="jet_tagger_float")
model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
x, y = jets(40_000, seed=1)
model.fit(x, y, epochs=12, batch_size=256, verbose=0)
model.save(MODELS / "jet_tagger_float.h5", include_optimizer=False)

inputs, labels = jets(10_000, seed=2)
logits = keras.Model(model.input, model.get_layer("output").output).predict(inputs, verbose=0)
record("jet_tagger_float", inputs, labels, model.predict(inputs, verbose=0), logits)
write("jet_tagger_inputs.h5", input=inputs[:SAMPLES])
