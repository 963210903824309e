"""Pooling by the L2 norm over a window, between average and max pooling."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class L2Pooling(keras.layers.Layer):
    """The root of the sum of squares over a window of every channel, without padding.

    Its gradient is 0 if a whole window is 0, as after a ReLU; the root's own would be infinite. Computed in float32
    at least.

    Args:
        pool_size: Side of the window.
        strides: Steps between windows; `pool_size` by default.

    Shapes: `(batch, height, width, channels)` to `(batch, (height - pool_size) // strides + 1, ..., channels)`.

    Raises:
        ValueError: If an argument is not a whole number of at least 1.

    Source: Schroff et al. 2015, FaceNet, table 2 ("L2"); Torch's SpatialLPPooling with p = 2, which does not divide by
    the window's size.
    """

    def __init__(self, pool_size: int = 3, strides: int | None = None, **kwargs):
        super().__init__(**kwargs)
        for name, number in (("pool_size", pool_size), ("strides", strides)):
            if number is not None and (not isinstance(number, int) or number < 1):
                raise ValueError(f"`{name}` must be a whole number of at least 1. Received {number!r}.")
        self.pool_size, self.strides = pool_size, pool_size if strides is None else strides
        self.supports_masking = True

    def call(self, x):
        """The norms."""
        squares = ops.square(ops.cast(x, keras.backend.result_type(x.dtype, "float32")))
        mean = ops.average_pool(squares, self.pool_size, self.strides, "valid", "channels_last")
        total = mean * self.pool_size**2
        positive = total > 0
        root = ops.sqrt(ops.where(positive, total, ops.ones_like(total)))  # no infinite gradient to be multiplied by 0
        return ops.cast(ops.where(positive, root, ops.zeros_like(root)), x.dtype)

    def compute_output_shape(self, input_shape):
        """As `call`."""
        sides = (side and (side - self.pool_size) // self.strides + 1 for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides}
