"""A small network that encodes an aligned face as a unit vector, whose distances separate people.

ResNet's basic blocks (He et al. 2015), and at the end one weight per cell and channel instead of an average, as in
MobileFaceNets (Chen et al. 2018, section 3.1): the middle of a face carries more information than its border.
"""

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.layers.resnet_block import BasicBlock
from cnn_suite.models.image_input import ImageShape, image_input

FACE_SHAPE = (112, 112, 3)
FILTERS = (32, 64, 128)
MOMENTUM = 0.97


def face_embedding(
    image_shape: ImageShape = FACE_SHAPE,
    dimensions: int = 128,
    *,
    width: float = 1.0,
    blocks: int = 2,
    name: str = "face_embedding",
) -> keras.Model:
    """A face encoding network.

    Args:
        image_shape: Height, width and channels, fixed sides of at least 32.
        dimensions: Size of an encoding.
        width: Factor on the number of filters.
        blocks: Residual blocks of each of the three stages.
        name: Name of the model.

    Returns:
        Model from aligned faces, RGB 0..255 `(batch, height, width, channels)`, to encodings `(batch, dimensions)` of
        unit length, float32 in every precision.

    Raises:
        ValueError: If the shape is invalid, too small or free.

    Source: see the module.
    """
    image, x = image_input(image_shape, 32, "symmetric", name, free=False)
    filters = [max(8, round(number * width / 8) * 8) for number in FILTERS]
    x = _normed(layers.Conv2D(filters[0] // 2, 3, 2, padding="same", use_bias=False, name="stem_conv")(x), "stem")
    x = layers.ReLU(name="stem_relu")(x)
    for stage, number in enumerate(filters, 1):
        x = BasicBlock(number, strides=2, shortcut="projection", momentum=MOMENTUM, name=f"stage{stage}_block1")(x)
        for block in range(2, blocks + 1):
            x = BasicBlock(number, momentum=MOMENTUM, name=f"stage{stage}_block{block}")(x)
    x = layers.DepthwiseConv2D((x.shape[1], x.shape[2]), use_bias=False, name="cells_depthwise")(x)
    x = layers.Flatten(name="features")(_normed(x, "cells"))
    x = _normed(layers.Dense(dimensions, use_bias=False, name="embedding_dense")(x), "embedding")
    return keras.Model(image, layers.UnitNormalization(dtype="float32", name="embedding")(x), name=name)


def _normed(x, name: str):
    return FusedBatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
