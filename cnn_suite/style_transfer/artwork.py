"""The pictures of one transfer, read and checked together before anything heavy begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn_suite.runtime.style.kept_colours import PAINTING_MODES, painting_in_colours_of
from cnn_suite.style_transfer.picture_input import read_artwork, read_mask


class Artwork(NamedTuple):
    """A photograph and its paintings.

    Attributes:
        photo: uint8 `(height, width, 3)` RGB.
        paintings: The same, each of its own size.
        weights: How much each painting counts.
        masks: float32 of the photograph's size, 0..1, one for each painting; or none.
    """

    photo: np.ndarray
    paintings: list[np.ndarray]
    weights: list[float]
    masks: list[np.ndarray]


def read_all(
    photo: str | Path,
    paintings: Sequence[str | Path],
    weights: Sequence[float] | None = None,
    masks: Sequence[str | Path] = (),
    *,
    colours: str = "none",
) -> Artwork:
    """Read every picture.

    Args:
        photo: A picture file.
        paintings: Picture files.
        weights: How much each counts; equally where None.
        masks: Picture files of the photograph's size, as many as paintings or none.
        colours: "histogram" and "covariance" give the paintings the photograph's colours; others change nothing here.

    Raises:
        FileNotFoundError: If one is missing.
        ValueError: If one cannot be used, or numbers do not agree.
    """
    weights = checked_weights(weights, len(paintings))
    if masks and len(masks) != len(paintings):
        raise ValueError(
            f"There are {len(paintings)} paintings and {len(masks)} masks. Give one mask per painting, or none."
        )
    seen = read_artwork(photo)
    given = [read_artwork(path) for path in paintings]
    if colours in PAINTING_MODES:
        given = [painting_in_colours_of(painting, seen, colours) for painting in given]
    return Artwork(seen, given, weights, [read_mask(path, _hw(seen)) for path in masks])


def checked_weights(weights: Sequence[float] | None, paintings: int) -> list[float]:
    """The weight of every painting.

    Args:
        weights: How much each counts; equally where None.
        paintings: How many there are.

    Raises:
        ValueError: If there is no painting, or not a weight above 0 for each.
    """
    if not paintings:
        raise ValueError("At least one painting is needed. Received none.")
    if weights is None:
        return [1.0] * paintings
    if len(weights) != paintings:
        raise ValueError(f"There are {paintings} paintings and {len(weights)} weights. Give a weight for each.")
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError(f"A painting's weight must be above 0. Received {weights}. Omit unwanted paintings.")
    return list(weights)


def _hw(picture: np.ndarray) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]
