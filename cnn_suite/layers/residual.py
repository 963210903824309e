"""Residual blocks: the input plus what two convolutions make of it (He et al. 2015; Redmon & Farhadi 2018)."""

import keras


@keras.saving.register_keras_serializable("cnn_suite")
class ResidualBlock(keras.layers.Layer):
    """`x + conv3x3(conv1x1(x))`, each convolution with batch norm and activation: the residual block of Darknet-53.

    Args:
        filters: Channels of input and output.
        bottleneck: Channels between the two convolutions; half of `filters` by default.
        activation: Name of a Keras activation.
        momentum: Momentum of the moving statistics of the batch norms.

    Shapes: `(batch, height, width, filters)` in and out.

    Source: Redmon & Farhadi 2018, YOLOv3, table 1.
    """

    def __init__(
        self, filters: int, *, bottleneck: int | None = None, activation: str = "silu", momentum: float = 0.97, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.bottleneck = bottleneck or filters // 2
        self.activation = activation
        self.momentum = momentum
        own = {"dtype": self.dtype_policy}  # not the one that happens to be global when the block is loaded
        self.reduce = keras.layers.Conv2D(self.bottleneck, 1, use_bias=False, name="reduce", **own)
        self.reduce_norm = keras.layers.BatchNormalization(momentum=momentum, name="reduce_norm", **own)
        self.restore = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name="restore", **own)
        self.restore_norm = keras.layers.BatchNormalization(momentum=momentum, name="restore_norm", **own)
        self.act = keras.layers.Activation(activation, name="act", **own)

    @property
    def convolutions(self) -> tuple[keras.layers.Conv2D, ...]:
        """Both, in their order."""
        return self.reduce, self.restore

    def build(self, input_shape):
        """Builds the two convolutions; refuses an input of other than `filters` channels."""
        if input_shape[-1] != self.filters:
            raise ValueError(
                f"`{self.name}` adds its input to its output and needs {self.filters} input channels. "
                f"Received {input_shape[-1]}. Set `filters` to the channels of the input."
            )
        inner = (*input_shape[:-1], self.bottleneck)
        self.reduce.build(input_shape)
        self.reduce_norm.build(inner)
        self.restore.build(inner)
        self.restore_norm.build(input_shape)

    def call(self, x, training=None):
        """The block's output, same shape as `x`."""
        inner = self.act(self.reduce_norm(self.reduce(x), training=training))
        return x + self.act(self.restore_norm(self.restore(inner), training=training))

    def compute_output_shape(self, input_shape):
        """Same as the input's."""
        return input_shape

    def get_config(self):
        """Arguments of the constructor."""
        names = "filters bottleneck activation momentum".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
