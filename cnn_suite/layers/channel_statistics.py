"""Mean and deviation of every channel of a picture's map, which a normalisation takes away."""

import keras
from keras import ops

from cnn_suite.ops.moments import picture_moments


@keras.saving.register_keras_serializable("cnn_suite")
class ChannelStatistics(keras.layers.Layer):
    """mean / deviation, and log(deviation), of every channel over the positions of one picture.

    Neither depends on how many positions there are, and both stay within a few units for pictures and their maps.

    Args:
        epsilon: Added to the variance.

    Call arguments:
        x: `(batch, height, width, channels)`.

    Returns:
        `(batch, 2 * channels)`, float32: all means, then all deviations.

    Source: Jia, Chen & Chen 2019, Instance-Level Meta Normalization, section 3: the statistics are the key to how a
    normalised map is best scaled.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # logarithms are too coarse in half precision
        self.epsilon = epsilon

    def call(self, x):
        """The statistics."""
        mean, variance = picture_moments(x)
        variance += self.epsilon
        statistics = ops.concatenate([mean * ops.rsqrt(variance), 0.5 * ops.log(variance)], axis=-1)
        return ops.squeeze(statistics, axis=(1, 2))

    def compute_output_shape(self, x_shape):
        """Two numbers a channel."""
        return (x_shape[0], 2 * x_shape[-1])

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon}
