"""SqueezeNet 1.0 and 1.1: as good as AlexNet with a fiftieth of its parameters; a light backbone.

A fire module squeezes its channels by a 1x1 convolution and expands them by 1x1 and 3x3 convolutions beside each
other. Names are those of keras-squeezenet with `_` for `/`: `conv1`, `pool1`, `fire2_squeeze1x1`, `fire2_expand1x1`,
`fire2_expand3x3`, `fire2_concat`, ..., `conv10`.
"""

from pathlib import Path
from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.models.convolutional_head import convolutional_classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.inner_dropout import dropped_out
from cnn_suite.models.variant_table import variant_row
from cnn_suite.weights.squeezenet import load_squeezenet

IMAGE_SHAPE = (227, 227, 3)


class Variant(NamedTuple):
    """A row a network: its first convolution, and after which modules it pools."""

    filters: int
    kernel: int
    pool_after: tuple[int, ...]
    smallest: int  # with it the last pooling ends in one pixel: first convolution 15, then 7, 3, 1


VARIANTS = {"1.0": Variant(96, 7, (4, 8), 35), "1.1": Variant(64, 3, (3, 5), 31)}

# Module: filters of its squeeze and of each of its two expands.
FIRE = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}


def squeezenet(
    image_shape: ImageShape = IMAGE_SHAPE,
    classes: int = 1000,
    *,
    variant: str = "1.1",
    include_top: bool = True,
    dropout: float = 0.5,
    classifier_activation: str | None = "softmax",
    weights: str | Path | None = None,
    name: str = "squeezenet",
) -> keras.Model:
    """SqueezeNet.

    Args:
        image_shape: Height, width and channels; None for a free side.
        classes: Number of classes.
        variant: "1.1" (1,235,496 parameters) or "1.0" (1,248,424 and 2.4 times as many multiplications).
        include_top: False to end with the feature map of `fire9`.
        dropout: Share of that map left out in training.
        classifier_activation: None for logits.
        weights: A weights file of keras-squeezenet (1.1, ImageNet), with or without top as `include_top`.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is none of a picture or too small, or an argument or the weights do not fit.
        FileNotFoundError: If there is no such weights file.

    Source: Iandola et al. 2016, SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters, table 1; 1.1 by the
    authors' repository. Deviations: poolings round down, as in keras-squeezenet, where Caffe's round up (the same at
    227 pixels for 1.0); pictures are scaled to mean 0 and deviation 1 a channel, which trains better than the plain
    mean taken away and which the reader of weights makes up for; weights start by He's rule.
    """
    row = variant_row(VARIANTS, variant, name)
    image, x = image_input(image_shape, row.smallest, "imagenet", name)
    x = _convolution(row.filters, row.kernel, "conv1", strides=2, padding="valid")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    for number, (squeeze, expand) in FIRE.items():
        x = _fire(x, squeeze, expand, f"fire{number}")
        if number in row.pool_after:
            x = layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
    if include_top:
        x = dropped_out(x, dropout, "drop9")
        x = convolutional_classifier(x, classes, classifier_activation, "conv10")
    model = keras.Model(image, x, name=name)
    if weights is not None:
        load_squeezenet(model, weights)
    return model


def _fire(x, squeeze: int, expand: int, name: str):
    x = _convolution(squeeze, 1, f"{name}_squeeze1x1")(x)
    branches = [_convolution(expand, size, f"{name}_expand{size}x{size}")(x) for size in (1, 3)]
    return layers.Concatenate(name=f"{name}_concat")(branches)


def _convolution(filters: int, kernel: int, name: str, strides: int = 1, padding: str = "same") -> layers.Conv2D:
    return layers.Conv2D(
        filters, kernel, strides, padding=padding, activation="relu", kernel_initializer="he_normal", name=name
    )
