"""AlexNet: five convolutions and three dense layers, about sixty million parameters.

Names: `conv1`, `norm1`, `pool1` ... `conv5`, `pool5`, `flatten`, `fc6`, `fc7`, `predictions`.
"""

from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.grouped_convolution import GroupedConv2D
from cnn_suite.layers.local_response_norm import LocalResponseNormalization
from cnn_suite.models.classifier_head import classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.inner_dropout import dropped_out

IMAGE_SHAPE = (227, 227, 3)
SMALLEST = 67  # 67 -> 15 by the first convolution -> 7 -> 3 -> 1 by the poolings


class Convolution(NamedTuple):
    """A convolution with ReLU and what follows it."""

    filters: int
    kernel: int
    strides: int = 1
    padding: str = "same"
    split: bool = False  # over the two groups, where there are two
    norm: bool = False
    pool: bool = False


CONVOLUTIONS = (
    Convolution(96, 11, strides=4, padding="valid", norm=True, pool=True),
    Convolution(256, 5, split=True, norm=True, pool=True),
    Convolution(384, 3),
    Convolution(384, 3, split=True),
    Convolution(256, 3, split=True, pool=True),
)


def alexnet(
    image_shape: ImageShape = IMAGE_SHAPE,
    classes: int = 1000,
    *,
    groups: int = 1,
    include_top: bool = True,
    dropout: float = 0.5,
    classifier_activation: str | None = "softmax",
    name: str = "alexnet",
) -> keras.Model:
    """AlexNet for large pictures.

    Args:
        image_shape: Height, width and channels; sides may be None without top.
        classes: Number of classes.
        groups: 1 for a single tower (62,378,344 parameters), 2 for the original (60,965,224), whose second, fourth and
            fifth convolutions see only the half of the channels on their own GPU.
        include_top: Whether to include the classifier; False ends with the feature map of the last pooling.
        dropout: Dropout rate of the features of `fc6` and of `fc7`.
        classifier_activation: None for logits.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.

    Source: Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 3.5 and
    figure 2. Deviations: the pictures have 227 pixels per side, with which the figure's sizes come out (the text says
    224); they are scaled to mean 0 and deviation 1 per channel; convolutions use He initialisation. Biases start at 0,
    where those of the paper's convolutions 2, 4 and 5 and of its hidden dense layers start at 1.
    """
    if groups not in (1, 2):
        raise ValueError(f"`groups` of {name} must be 1 (single tower) or 2 (the original). Received {groups!r}.")
    image, x = image_input(image_shape, SMALLEST, "imagenet", name, free=not include_top)
    for number, row in enumerate(CONVOLUTIONS, 1):
        x = _convolution(x, row, groups if row.split else 1, str(number))
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = dropped_out(_dense("fc6")(x), dropout, "dropout6")
        x = _dense("fc7")(x)
        x = classifier(x, classes, dropout, classifier_activation)
    return keras.Model(image, x, name=name)


def _convolution(x, row: Convolution, groups: int, number: str):
    """ReLU, then normalisation, then pooling: the order of section 3.5."""
    options = {"padding": row.padding, "activation": "relu", "kernel_initializer": "he_normal", "name": f"conv{number}"}
    if groups > 1:
        x = GroupedConv2D(row.filters, row.kernel, groups, strides=row.strides, **options)(x)
    else:
        x = layers.Conv2D(row.filters, row.kernel, row.strides, **options)(x)
    if row.norm:
        x = LocalResponseNormalization(name=f"norm{number}")(x)
    if row.pool:
        x = layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)  # windows overlap, section 3.4
    return x


def _dense(name: str) -> layers.Dense:
    # Section 5: from a normal distribution with deviation 0.01. He's is like it at 227 pixels, and too wide below.
    start = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(4096, activation="relu", kernel_initializer=start, name=name)
