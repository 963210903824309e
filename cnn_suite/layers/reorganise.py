"""YOLOv2's reorganisation: squares of cells become channels, in Darknet's own order."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class Reorganise(keras.layers.Layer):
    """From `(batch, height, width, channels)` to `(batch, height / stride, width / stride, channels * stride^2)`.

    Not space-to-depth: Darknet reads its input as if it had `channels / stride^2` channels and `stride` times the
    height and width, takes every `stride`-th cell of that, and reads the result as one with more channels again. The
    networks were trained with it, so it is kept.

    Args:
        stride: Side of the square in cells; its square must divide the number of channels.

    Source: Redmon & Farhadi 2016, YOLO9000, section 2 (passthrough); Darknet's reorg_cpu in blas.c.
    """

    def __init__(self, stride: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.stride = int(stride)

    def build(self, input_shape):
        """Checks that the number of channels is divisible."""
        if self.stride < 1 or input_shape[-1] % self.stride**2:
            raise ValueError(
                "`stride` must be at least 1 and its square must divide the number of channels. Received "
                f"{self.stride} for {input_shape[-1]} channels."
            )

    def call(self, x):
        """The reorganised map."""
        s = self.stride
        batch, height, width = ops.shape(x)[:3]
        channels = x.shape[-1]
        x = ops.transpose(x, (0, 3, 1, 2))
        x = ops.reshape(x, (batch, channels // s**2, height, s, width, s))  # Darknet's other reading of its memory
        x = ops.transpose(x, (0, 3, 5, 1, 2, 4))
        x = ops.reshape(x, (batch, channels * s**2, height // s, width // s))
        return ops.transpose(x, (0, 2, 3, 1))

    def compute_output_shape(self, input_shape):
        """Shape of the reorganised map."""
        batch, *sides, channels = input_shape
        return (batch, *(side and side // self.stride for side in sides), channels * self.stride**2)

    def get_config(self):
        """Arguments of the constructor."""
        return {**super().get_config(), "stride": self.stride}
