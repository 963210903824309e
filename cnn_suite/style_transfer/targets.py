"""Style targets: the Gram matrices of paintings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from cnn_suite.ops.style import gram_matrix, mean_gram
from cnn_suite.runtime.media.picture_arrays import fitted_size_hw, resized
from cnn_suite.style_transfer.maps import Maps
from cnn_suite.style_transfer.perception import Perception


class Region(NamedTuple):
    """A part of a picture and how it is to be painted.

    Attributes:
        paintings: Pictures, float32 or uint8 `(height, width, 3)`, 0..255, at the size at which they are looked at.
        weights: Weight of each.
        mask: Where, 0..1 `(height, width)` of the photograph's size; None for everywhere.
    """

    paintings: Sequence[np.ndarray]
    weights: Sequence[float]
    mask: np.ndarray | None = None


def painting_grams(perception: Perception, painting: np.ndarray, *, tile: int = 0) -> dict[str, tf.Tensor]:
    """Mean Gram matrices of a painting, `(1, channels, channels)` per layer.

    Args:
        perception: The network for style features.
        painting: `(height, width, 3)`, 0..255.
        tile: Side of the windows that a large one is seen in; 0 for all of it at once.

    Raises:
        ValueError: If the painting is smaller than the network can see.
    """
    if min(painting.shape[:2]) < perception.smallest:
        raise ValueError(
            f"A painting must have sides of at least {perception.smallest} pixels for {perception.name}. "
            f"Received {painting.shape[1]} x {painting.shape[0]}."
        )
    if not tile:  # on any backend
        features = perception.features(ops.convert_to_tensor(painting[None], "float32"), training=False)
        return {name: ops.cast(mean_gram(features[name]), "float32") for name in perception.style}
    maps = Maps(perception, (painting.shape[0], painting.shape[1]), tile)
    picture, areas = tf.constant(painting[None], tf.float32), maps.masks(None)[0]
    sums = dict.fromkeys(perception.style, 0.0)
    for window, bounds in zip(maps.windows, maps.bounds):
        features = maps.own(maps.cut(picture, window), bounds)
        for name in sums:
            sums[name] += tf.cast(gram_matrix(features[name]), tf.float32)
    return {name: total / areas[name] for name, total in sums.items()}


def blended_grams(
    perception: Perception, paintings: Sequence[np.ndarray], weights: Sequence[float], *, tile: int = 0
) -> Mapping:
    """The weighted mean of several paintings' Gram matrices; arguments as of `painting_grams`.

    Raises:
        ValueError: If there are not as many weights as paintings, or they are not positive.
    """
    if not paintings or len(paintings) != len(weights) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(
            f"`weights` must contain one non-negative weight for each of the {len(paintings)} paintings, not all 0. "
            f"Received {list(weights)}."
        )
    grams = [painting_grams(perception, painting, tile=tile) for painting in paintings]
    shares = [weight / sum(weights) for weight in weights]
    return {name: sum(share * gram[name] for share, gram in zip(shares, grams)) for name in perception.style}


def resized_painting(painting: np.ndarray, longest_side: int) -> np.ndarray:
    """A painting at another size, its proportions kept, float32."""
    return resized(painting.astype(np.float32), fitted_size_hw(painting.shape[:2], longest_side))
