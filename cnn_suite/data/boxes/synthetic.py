"""Pictures of circles, rectangles and triangles, generated in memory, with pixel-exact boxes.

For tests, and for trying a training without any data. Shapes have random colours, sizes and turns, lie on coloured
noise, and hide little of one another; every picture follows from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData

SHAPES = ("circle", "rectangle", "triangle")

_SIZES = (0.18, 0.5)  # a shape's extent, as a fraction of the picture's shorter side
_HIDDEN = 0.2  # the most of a shape that later ones may cover
_CONTRAST = 90.0  # least distance in RGB between a shape and what lies behind it
_TRIES = 20  # places tried for one shape before it is left out


def shapes_data(
    pictures: Mapping[str, int],
    size_hw: tuple[int, int] = (128, 128),
    seed: int = 0,
    *,
    objects: tuple[int, int] = (1, 4),
) -> DetectionData:
    """A whole data set of shapes.

    Args:
        pictures: Maps split names to numbers of pictures, such as `{"train": 400, "val": 50}`.
        size_hw: Height and width of every picture.
        seed: Random seed.
        objects: Minimum and maximum number of shapes per picture.

    Returns:
        Data whose labels are `SHAPES` and whose splits share no picture.

    Raises:
        ValueError: If an argument is out of range.
    """
    splits = {
        split: shape_pictures(count, size_hw, seed, objects=objects, name=split) for split, count in pictures.items()
    }
    return DetectionData(
        SHAPES, splits, format="shapes", notes=("Pictures are generated in memory; no files are read.",)
    )


def shape_pictures(
    count: int,
    size_hw: tuple[int, int] = (128, 128),
    seed: int = 0,
    *,
    objects: tuple[int, int] = (1, 4),
    name: str = "shapes",
) -> tuple[AnnotatedPicture, ...]:
    """Pictures of shapes with their pixels in memory.

    Args:
        count: Number of pictures.
        size_hw: Height and width, at least 32 each.
        seed: Seed; the first pictures stay the same when `count` grows.
        objects: Minimum and maximum number of shapes per picture; fewer where there is no room for them.
        name: Part of the pictures' paths; different names give different pictures.

    Raises:
        ValueError: If an argument is out of range.
    """
    if count < 0:
        raise ValueError(f"`count` must be at least 0. Received {count}.")
    if min(size_hw) < 32:
        raise ValueError(f"`size_hw` must be at least 32 per side. Received {tuple(size_hw)}.")
    if not 0 <= objects[0] <= objects[1]:
        raise ValueError(f"`objects` must be the minimum and maximum number, in this order. Received {tuple(objects)}.")
    return tuple(_picture(number, size_hw, seed, objects, name) for number in range(count))


def _picture(number: int, size_hw: tuple[int, int], seed: int, objects: tuple[int, int], name: str) -> AnnotatedPicture:
    generator = np.random.default_rng([seed, number, *name.encode()])
    image = _background(size_hw, generator)
    masks: list[np.ndarray] = []
    class_ids = []
    for _ in range(generator.integers(objects[0], objects[1], endpoint=True)):
        class_id = int(generator.integers(len(SHAPES)))
        mask = _free_place(SHAPES[class_id], masks, size_hw, generator)
        if mask is not None:
            _paint(image, mask, generator)
            masks.append(mask)
            class_ids.append(class_id)
    pixels = (image + generator.normal(0, generator.uniform(2, 10), image.shape)).clip(0, 255).astype(np.uint8)
    boxes = np.array([_box_of(mask) for mask in masks], np.float32).reshape(-1, 4)
    return AnnotatedPicture(
        path=Path(f"{name}/{number:05d}"),
        size_hw=(int(size_hw[0]), int(size_hw[1])),
        boxes=boxes / np.array([size_hw[1], size_hw[0]] * 2, np.float32),
        class_ids=np.array(class_ids, np.int32),
        crowd=np.zeros(len(masks), bool),
        source="shapes",
        pixels=pixels,
    )


def _background(size_hw: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Smooth coloured noise around one colour, float32 `(height, width, 3)`."""
    height, width = size_hw
    coarse = generator.normal(0, 25, (*generator.integers(2, 9, 2), 3)).astype(np.float32)
    return generator.uniform(40, 215, 3).astype(np.float32) + cv2.resize(
        coarse, (width, height), interpolation=cv2.INTER_CUBIC
    )


def _free_place(
    shape: str, masks: list[np.ndarray], size_hw: tuple[int, int], generator: np.random.Generator
) -> np.ndarray | None:
    """Mask of a shape where it hides little of those already there; None if no place was found."""
    for _ in range(_TRIES):
        mask = _mask(shape, size_hw, generator)
        if all(_hidden(masks, index, mask) <= _HIDDEN for index in range(len(masks))):
            return mask
    return None


def _hidden(masks: list[np.ndarray], index: int, new: np.ndarray) -> float:
    """Fraction of one shape that the later ones and a new one cover."""
    own = masks[index]
    return float(own[np.logical_or.reduce([new, *masks[index + 1 :]])].sum() / own.sum())


def _mask(shape: str, size_hw: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """A shape of random size and turn that lies completely in the picture, bool `(height, width)`."""
    radius = generator.uniform(*_SIZES) * min(size_hw) / 2
    centre = generator.uniform(radius, np.array(size_hw[::-1]) - 1 - radius)
    mask = np.zeros(size_hw, np.uint8)
    if shape == "circle":
        cv2.circle(mask, (round(centre[0]), round(centre[1])), int(radius), 1, cv2.FILLED)
    else:
        corners = centre + radius * _corners(shape, generator)
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask.astype(bool)


def _corners(shape: str, generator: np.random.Generator) -> np.ndarray:
    """Corners on the unit circle, `(n, 2)`."""
    turn = generator.uniform(0, 2 * np.pi)
    if shape == "rectangle":
        half = generator.uniform(np.pi / 8, np.pi / 4)  # half the angle over the shorter side; pi / 4 is a square
        angles = np.array([half, np.pi - half, np.pi + half, -half])
    else:
        angles = np.array([0, 2 * np.pi / 3, 4 * np.pi / 3]) + generator.uniform(-0.3, 0.3, 3)
    return np.stack([np.cos(angles + turn), np.sin(angles + turn)], axis=1)


def _paint(image: np.ndarray, mask: np.ndarray, generator: np.random.Generator) -> None:
    """Fills the mask with a colour that stands out from what is there."""
    behind = image[mask].mean(axis=0)
    colour = generator.uniform(0, 255, 3)
    while np.linalg.norm(colour - behind) < _CONTRAST:
        colour = generator.uniform(0, 255, 3)
    image[mask] = colour


def _box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Tight xyxy in pixels; the far sides lie behind the last pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
