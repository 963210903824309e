"""Nearest-neighbour upsampling of a map, in a form that every runtime supports."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class NearestUpsampling(keras.layers.Layer):
    """From `(batch, height, width, channels)` to `(batch, height * factor, width * factor, channels)`.

    The numbers are those of Keras's UpSampling2D with nearest neighbours. That one, with open sides, does not convert
    to LiteRT: this one copies the channels and moves the copies into space, which asks for no sizes.

    Args:
        factor: Number of repetitions of every cell along each side.

    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts: enlarge, then convolve.
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        if int(factor) != factor or factor < 1:
            raise ValueError(f"`factor` must be a whole number of at least 1. Received {factor}.")
        self.factor = int(factor)

    def call(self, x):
        """The enlarged map."""
        return x if self.factor == 1 else ops.depth_to_space(ops.concatenate([x] * self.factor**2, -1), self.factor)

    def compute_output_shape(self, input_shape):
        """The shape with both sides multiplied."""
        batch, height, width, channels = input_shape
        sides = tuple(None if side is None else side * self.factor for side in (height, width))
        return batch, *sides, channels

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "factor": self.factor}
