"""The jet tagger with weights and activations of 6 bits. Needs TensorFlow 2.14 and QKeras 0.9."""

import tensorflow as tf
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from data import jets
from record import MODELS, record

keras = tf.keras


def dense(units, name):
    return QDense(units, name=name, kernel_quantizer=quantized_bits(6, 0, alpha=1),
                  bias_quantizer=quantized_bits(6, 0, alpha=1))


keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((16,), name="jet"),
    dense(64, "fc1"), QActivation(quantized_relu(6, 2), name="relu1"),
    dense(32, "fc2"), QActivation(quantized_relu(6, 2), name="relu2"),
    dense(32, "fc3"), QActivation(quantized_relu(6, 2), name="relu3"),
    dense(5, "output"),
    keras.layers.Activation("softmax", name="softmax"),
], name="jet_tagger_qkeras")
model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
x, y = jets(40_000, seed=1)
model.fit(x, y, epochs=15, batch_size=256, verbose=0)
model.save(MODELS / "jet_tagger_qkeras.h5", include_optimizer=False)

inputs, labels = jets(10_000, seed=2)
logits = keras.Model(model.input, model.get_layer("output").output).predict(inputs, verbose=0)
record("jet_tagger_qkeras", inputs, labels, model.predict(inputs, verbose=0), logits)
