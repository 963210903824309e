"""A small network that finds landmarks in a square picture of a face: residual blocks down to 4 x 4 cells, then a dense
layer with a weight per cell.

After Feng et al. 2018, Wing Loss, whose CNN-6 this is with ResNet's blocks (He et al. 2015).
"""

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.layers.resnet_block import BasicBlock

FILTERS = (16, 32, 48, 64)  # of a 64-pixel picture's maps of 32, 16, 8 and 4 cells per side
MOMENTUM = 0.97  # a few thousand steps are a whole training


def face_points(size: int, points: int, *, width: float = 1.0, name: str = "face_points") -> keras.Model:
    """A face landmark network.

    Args:
        size: Side of the picture, a multiple of 16.
        points: Number of points.
        width: Factor on the number of filters.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, size, size, 3)` to float32 `(batch, 1 + 2 * points)`: the logit of a face, then
        x, y of every point in units of the picture's side.

    Raises:
        ValueError: If the size is not a multiple of 16 or there are no points.
    """
    if size < 16 or size % 16 or points < 1:
        raise ValueError(
            f"`size` must be a multiple of 16, such as 64, and `points` at least 1. Received {size} and {points}."
        )
    image = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    first, *rest = (max(8, round(filters * width / 8) * 8) for filters in FILTERS)
    x = layers.Conv2D(first, 3, 2, padding="same", use_bias=False, name="stem_conv")(x)
    x = FusedBatchNormalization(momentum=MOMENTUM, name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for stage, filters in enumerate(rest, 2):
        x = BasicBlock(filters, strides=2, shortcut="projection", momentum=MOMENTUM, name=f"stage{stage}_block1")(x)
        x = BasicBlock(filters, momentum=MOMENTUM, name=f"stage{stage}_block2")(x)
    x = layers.Flatten(name="cells")(x)
    x = layers.Dense(1 + 2 * points, dtype="float32", name="from_middle")(x)
    x = layers.Rescaling(1, [0.0] + [0.5] * 2 * points, dtype="float32", name="points")(x)
    return keras.Model(image, x, name=name)
