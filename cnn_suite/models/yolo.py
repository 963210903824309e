"""A small YOLO detector: a residual body, a top-down neck and one head per stride, fully convolutional.

After Redmon & Farhadi 2018, YOLOv3: Darknet-53's residual blocks at a fraction of its width, features of deeper
stages upsampled and joined to finer ones, anchors shared out over the heads by size.
"""

from collections.abc import Sequence

import keras
from keras import layers

from cnn_suite.layers.inception import InceptionModule
from cnn_suite.layers.residual import ResidualBlock
from cnn_suite.layers.resnet_block import BasicBlock, BottleneckBlock
from cnn_suite.layers.yolo_head import YoloHead

BODY = {4: (32, 1), 8: (64, 2), 16: (128, 2), 32: (192, 1)}  # stride: (filters, residual blocks) at width 1, depth 1
MOMENTUM = 0.97  # a few thousand steps are a whole training here: Keras's 0.99 lags behind


def _darknet(filters: int, activation: str, name: str) -> keras.layers.Layer:
    return ResidualBlock(filters, activation=activation, momentum=MOMENTUM, name=name)


def _basic(filters: int, activation: str, name: str) -> keras.layers.Layer:
    return BasicBlock(filters, activation=activation, momentum=MOMENTUM, name=name)


def _bottleneck(filters: int, activation: str, name: str) -> keras.layers.Layer:
    return BottleneckBlock(filters // 4, activation=activation, momentum=MOMENTUM, name=name)


def _inception(filters: int, activation: str, name: str) -> keras.layers.Layer:
    """A quarter of the channels from 1x1, a half from 3x3, an eighth each from 5x5 and pooling."""
    quarter, eighth = filters // 4, filters // 8
    return InceptionModule(quarter, quarter, filters // 2, eighth, eighth, eighth, activation=activation, name=name)


BLOCKS = {"darknet": _darknet, "basic": _basic, "bottleneck": _bottleneck, "inception": _inception}


def yolo_resnet(
    image_shape: tuple[int | None, int | None, int],
    classes: int,
    anchors_px: Sequence[Sequence[Sequence[float]]],
    *,
    strides: Sequence[int] = (8, 16),
    width: float = 1.0,
    depth: float = 1.0,
    activation: str = "silu",
    scale_xy: float = 1.0,
    block: str = "darknet",
    name: str = "yolo_resnet",
) -> keras.Model:
    """Small YOLO detector with residual blocks.

    Args:
        image_shape: Height, width and channels; None for a free side. Sides must be multiples of 32.
        classes: Number of classes.
        anchors_px: For each head its anchors, `(heads, anchors, 2)`, in pixels of the input, finest head first.
        strides: Strides of the heads, ascending, out of 8, 16 and 32.
        width: Factor on the number of filters.
        depth: Factor on the number of residual blocks, at least one per stage.
        activation: Name of a Keras activation.
        scale_xy: Darknet's scale_x_y of the heads.
        block: Block type of the body: "darknet" (Darknet-53's residual block), "basic" or "bottleneck" (ResNet's), or
            "inception".
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, 3)` to a dictionary `stride8: (batch, height / 8, width / 8,
        anchors, 5 + classes)` and so on; scaling to 0..1 is its first layer.

    Raises:
        ValueError: If strides and anchors do not fit together or a side is not a multiple of 32.
    """
    _check(image_shape, anchors_px, strides)
    if block not in BLOCKS:
        raise ValueError(f"`block` must be one of {', '.join(BLOCKS)}. Received {block!r}.")
    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = _convolution(x, _filters(16, width), 3, 2, activation, "stem")
    features = {}
    for stride, (filters, blocks) in BODY.items():
        x = _convolution(x, _filters(filters, width), 3, 2, activation, f"stride{stride}_down")
        for number in range(1, max(1, round(blocks * depth)) + 1):
            x = BLOCKS[block](_filters(filters, width), activation, f"stride{stride}_block{number}")(x)
        features[stride] = x
    outputs = {}
    anchors_of = dict(zip(strides, anchors_px, strict=True))
    for stride in sorted((s for s in BODY if s >= min(strides)), reverse=True):
        if stride < max(BODY):
            x = _join(x, features[stride], _filters(BODY[stride][0] * 0.75, width), activation, f"stride{stride}")
        if stride in anchors_of:
            y = _convolution(x, _filters(BODY[stride][0], width), 3, 1, activation, f"stride{stride}_neck")
            head = YoloHead(anchors_of[stride], classes, stride, scale_xy=scale_xy, name=f"stride{stride}")
            outputs[head.name] = head(y)
    return keras.Model(image, {f"stride{stride}": outputs[f"stride{stride}"] for stride in strides}, name=name)


def yolo_heads(model: keras.Model) -> list[YoloHead]:
    """The YOLO heads of a detector, finest stride first."""
    heads = [layer for layer in model.layers if isinstance(layer, YoloHead)]
    if not heads:
        raise ValueError(f"`model` must contain at least one YoloHead. {model.name!r} has none.")
    return sorted(heads, key=lambda head: head.stride)


def _check(image_shape, anchors_px, strides) -> None:
    if any(side is not None and side % 32 for side in image_shape[:2]):
        raise ValueError(
            f"`image_shape` must have sides that are multiples of 32. Received {tuple(image_shape)}. "
            f"Nearest: {tuple(side and max(32, round(side / 32) * 32) for side in image_shape[:2])}."
        )
    if list(strides) != sorted(set(strides)) or not set(strides) <= {8, 16, 32} or not strides:
        raise ValueError(f"`strides` must be ascending and chosen from 8, 16 and 32. Received {tuple(strides)}.")
    if len(anchors_px) != len(strides):
        raise ValueError(
            "`anchors_px` must contain one list of anchors per head. "
            f"Received {len(anchors_px)} lists for strides {tuple(strides)}."
        )


def _filters(filters: float, width: float) -> int:
    return max(8, int(round(filters * width / 8)) * 8)


def _convolution(x, filters: int, kernel: int, strides: int, activation: str, name: str):
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_act")(x)


def _join(deep, fine, filters: int, activation: str, name: str):
    """Features of a finer stage together with the upsampled ones from below."""
    deep = layers.UpSampling2D(name=f"{name}_upsample")(
        _convolution(deep, filters, 1, 1, activation, f"{name}_deep")
    )
    fine = _convolution(fine, filters, 1, 1, activation, f"{name}_fine")
    return _convolution(
        layers.Concatenate(name=f"{name}_join")([deep, fine]), filters, 1, 1, activation, f"{name}_mix"
    )
