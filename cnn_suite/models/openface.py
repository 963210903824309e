"""OpenFace's nn4.small2: FaceNet's inception network NN4, made smaller, for faces of 96 x 96 as 128 numbers.

Seven inception modules with batch norm. Every second one pools by L2 norm. The pooling of a module takes no padding, so
that its map is smaller than its neighbours', and is surrounded by zeros before they are joined (Torch's DepthConcat).

Layers are named as in the Keras ports of OpenFace: `inception_3a_3x3_conv1`, `inception_3a_3x3_bn1`, ...,
`inception_3a_pool_conv`, `inception_3a_1x1_conv`, `dense_layer`.

Source: Amos et al. 2016, OpenFace, and its models/openface/nn4.small2.def.lua; Schroff et al. 2015, FaceNet, table 2.
"""

from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.layers.l2_pooling import L2Pooling
from cnn_suite.layers.local_response_norm import LocalResponseNormalization
from cnn_suite.models.image_input import ImageShape, image_input

FACE_SHAPE = (96, 96, 3)
SMALLEST = 65  # a thirty-second of it, rounded up, are the three pixels that the last poolings need


class Module(NamedTuple):
    """An inception module: numbers of filters, 0 for none."""

    pool: str  # "max" or "l2", 3x3
    strides: int  # of the 3x3 and 5x5 convolutions
    reduce_3x3: int
    filters_3x3: int
    reduce_5x5: int
    filters_5x5: int
    pool_projection: int
    filters_1x1: int


MODULES = {
    "3a": Module("max", 1, 96, 128, 16, 32, 32, 64),
    "3b": Module("l2", 1, 96, 128, 32, 64, 64, 64),
    "3c": Module("max", 2, 128, 256, 32, 64, 0, 0),
    "4a": Module("l2", 1, 96, 192, 32, 64, 128, 256),
    "4e": Module("max", 2, 160, 256, 64, 128, 0, 0),
    "5a": Module("l2", 1, 96, 384, 0, 0, 96, 256),
    "5b": Module("max", 1, 96, 384, 0, 0, 96, 256),
}


def openface_nn4_small2(
    image_shape: ImageShape = FACE_SHAPE, dimensions: int = 128, *, name: str = "openface_nn4_small2"
) -> keras.Model:
    """OpenFace's nn4.small2.

    Args:
        image_shape: Height, width and channels, fixed sides of at least 65.
        dimensions: Size of an encoding.
        name: Name of the model.

    Returns:
        Model from aligned faces, RGB 0..255 `(batch, height, width, channels)`, to encodings `(batch, dimensions)` of
        unit length, float32 in every precision: 3,733,968 parameters that are learned, as OpenFace counts, and 9,312
        means and variances of batch norms.

    Raises:
        ValueError: If the shape is invalid, too small or free, or there are no dimensions.

    Source: see the module. Deviation: the last pooling takes the whole map, whatever its size: 3 x 3 of 96 x 96.
    """
    if dimensions < 1:
        raise ValueError(f"`dimensions` of {name} must be at least 1. Received {dimensions}.")
    image, x = image_input(image_shape, SMALLEST, "unit", name, free=False)
    x = _stem(x)
    for module, row in MODULES.items():
        x = _inception(x, row, f"inception_{module}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(dimensions, name="dense_layer")(x)
    return keras.Model(image, layers.UnitNormalization(dtype="float32", name="embedding")(x), name=name)


def _stem(x):
    x = _convolution(x, 64, 7, 2, "conv1", "bn1")
    x = _pool(x, "pool1")
    x = _response_norm(x, "lrn_1")
    x = _convolution(x, 64, 1, 1, "conv2", "bn2")
    x = _convolution(x, 192, 3, 1, "conv3", "bn3")
    x = _response_norm(x, "lrn_2")
    return _pool(x, "pool2")


def _pool(x, name: str):
    # Zeros on every side stand for Torch's padding by minus infinity: everything here comes after a ReLU.
    return layers.MaxPooling2D(3, 2, name=name)(layers.ZeroPadding2D(1, name=f"{name}_pad")(x))


def _response_norm(x, name: str):
    # Torch's SpatialCrossMapLRN(5, 1e-4, 0.75): k = 1, and alpha divided by the window's 5 channels.
    return LocalResponseNormalization(2, 1.0, 1e-4 / 5, 0.75, name=name)(x)


def _inception(x, row: Module, name: str):
    """The branches in Torch's order: 3x3, 5x5, pooling, 1x1."""
    branches = []
    for size, reduce, filters in ((3, row.reduce_3x3, row.filters_3x3), (5, row.reduce_5x5, row.filters_5x5)):
        if filters:
            prefix = f"{name}_{size}x{size}"
            y = _convolution(x, reduce, 1, 1, f"{prefix}_conv1", f"{prefix}_bn1")
            branches.append(_convolution(y, filters, size, row.strides, f"{prefix}_conv2", f"{prefix}_bn2"))
    branches.append(_pool_branch(x, row, branches[0].shape[1:3], f"{name}_pool"))
    if row.filters_1x1:
        branches.append(_convolution(x, row.filters_1x1, 1, 1, f"{name}_1x1_conv", f"{name}_1x1_bn"))
    return layers.Concatenate(name=name)(branches)


def _pool_branch(x, row: Module, size_hw: tuple[int, int], name: str):
    y = layers.MaxPooling2D(3, 2, name=name)(x) if row.pool == "max" else L2Pooling(3, name=name)(x)
    if row.pool_projection:
        y = _convolution(y, row.pool_projection, 1, 1, f"{name}_conv", f"{name}_bn")
    missing = [wanted - side for wanted, side in zip(size_hw, y.shape[1:3])]
    # Torch's DepthConcat puts the odd row of zeros below and the odd column to the right.
    return layers.ZeroPadding2D([(zeros // 2, zeros - zeros // 2) for zeros in missing], name=f"{name}_surround")(y)


def _convolution(x, filters: int, kernel: int, strides: int, name: str, norm_name: str):
    if kernel > 1:  # on both sides alike, as Torch pads
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(filters, kernel, strides, kernel_initializer="he_normal", name=name)(x)
    x = FusedBatchNormalization(momentum=0.9, epsilon=1e-5, name=norm_name)(x)  # Torch's defaults
    return layers.ReLU(name=f"{name}_relu")(x)
