"""A finder of chirps in whitened strain: a small convolution, quantized. Needs TensorFlow 2.14 and QKeras 0.9."""

import tensorflow as tf
from qkeras import QActivation, QConv1D, QDense, quantized_bits, quantized_relu

from data import strain
from record import MODELS, record

keras = tf.keras
weights = {"kernel_quantizer": quantized_bits(6, 0, alpha=1), "bias_quantizer": quantized_bits(6, 0, alpha=1)}

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((32, 1), name="strain"),
    QConv1D(4, 6, strides=2, name="filters", **weights), QActivation(quantized_relu(5, 2), name="relu1"),
    keras.layers.Flatten(name="flatten"),
    QDense(16, name="fc1", **weights), QActivation(quantized_relu(5, 2), name="relu2"),
    QDense(1, name="output", **weights),
    keras.layers.Activation("sigmoid", name="sigmoid"),
], name="chirp_qkeras")
model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
x, y = strain(40_000, seed=1)
model.fit(x, y, epochs=15, batch_size=256, verbose=0)
model.save(MODELS / "chirp_qkeras.h5", include_optimizer=False)

inputs, labels = strain(10_000, seed=2)
logits = keras.Model(model.input, model.get_layer("output").output).predict(inputs, verbose=0)
record("chirp_qkeras", inputs, labels, model.predict(inputs, verbose=0), logits)
