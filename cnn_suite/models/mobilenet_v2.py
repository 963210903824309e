"""MobileNetV2 of Sandler et al. 2018: inverted residual blocks, the light backbone of phones and webcams.

Every block widens its input by a 1x1 convolution, filters each channel on its own (depthwise), and projects to few
channels without activation; input and output are added where their shapes agree. Layers are named as in
keras.applications, whose weights can be loaded.
"""

from pathlib import Path
from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.weights.keras_applications import load_keras_applications

IMAGENET_SHAPE = (224, 224, 3)

# He et al. 2015 for the nine inputs that a depthwise output has; Keras's own "he_normal" counts all channels.
HE_DEPTHWISE = (2 / 9) ** 0.5


class Row(NamedTuple):
    """A row of the paper's table 2."""

    expansion: int  # t
    channels: int  # c
    blocks: int  # n
    strides: int  # s, of the first block


TABLE = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)


def mobilenet_v2(
    image_shape: ImageShape = IMAGENET_SHAPE,
    classes: int = 1000,
    *,
    alpha: float = 1.0,
    include_top: bool = True,
    dropout: float = 0.0,
    classifier_activation: str | None = "softmax",
    weights: str | Path | None = None,
    name: str = "mobilenet_v2",
) -> keras.Model:
    """MobileNetV2.

    Args:
        image_shape: Height, width and channels, sides of at least 32; None for a free side.
        classes: Number of classes.
        alpha: Width: factor on the channels of every layer; published weights have 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
        include_top: False to end with the last feature map.
        dropout: Dropout rate of the pooled features.
        classifier_activation: None for logits.
        weights: A weights file of keras.applications of the same alpha, with or without top as `include_top`.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.
        FileNotFoundError: If the weights file does not exist.

    Source: Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks, table 2; channels are rounded
    to multiples of 8 as in the authors' code.
    """
    if alpha <= 0:
        raise ValueError(f"`alpha` of {name} must be a positive factor, such as 1.0 or 0.35. Received {alpha}.")
    image, x = image_input(image_shape, 32, "symmetric", name)
    x = _convolution(x, _eights(32 * alpha), "Conv1", "bn_Conv1", kernel=3, strides=2)
    x = layers.ReLU(6.0, name="Conv1_relu")(x)
    number = 0
    for row in TABLE:
        for strides in (row.strides,) + (1,) * (row.blocks - 1):
            x = _inverted_residual(x, row.expansion, _eights(int(row.channels * alpha)), strides, number)
            number += 1
    x = _convolution(x, _eights(1280 * max(alpha, 1.0)), "Conv_1", "Conv_1_bn")
    x = layers.ReLU(6.0, name="out_relu")(x)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
        x = classifier(x, classes, dropout, classifier_activation)
    model = keras.Model(image, x, name=name)
    if weights is not None:
        load_keras_applications(model, weights)
    return model


def _inverted_residual(x, expansion: int, filters: int, strides: int, number: int):
    prefix = f"block_{number}_" if number else "expanded_conv_"
    y = x
    if expansion > 1:
        y = _convolution(y, expansion * x.shape[-1], f"{prefix}expand", f"{prefix}expand_BN")
        y = layers.ReLU(6.0, name=f"{prefix}expand_relu")(y)
    y = layers.DepthwiseConv2D(
        3,
        strides,
        padding="same",  # with strides of 2 the zeros that keras.applications lays in layers of their own
        use_bias=False,
        depthwise_initializer=keras.initializers.TruncatedNormal(stddev=HE_DEPTHWISE),
        name=f"{prefix}depthwise",
    )(y)
    y = _norm(y, f"{prefix}depthwise_BN")
    y = layers.ReLU(6.0, name=f"{prefix}depthwise_relu")(y)
    y = _convolution(y, filters, f"{prefix}project", f"{prefix}project_BN")
    if strides == 1 and x.shape[-1] == filters:
        y = layers.Add(name=f"{prefix}add")([x, y])
    return y


def _convolution(x, filters: int, name: str, norm_name: str, *, kernel: int = 1, strides: int = 1):
    convolution = layers.Conv2D(
        filters, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )
    return _norm(convolution(x), norm_name)


def _norm(x, name: str):
    return FusedBatchNormalization(momentum=0.999, epsilon=1e-3, name=name)(x)


def _eights(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and not more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
