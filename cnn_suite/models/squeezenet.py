"""SqueezeNet 1.0 and 1.1: AlexNet's accuracy with a fiftieth of its parameters; a lightweight backbone.

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
    """A row a network: its first convolution, after which modules it pools, and what its published weights need."""

    filters: int
    kernel: int
    pool_after: tuple[int, ...]
    smallest: int  # with it the last pooling ends in one pixel: 1.0 goes through 8, 4, 2 to 1, 1.1 through 15, 7, 3
    rounds_up: bool  # poolings end beyond the border, as Caffe's do, rather than leave out the last row
    head_border: int  # pixels of zeros around the map that the last convolution sees


VARIANTS = {"1.0": Variant(96, 7, (4, 8), 21, True, 1), "1.1": Variant(64, 3, (3, 5), 31, False, 0)}

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
        dropout: Dropout rate of that map.
        classifier_activation: None for logits.
        weights: A weights file of ImageNet: for 1.1 one of keras-squeezenet, with or without top as `include_top`; for
            1.0 the authors' `compressed_SqueezeNet.net`.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument or the weights do not fit.
        FileNotFoundError: If the weights file does not exist.

    Source: Iandola et al. 2016, SqueezeNet: AlexNet-level Accuracy with 50x Fewer Parameters, table 1, and the authors'
    SqueezeNet_deploy.prototxt, whose poolings round up and whose last convolution sees a border of zeros (the paper's
    table has neither). 1.1 is keras-squeezenet's: poolings round down, where the authors' round up. Deviations:
    pictures are scaled to mean 0 and deviation 1 per channel, which trains better than the plain mean taken away and
    which the reader of weights makes up for; weights use He initialisation.
    """
    row = variant_row(VARIANTS, variant, name)
    image, x = image_input(image_shape, row.smallest, "imagenet", name)
    x = _convolution(row.filters, row.kernel, "conv1", strides=2, padding="valid")(x)
    x = _pooled(x, row.rounds_up, "pool1")
    for number, (squeeze, expand) in FIRE.items():
        x = _fire(x, squeeze, expand, f"fire{number}")
        if number in row.pool_after:
            x = _pooled(x, row.rounds_up, f"pool{number}")
    if include_top:
        if row.head_border:
            x = layers.ZeroPadding2D(row.head_border, name="conv10_pad")(x)
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


def _pooled(x, rounds_up: bool, name: str):
    """Maxima of 3x3 pixels, every second; rounded up `ceil((n - 3) / 2) + 1` a side, else `floor((n - 3) / 2) + 1`.

    One more row of zeros makes the one into the other: after a ReLU zeros are no maxima, and where `n` is odd no window
    reaches them.
    """
    if rounds_up:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def _convolution(filters: int, kernel: int, name: str, strides: int = 1, padding: str = "same") -> layers.Conv2D:
    return layers.Conv2D(
        filters, kernel, strides, padding=padding, activation="relu", kernel_initializer="he_normal", name=name
    )
