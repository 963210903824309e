"""Residual blocks of ResNet, basic and bottleneck, with every kind of shortcut, and plain blocks without one."""

from typing import Literal, NamedTuple, get_args

import keras
from keras import ops

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization

Shortcut = Literal["identity", "projection", "pad", "none"]


class Convolution(NamedTuple):
    """One convolution of a block: a row of its plan."""

    kernel: int
    expansion: int = 1  # its filters for each of the block's
    strided: bool = False


class _ResNetBlock(keras.layers.Layer):
    """Base class of both blocks: `relu(shortcut(x) + norm(conv(... relu(norm(conv(x))))))`.

    Its inner tensors can be reached by name through `tensors`: conv1, norm1, act1, ..., shortcut, add, out.
    """

    plan: tuple[Convolution, ...]

    def __init__(
        self,
        filters: int,
        *,
        strides: int = 1,
        shortcut: Shortcut = "identity",
        activation: str = "relu",
        use_bias: bool = False,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if shortcut not in get_args(Shortcut):
            raise ValueError(f"`shortcut` must be one of {', '.join(get_args(Shortcut))}. Received {shortcut!r}.")
        self.filters, self.strides, self.shortcut = filters, strides, shortcut
        self.activation, self.use_bias, self.momentum, self.epsilon = activation, use_bias, momentum, epsilon
        self.convolutions = [self._convolution(row, f"conv{i}") for i, row in enumerate(self.plan, 1)]
        self.norms = [self._norm(f"norm{i}") for i in range(1, len(self.plan) + 1)]
        self.act = keras.layers.Activation(activation, name="act", dtype=self.dtype_policy)
        if shortcut == "projection":
            self.projection = self._convolution(Convolution(1, self.expansion, strided=True), "conv0")
            self.projection_norm = self._norm("norm0")

    @property
    def expansion(self) -> int:
        """Channels of the output for each of `filters`."""
        return self.plan[-1].expansion

    def _convolution(self, row: Convolution, name: str) -> keras.layers.Conv2D:
        return keras.layers.Conv2D(
            self.filters * row.expansion,
            row.kernel,
            self.strides if row.strided else 1,
            padding="same",
            use_bias=self.use_bias,
            kernel_initializer="he_normal",
            name=name,
            dtype=self.dtype_policy,
        )

    def _norm(self, name: str) -> FusedBatchNormalization:
        return FusedBatchNormalization(
            momentum=self.momentum, epsilon=self.epsilon, name=name, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        """Builds convolutions and norms; checks that the shortcut matches the sum."""
        self._check(input_shape)
        shape = input_shape
        for convolution, norm in zip(self.convolutions, self.norms):
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            norm.build(shape)
        if self.shortcut == "projection":
            self.projection.build(input_shape)
            self.projection_norm.build(shape)

    def _check(self, input_shape) -> None:
        channels, wanted = input_shape[-1], self.filters * self.expansion
        fits = {"identity": channels == wanted and self.strides == 1, "pad": channels <= wanted}
        if not fits.get(self.shortcut, True):
            raise ValueError(
                f"`{self.name}` cannot add its {self.shortcut} shortcut: it has {channels} input and {wanted} output "
                f"channels with strides {self.strides}. Use shortcut='projection'."
            )

    def call(self, x, training=None):
        """The block's output `(batch, ceil(height / strides), ceil(width / strides), filters * expansion)`."""
        return self.tensors(x, training=training)["out"]

    def tensors(self, x, training=None) -> dict:
        """Every tensor between the block's input and its output, by name, in order."""
        if not self.built:
            self.build(x.shape)
        found, y = {}, x
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms), 1):
            found[f"conv{i}"] = y = convolution(y)
            found[f"norm{i}"] = y = norm(y, training=training)
            if i < len(self.convolutions):
                found[f"act{i}"] = y = self.act(y)
        if self.shortcut != "none":
            found["shortcut"] = self._shortcut(x, training)
            found["add"] = y = y + found["shortcut"]
        found["out"] = self.act(y)
        return found

    def _shortcut(self, x, training):
        if self.shortcut == "projection":
            return self.projection_norm(self.projection(x), training=training)
        if self.shortcut == "pad":
            more = self.filters * self.expansion - x.shape[-1]
            x = x[:, :: self.strides, :: self.strides]
            return ops.pad(x, [[0, 0], [0, 0], [0, 0], [more // 2, more - more // 2]])
        return x

    def compute_output_shape(self, input_shape):
        """As `call`."""
        height, width = (side and -(-side // self.strides) for side in input_shape[1:3])
        return (input_shape[0], height, width, self.filters * self.expansion)

    def get_config(self):
        """Arguments of the constructor."""
        names = "filters strides shortcut activation use_bias momentum epsilon".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("cnn_suite")
class BasicBlock(_ResNetBlock):
    """Two 3x3 convolutions and a shortcut: the block of ResNet-18 and -34 and of the CIFAR ResNets.

    Args:
        filters: Channels of both convolutions and of the output.
        strides: Strides of the first convolution and of the shortcut.
        shortcut: "identity"; "projection" (1x1 convolution with norm, option B of the paper); "pad" (every
            `strides`-th pixel with channels of zeros, option A); "none" for the plain block.
        activation: Name of a Keras activation.
        use_bias: Whether convolutions have a bias, as in keras.applications.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.

    Shapes: `(batch, height, width, channels)` to `(batch, ceil(height / strides), ceil(width / strides), filters)`.

    Raises:
        ValueError: If the shortcut is unknown or does not match the sum.

    Source: He et al. 2015, Deep Residual Learning for Image Recognition, figure 5 left and section 3.3.
    """

    plan = (Convolution(3, strided=True), Convolution(3))


@keras.saving.register_keras_serializable("cnn_suite")
class BottleneckBlock(_ResNetBlock):
    """1x1, 3x3 and 1x1 convolutions and a shortcut: the block of ResNet-50, -101 and -152.

    Args:
        filters: Channels of the first two convolutions; the output has four times as many.
        strides: Strides of the first convolution (as in the paper and in keras.applications) and of the shortcut.
        shortcut: As in `BasicBlock`.
        activation: Name of a Keras activation.
        use_bias: Whether convolutions have a bias, as in keras.applications.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.

    Shapes: `(batch, height, width, channels)` to `(batch, ceil(height / strides), ceil(width / strides), 4 * filters)`.

    Raises:
        ValueError: If the shortcut is unknown or does not match the sum.

    Source: He et al. 2015, Deep Residual Learning for Image Recognition, figure 5 right.
    """

    plan = (Convolution(1, strided=True), Convolution(3), Convolution(1, expansion=4))
