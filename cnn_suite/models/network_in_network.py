"""Network in Network: every convolution is followed by two 1x1 convolutions, a small network at every pixel.

Names: `block1_conv`, `block1_cccp1`, `block1_cccp2` ("cascaded cross channel parametric pooling", the paper's word for
a 1x1 convolution with ReLU), `block1_pool`, ... The last 1x1 convolution is the head: a map for every class.
"""

from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.models.convolutional_head import convolutional_classifier
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.inner_dropout import dropped_out
from cnn_suite.models.variant_table import variant_row

IMAGE_SHAPE = (32, 32, 3)


class Block(NamedTuple):
    """A convolution, its 1x1 convolutions, and the pooling after them."""

    filters: int
    kernel: int
    cccp: tuple[int, ...]  # of the last block without the head
    strides: int = 1
    padding: str = "same"
    pool: type[layers.Layer] | None = None
    dropout: bool = False  # after the pooling


class Variant(NamedTuple):
    """A network of the paper."""

    blocks: tuple[Block, ...]
    pool_padding: str
    smallest: int


VARIANTS = {
    "cifar10": Variant(
        (
            Block(192, 5, (160, 96), pool=layers.MaxPooling2D, dropout=True),
            Block(192, 5, (192, 192), pool=layers.AveragePooling2D, dropout=True),
            Block(192, 3, (192,)),
        ),
        "same",  # 32 -> 16 -> 8, as Caffe's pooling, which rounds up
        1,
    ),
    "imagenet": Variant(
        (
            Block(96, 11, (96, 96), strides=4, padding="valid", pool=layers.MaxPooling2D),
            Block(256, 5, (256, 256), pool=layers.MaxPooling2D),
            Block(384, 3, (384, 384), pool=layers.MaxPooling2D, dropout=True),
            Block(1024, 3, (1024,)),
        ),
        "valid",  # 227 -> 55 -> 27 -> 13 -> 6
        67,  # 67 -> 15 -> 7 -> 3 -> 1
    ),
}


def network_in_network(
    image_shape: ImageShape = IMAGE_SHAPE,
    classes: int = 10,
    *,
    variant: str = "cifar10",
    include_top: bool = True,
    dropout: float = 0.5,
    classifier_activation: str | None = "softmax",
    name: str = "network_in_network",
) -> keras.Model:
    """Network in Network, without a dense layer.

    Args:
        image_shape: Height, width and channels; None for a free side.
        classes: Number of classes.
        variant: "cifar10" (three blocks, 966,986 parameters for 10 classes) or "imagenet" (four blocks, 7,595,176 for
            1000 classes, made for 227x227 or 224x224).
        include_top: False to end with the feature map below the last 1x1 convolution.
        dropout: Share left out in training, after both poolings of "cifar10" and after the last of "imagenet".
        classifier_activation: None for logits.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, channels)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape is invalid or too small, or an argument is invalid.

    Source: Lin et al. 2014, Network in Network, sections 3 and 4.2; numbers of filters by the authors' Caffe files
    ("cifar-10" and the model zoo's "nin_imagenet"). Deviations: pictures are scaled to mean 0 and deviation 1 a
    channel instead of whitened, and weights use He initialisation.
    """
    row = variant_row(VARIANTS, variant, name)
    image, x = image_input(image_shape, row.smallest, "imagenet", name)
    for number, block in enumerate(row.blocks, 1):
        x = _block(x, block, row.pool_padding, dropout, f"block{number}")
    if include_top:
        head = f"block{len(row.blocks)}_cccp2"
        x = convolutional_classifier(x, classes, classifier_activation, head)
    return keras.Model(image, x, name=name)


def _block(x, block: Block, pool_padding: str, dropout: float, name: str):
    x = _convolution(block.filters, block.kernel, block.strides, block.padding, f"{name}_conv")(x)
    for number, filters in enumerate(block.cccp, 1):
        x = _convolution(filters, 1, 1, "same", f"{name}_cccp{number}")(x)
    if block.pool is not None:
        x = block.pool(3, 2, padding=pool_padding, name=f"{name}_pool")(x)
    return dropped_out(x, dropout, f"{name}_dropout") if block.dropout else x


def _convolution(filters: int, kernel: int, strides: int, padding: str, name: str) -> layers.Conv2D:
    return layers.Conv2D(
        filters, kernel, strides, padding=padding, activation="relu", kernel_initializer="he_normal", name=name
    )
