"""Crops a map to the size of another: strides round sizes up, which upsampling then doubles."""

import keras


@keras.saving.register_keras_serializable("cnn_suite")
class CroppedTo(keras.layers.Layer):
    """Crops the top left part of a map.

    Call arguments:
        x: `(batch, at least height, at least width, channels)`.
        other: `(batch, height, width, any)`, of which only the size is used.
    """

    def call(self, x, other):
        """The part, `(batch, height, width, channels)`."""
        height, width = keras.ops.shape(other)[1:3]
        return x[:, :height, :width]

    def compute_output_shape(self, x_shape, other_shape):
        """The size of the other map, the channels of this one."""
        return (*other_shape[:3], x_shape[-1])
