"""MobileFace V2: encodes a face as 256 numbers, whose distances separate people; fast enough for live webcam video.

Four stages of three inverted residual blocks (as MobileNetV2's, expanded by 3), then, instead of pooling, one dense
layer over the last map, which knows where in an aligned face it looks. The face must be upright, at the place that
training saw: `cnn_suite.runtime.faces.face_alignment` brings it there.

Layers are named `stage2_block1_depthwise`; `cnn_suite/weights/mobileface.py` knows what the authors call them.

Source: becauseofAI 2018, github.com/becauseofAI/MobileFace, symbol file of MobileFace_Identification_V2 (there is no
paper); the blocks are those of Sandler et al. 2018, MobileNetV2, table 1.
"""

from pathlib import Path
from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.mobilenet_v2 import HE_DEPTHWISE
from cnn_suite.weights.mobileface import load_mobileface

FACE_SHAPE = (112, 112, 3)
EMBEDDING = 256
STEM = 32
EXPANSION = 3
SCALE, MIDDLE = 1 / 128, 127.5  # the authors' 0.0078125; exact in 32 bits


class Row(NamedTuple):
    """A stage."""

    channels: int
    blocks: int
    strides: int  # of the first block, which has no shortcut


TABLE = (Row(32, 3, 2), Row(32, 3, 2), Row(64, 3, 2), Row(128, 3, 2))


def mobileface_v2(
    image_shape: ImageShape = FACE_SHAPE,
    *,
    weights: str | Path | None = None,
    name: str = "mobileface_v2",
) -> keras.Model:
    """MobileFace V2.

    Args:
        image_shape: Height, width and channels, fixed sides of at least 32; 112 x 112 x 3 for the authors' weights.
        weights: The authors' file, `MobileFace_Identification_V2-0000.params`.
        name: Name of the model.

    Returns:
        Model from aligned faces, RGB 0..255 `(batch, height, width, channels)`, to embeddings `(batch, 256)` of unit
        length, float32 in every precision.

    Raises:
        ValueError: If the shape is invalid, too small or free, or the weights do not fit.
        FileNotFoundError: If the weights file does not exist.

    Source: see the module. Deviation: the authors normalise embeddings outside the network.
    """
    image, x = image_input(image_shape, 32, "none", name, free=False)
    x = layers.Rescaling(SCALE, -MIDDLE * SCALE, name="scale")(x)
    x = _stem(x)
    for stage, row in enumerate(TABLE, 1):
        for block in range(row.blocks):
            x = _inverted_residual(x, row.channels, 1 if block else row.strides, f"stage{stage}_block{block + 1}")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(EMBEDDING, use_bias=False, kernel_initializer="he_normal", name="embedding_dense")(x)
    x = _norm(x, "embedding_norm")
    model = keras.Model(image, layers.UnitNormalization(name="embedding", dtype="float32")(x), name=name)
    if weights is not None:
        load_mobileface(model, weights)
    return model


def _stem(x):
    # MXNet pads every side: "same" would put the zeros right and below only, where a side is even and halved.
    x = layers.ZeroPadding2D(1, name="stem_pad")(x)
    x = layers.Conv2D(STEM, 3, 2, kernel_initializer="he_normal", name="stem_conv")(x)  # the only one with a bias
    return layers.ReLU(6.0, name="stem_relu")(_norm(x, "stem_norm"))


def _inverted_residual(x, filters: int, strides: int, name: str):
    y = _convolution(x, EXPANSION * x.shape[-1], f"{name}_expand", f"{name}_expand_norm")
    y = layers.ReLU(6.0, name=f"{name}_expand_relu")(y)
    if strides == 2:
        y = layers.ZeroPadding2D(1, name=f"{name}_pad")(y)
    y = layers.DepthwiseConv2D(
        3,
        strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        depthwise_initializer=keras.initializers.TruncatedNormal(stddev=HE_DEPTHWISE),
        name=f"{name}_depthwise",
    )(y)
    y = _norm(y, f"{name}_depthwise_norm")
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(y)
    y = _convolution(y, filters, f"{name}_project", f"{name}_project_norm")
    return layers.Add(name=f"{name}_add")([x, y]) if strides == 1 else y


def _convolution(x, filters: int, name: str, norm_name: str):
    convolution = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal", name=name)
    return _norm(convolution(x), norm_name)


def _norm(x, name: str):
    return FusedBatchNormalization(momentum=0.9, epsilon=1e-3, name=name)(x)  # MXNet's defaults
