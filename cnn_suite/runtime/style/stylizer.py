"""An exported style network: from a picture to the painted picture.

The graph of a model folder takes uint8 RGB of any size from 8 x 8 pixels on and returns uint8 of the same size. One of
several styles has a second signature, `mixed`, whose further input `mixture`, float32 `(styles,)`, says how much of
each.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np

from cnn_suite.nearest_names import did_you_mean
from cnn_suite.results import ModelCard
from cnn_suite.runtime.media.picture_arrays import reduced, resized
from cnn_suite.runtime.model_files.model_folder import Graph, check_picture, open_graph

SMALLEST_SIDE = 8
SMALLEST_LONGEST_SIDE = 32  # that a picture is reduced to: of less the network makes a smear


class Stylizer:
    """A callable style network.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder: the names of the styles.
    """

    def __init__(self, model: Graph, card: ModelCard) -> None:
        self.card = card
        self.labels = card.labels
        self._model = model

    def __call__(
        self,
        image_rgb: np.ndarray,
        mixture: Sequence[float] | np.ndarray | None = None,
        *,
        longest_side: int | None = None,
    ) -> np.ndarray:
        """One picture, painted.

        Args:
            image_rgb: `uint8 (height, width, 3)`, each side 8 pixels or more.
            mixture: A weight for every style, 0 or more and not all 0, divided by their sum; None for the first style.
            longest_side: The network sees the picture no larger than this, 32 or more, and its answer is enlarged
                again: faster, with broader strokes. None for the picture as it is.

        Returns:
            `uint8` of the shape of `image_rgb`.

        Raises:
            ValueError: If the picture, the mixture or the size is not of its kind, or the graph's answer no style
                network's.
        """
        check_picture(image_rgb)
        check_longest_side(longest_side)
        height, width = image_rgb.shape[:2]
        if min(height, width) < SMALLEST_SIDE:
            raise ValueError(
                f"A picture to paint needs sides of at least {SMALLEST_SIDE} pixels. "
                f"Received {width} x {height} pixels. Enlarge it first."
            )
        seen = reduced(image_rgb, longest_side, smallest=SMALLEST_SIDE)
        painted = self._run(np.ascontiguousarray(seen), None if mixture is None else self._checked(mixture))
        if painted.shape != image_rgb.shape:
            painted = resized(painted, (height, width))
        return painted

    def _run(self, image_rgb: np.ndarray, mixture: np.ndarray | None) -> np.ndarray:
        if mixture is None or len(mixture) == 1:
            outputs = self._model.run("serving_default", image_rgb[None])
        else:
            outputs = self._model.run("mixed", image_rgb[None], mixture=mixture)
        if "images" not in outputs:
            raise ValueError(f"Model {self.card.name!r} is not a style network: its graph returns no images.")
        images = outputs["images"]
        if images.dtype != np.uint8 or images.shape != (1, *image_rgb.shape):
            raise ValueError(
                f"Model {self.card.name!r} must return uint8 images of the input's shape, {(1, *image_rgb.shape)}. "
                f"Received {images.dtype} {images.shape}. Export the model again."
            )
        return images[0]

    def _checked(self, mixture: Sequence[float] | np.ndarray) -> np.ndarray:
        weights = np.asarray(mixture, np.float64)
        styles = max(1, len(self.labels))
        if weights.shape != (styles,) or not np.isfinite(weights).all() or weights.min() < 0 or not weights.sum():
            raise ValueError(
                f"`mixture` must contain one weight for each of the {styles} styles, none negative and not all 0. "
                f"Received {weights.tolist()}."
            )
        return (weights / weights.sum()).astype(np.float32)


def load_stylizer(folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2) -> Stylizer:
    """The style network in a model folder.

    Args:
        folder: Model folder written by `cnn-suite export`.
        runtime: "litert" for model.tflite (no TensorFlow needed) or "saved_model".
        threads: Threads of the LiteRT interpreter.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    return Stylizer(*open_graph(folder, "style", runtime=runtime, threads=threads))


def check_longest_side(longest_side: int | None) -> None:
    """Refuse a size that is too small to be painted at; None is the picture's own.

    Raises:
        ValueError: If it is.
    """
    if longest_side is not None and longest_side < SMALLEST_LONGEST_SIDE:
        raise ValueError(
            f"A picture can be reduced to a longest side of {SMALLEST_LONGEST_SIDE} pixels or more. "
            f"Received {longest_side}."
        )


def parse_mixture(text: str, labels: Sequence[str]) -> tuple[float, ...]:
    """The weights that a text such as "wave" or "wave,scream=0.5" means; a name alone weighs 1.

    Args:
        text: Names of styles with or without weights, separated by commas.
        labels: Names of all styles.

    Returns:
        One weight per style, their sum 1.

    Raises:
        ValueError: If a name is unknown or occurs twice, or a weight is not a number of at least 0, or all are 0.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if name not in labels:
            meant = did_you_mean(name, labels)
            raise ValueError(f"This model has no style {name!r}. Its styles: {', '.join(labels)}.{meant}")
        if name in weights:
            raise ValueError(f"Style {name!r} occurs twice in {text!r}. Name each style once.")
        weights[name] = _weight(number, text) if equals else 1.0
    total = sum(weights.values())
    if not total:
        raise ValueError(f"At least one style must have a positive weight. Received {text!r}.")
    return tuple(weights.get(label, 0.0) / total for label in labels)


def _weight(number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"A style's weight must be a number of at least 0. Received {number!r} in {text!r}.")
    return value
