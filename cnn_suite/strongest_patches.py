"""What the units of a network respond to: the image patches that activate each unit most.

Source: Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, section 4.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from cnn_suite.models.receptive_field import ReceptiveField, receptive_field
from cnn_suite.models.surgery import features_at

GREY = 128  # beyond the border of a picture


class Patch(NamedTuple):
    """An answer of a unit, and what it looked at.

    Attributes:
        value: The answer.
        picture: Number of the picture.
        y_px: Top of the patch in the picture, which it may exceed.
        x_px: Left of it.
        pixels: The patch, uint8 `(size, size, channels)`, grey beyond the picture.
    """

    value: float
    picture: int
    y_px: int
    x_px: int
    pixels: np.ndarray


def strongest_patches(
    model: keras.Model,
    layer: str,
    pictures: Iterable[np.ndarray],
    units: Sequence[int],
    *,
    count: int = 9,
) -> list[list[Patch]]:
    """The patches to which units of a layer answer most, at most one of every picture.

    Args:
        model: A functional model of pictures 0..255.
        layer: Name of a layer with a map of features, or `block/tensor`; see `features_at`.
        pictures: Uint8 `(height, width, channels)`, as they lie on the network's input; each is looked at once.
        units: Numbers of channels of the layer.
        count: Patches of every unit.

    Returns:
        For every unit its patches, the strongest first. A patch is the unit's receptive field; where that is not known,
        as within blocks and behind inception modules, it is the whole picture.

    Raises:
        ValueError: If there is no such layer or unit, no map of features, or more than one input.
    """
    if len(model.inputs) != 1:
        raise ValueError(f"`model` must have one input, a picture. {model.name} has {len(model.inputs)}.")
    network = features_at(model, [layer])
    maps = network.output[layer]
    if len(maps.shape) != 4:
        raise ValueError(f"`layer` must have a map of features, of four axes. Received {layer} of shape {maps.shape}.")
    unknown = [unit for unit in units if not 0 <= unit < maps.shape[-1]]
    if unknown or count < 1:
        raise ValueError(
            f"`units` must be from 0 to {maps.shape[-1] - 1}, `count` at least 1. Received {list(units)} and {count}."
        )
    field = _known_field(network, maps)
    best: list[list[Patch]] = [[] for _ in units]
    for number, picture in enumerate(pictures):
        answers = np.asarray(network(picture[None].astype(np.float32))[layer])[0][..., list(units)]
        places = answers.reshape(-1, len(units)).argmax(axis=0)
        for column, (place, patches) in enumerate(zip(places.tolist(), best)):
            row_column = divmod(place, answers.shape[1])
            patches.append(Patch(float(answers[*row_column, column]), number, *_patch(picture, field, row_column)))
            patches.sort(key=lambda patch: (-patch.value, patch.picture))
            del patches[count:]
    return best


def _known_field(network: keras.Model, maps: Any) -> ReceptiveField | None:
    try:
        return receptive_field(network, maps)
    except ValueError:
        return None


def _patch(
    picture: np.ndarray, field: ReceptiveField | None, row_column: tuple[int, int]
) -> tuple[int, int, np.ndarray]:
    """Top, left and pixels of what a place of a map looks at."""
    if field is None:
        return 0, 0, picture
    top, left = (field.first + place * field.stride for place in row_column)
    size = field.size
    padded = np.pad(picture, ((size, size), (size, size), (0, 0)), constant_values=GREY)
    return top, left, padded[top + size : top + 2 * size, left + size : left + 2 * size]
