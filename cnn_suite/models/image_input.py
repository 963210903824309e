"""The input of every classifier: raw pictures, 0..255, with a validated shape and scaling."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Literal

import keras
from keras import layers

ImageShape = Sequence[int | None]
Scaling = Literal["caffe", "symmetric", "unit", "imagenet", "none"]

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (123.68, 116.779, 103.939)  # of ImageNet in RGB order

# Factor and offset of every way of scaling 0..255: one number, or one per channel.
_SCALINGS: dict[str, tuple] = {
    "caffe": (1.0, tuple(-mean for mean in _CAFFE_MEAN)),
    "symmetric": (1 / 127.5, -1.0),
    "unit": (1 / 255, 0.0),
    "imagenet": (
        tuple(1 / 255 / std for std in _IMAGENET_STD),
        tuple(-mean / std for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD)),
    ),
}


def image_input(image_shape: ImageShape, smallest: int, scaling: Scaling, builder: str, *, free: bool = True):
    """An input and its scaled values.

    Args:
        image_shape: Height, width and channels.
        smallest: The smallest side supported by the network.
        scaling: "caffe" (ImageNet's mean subtracted), "symmetric" (-1..1), "unit" (0..1), "imagenet" (mean 0 and
            deviation 1 per channel) or "none". Per-channel means need three channels; other inputs are scaled
            to -1..1 instead.
        builder: Name of the builder, for messages.
        free: Whether the sides may be None.

    Returns:
        Tensors `image` as it comes, and scaled.

    Raises:
        ValueError: If the shape is invalid, too small or free where it must not be.
    """
    shape = _checked(image_shape, smallest, builder, free)
    image = keras.Input(shape, name="image")
    if scaling == "none":
        return image, image
    if shape[2] != 3 and isinstance(_SCALINGS[scaling][1], tuple):
        scaling = "symmetric"
    factor, offset = _SCALINGS[scaling]
    return image, layers.Rescaling(factor, offset, name="scale")(image)


def _checked(image_shape: ImageShape, smallest: int, builder: str, free: bool) -> tuple[int | None, ...]:
    shape = tuple(image_shape) if isinstance(image_shape, Iterable) else ()
    sides, channels = shape[:2], shape[2] if len(shape) == 3 else None
    whole = all(side is None or isinstance(side, Integral) for side in sides)
    if not whole or not isinstance(channels, Integral) or channels < 1:
        raise ValueError(
            f"`image_shape` of {builder} must be (height, width, channels) in whole numbers, such as "
            f"({smallest}, {smallest}, 3). Received {image_shape!r}."
        )
    if not free and None in sides:
        raise ValueError(
            f"`image_shape` of {builder} must have fixed sides, because its first dense layer has a weight per pixel. "
            f"Received {shape}. Give both sides, or use include_top=False."
        )
    if any(side is not None and side < smallest for side in sides):
        raise ValueError(
            f"`image_shape` of {builder} must have sides of at least {smallest}. Received {shape}. "
            f"The smallest that works is ({smallest}, {smallest}, {shape[2]})."
        )
    return shape
