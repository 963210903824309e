"""Padding before a max pooling, as Darknet places it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class MaxPoolPadding(keras.layers.Layer):
    """Pads a map with rows and columns of minus infinity, which no maximum selects.

    Args:
        before: At the top and the left.
        after: At the bottom and the right.

    Shapes: `(batch, height, width, channels)` to `(batch, before + height + after, before + width + after, channels)`.

    Source: Darknet's maxpool_layer.c.
    """

    def __init__(self, before: int, after: int, **kwargs):
        super().__init__(**kwargs)
        self.before = int(before)
        self.after = int(after)

    def call(self, x):
        """The padded map."""
        side = (self.before, self.after)
        return ops.pad(x, ((0, 0), side, side, (0, 0)), constant_values=float("-inf"))

    def compute_output_shape(self, input_shape):
        """Shape of the padded map."""
        batch, *sides, channels = input_shape
        return (batch, *(side and self.before + side + self.after for side in sides), channels)

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "before": self.before, "after": self.after}
