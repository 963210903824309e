"""Rearranges channels into space: from fewer, larger cells to more, smaller ones."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class DepthToSpace(keras.layers.Layer):
    """From `(batch, height, width, channels * factor^2)` to `(batch, height * factor, width * factor, channels)`.

    Args:
        factor: Pixels of a cell along each side.

    Source: Shi et al. 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network, equation 4; the order of channels is `keras.ops.depth_to_space`'s.
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        if int(factor) != factor or factor < 1:
            raise ValueError(f"`factor` must be a whole number of at least 1. Received {factor}.")
        self.factor = int(factor)

    def build(self, input_shape):
        """Checks that the number of channels is divisible."""
        if input_shape[-1] % self.factor**2:
            raise ValueError(
                f"The number of channels must be divisible by `factor` squared, {self.factor**2}. Received "
                f"{input_shape[-1]}."
            )

    def call(self, x):
        """The finer map."""
        return x if self.factor == 1 else ops.depth_to_space(x, self.factor)

    def compute_output_shape(self, input_shape):
        """The shape with larger sides and fewer channels."""
        batch, height, width, channels = input_shape
        sides = tuple(None if side is None else side * self.factor for side in (height, width))
        return batch, *sides, channels // self.factor**2

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "factor": self.factor}
