"""A border of mirrored pixels around a picture, for convolutions that would see zeros beyond its edge."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class MirrorBorder(keras.layers.Layer):
    """From `(batch, height, width, channels)` to the same with `width` mirrored pixels more on every side.

    The numbers are those of `ops.pad` with mode "symmetric", composed of slices: LiteRT copies these many times
    faster than it mirrors.

    Args:
        width: Pixels; at most the smallest side of the pictures.
    """

    def __init__(self, width: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.width = int(width)

    def call(self, x):
        """The picture with its border; the edge itself is repeated, so that a side of `width` pixels is enough."""
        for axis in (1, 2) if self.width else ():
            x = ops.concatenate([self._first(x, axis), x, self._last(x, axis)], axis=axis)
        return x

    def _first(self, x, axis: int):
        edge = x[:, : self.width] if axis == 1 else x[:, :, : self.width]
        return edge if self.width == 1 else ops.flip(edge, axis)

    def _last(self, x, axis: int):
        edge = x[:, -self.width :] if axis == 1 else x[:, :, -self.width :]
        return edge if self.width == 1 else ops.flip(edge, axis)

    def compute_output_shape(self, input_shape):
        """The shape with the border."""
        batch, height, width, channels = input_shape
        sides = tuple(None if side is None else side + 2 * self.width for side in (height, width))
        return batch, *sides, channels

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "width": self.width}
