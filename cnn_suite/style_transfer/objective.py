"""J of a picture and its gradient, for a photograph and paintings: at once, or window by window for large pictures.

Window by window, J is still that of the whole picture. Its style depends on all windows through the Gram matrices G
alone, so that two passes are enough: the first sums G, the second the gradients of `<dJ/dG, G of the window>` and of
the content. Memory is then that of one window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from cnn_suite.ops.style import (
    content_cost,
    gram_matrix,
    joint_cost,
    style_cost,
    sum_of_squares,
    total_variation,
    weighted_cost,
)
from cnn_suite.style_transfer.maps import Maps
from cnn_suite.style_transfer.perception import Perception
from cnn_suite.style_transfer.targets import Region, blended_grams

Grams = list[dict[str, tf.Tensor]]  # a region each, layer to mean Gram matrix (1, channels, channels)


@dataclass(frozen=True)
class CostWeights:
    """The weights of the terms of J; see `cnn_suite.ops.style`."""

    alpha: float = 1.0
    beta: float = 10.0
    tv: float = 50.0
    normalisation: str = "energy"


class Costs(NamedTuple):
    """J and its parts, scalars."""

    total: tf.Tensor
    content: tf.Tensor
    style: tf.Tensor
    variation: tf.Tensor


class Objective:
    """J of pictures of one size.

    Args:
        perception: The network for content and style features.
        photo: The content, float32 or uint8 `(height, width, 3)`, 0..255.
        regions: How the picture is to be painted, and where.
        weights: The weights of the terms.
        tile: Side of the windows in pixels; 0 for the whole picture at once.

    Raises:
        ValueError: If the photograph is smaller than the network can see, a mask is empty or of another size, or the
            network's receptive field is not known and windows are asked for.
    """

    def __init__(
        self,
        perception: Perception,
        photo: np.ndarray,
        regions: Sequence[Region],
        weights: CostWeights = CostWeights(),
        *,
        tile: int = 0,
    ):
        if not regions:
            raise ValueError("`regions` must contain at least one painting. Received none.")
        self.size_hw = photo.shape[0], photo.shape[1]
        self._perception, self._weights = perception, weights
        self._maps = Maps(perception, self.size_hw, tile)
        masks = [self._maps.masks(region.mask) for region in regions]
        self._areas = [areas for areas, _ in masks]
        self._masks = [list(of_all) for of_all in zip(*(cut for _, cut in masks))]  # a window each: of every region
        self._shares = _area_shares(regions)
        self._targets = [blended_grams(perception, region.paintings, region.weights, tile=tile) for region in regions]
        self._kept: list[dict[str, tf.Variable]] = []
        self.look_at(photo)
        self._grams_of = tf.function(self._window_grams, reduce_retracing=True)
        self._content_and_gradient = tf.function(self._window_gradient, reduce_retracing=True)
        self._style_and_gradient = _with_gradient(self._style, weights.beta)
        self._variation_and_gradient = _with_gradient(lambda picture: total_variation(picture)[0], weights.tv)

    @property
    def tiled(self) -> bool:
        """Whether the picture is cut into windows."""
        return len(self._maps.windows) > 1

    def look_at(self, photo: np.ndarray) -> None:
        """Replaces the photograph for the content with another of the same size, without recompiling.

        Raises:
            ValueError: If it has another size.
        """
        if photo.shape[:2] != self.size_hw:
            raise ValueError(f"`photo` must have the size {self.size_hw}. Received {photo.shape[:2]}.")
        contents = self._maps.contents(photo)
        energies = {name: tf.add_n([sum_of_squares(own[name]) for own in contents]) for name in contents[0]}
        found = [*contents, energies]
        self._kept = self._kept or [{name: tf.Variable(x) for name, x in each.items()} for each in found]
        for kept, each in zip(self._kept, found):
            for name, variable in kept.items():
                variable.assign(each[name])
        *self._contents, self._energies = self._kept  # the contents of a window each

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        """J and its gradient by the pixels.

        Args:
            picture: Float32 `(1, height, width, 3)`, 0..255.

        Returns:
            J with its parts, and the gradient, of the picture's shape. The whole picture at once is meant to be
            called inside a tf.function; window by window it must not be.
        """
        return self._by_windows(picture) if self.tiled else self._at_once(picture)

    # The costs

    def _content(self, features: Mapping, wanted: Mapping) -> tf.Tensor:
        weights, kind = self._perception.content, self._weights.normalisation
        costs = {
            name: content_cost(features[name], wanted[name], kind, energy=self._energies[name]) for name in weights
        }
        return weighted_cost(costs, weights, kind)[0]

    def _grams(self, features: Mapping, masks: list) -> Grams:
        """What features add to the mean Gram matrices of every region."""
        return [
            {name: gram_matrix(features[name], mask.get(name)) / areas[name] for name in self._perception.style}
            for mask, areas in zip(masks, self._areas)
        ]

    def _style(self, grams: Grams) -> tf.Tensor:
        weights, kind = self._perception.style, self._weights.normalisation
        total = 0.0
        for share, found, target in zip(self._shares, grams, self._targets):
            costs = {name: style_cost(found[name], target[name], kind) for name in weights}
            total += share * weighted_cost(costs, weights, kind)[0]
        return total

    def _costs(self, content: tf.Tensor, style: tf.Tensor, variation: tf.Tensor) -> Costs:
        factors = {name: getattr(self._weights, name) for name in ("alpha", "beta", "tv")}
        return Costs(joint_cost(content, style, variation, **factors), content, style, variation)

    # At once

    def _at_once(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            features = self._perception.features(picture, training=False)
            content = self._content(features, self._contents[0])
            style = self._style(self._grams(features, self._masks[0]))
            costs = self._costs(content, style, total_variation(picture)[0])
        return costs, tape.gradient(costs.total, picture)

    # Window by window

    def _by_windows(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        windows, bounds = self._maps.windows, self._maps.bounds
        cut = [self._maps.cut(picture, window) for window in windows]
        grams = _added([self._grams_of(*each) for each in zip(cut, bounds, self._masks)])
        style, by_gram = self._style_and_gradient(grams)
        variation, whole = self._variation_and_gradient(picture)
        gradient, content = whole.numpy(), 0.0
        for window, part, bound, masks, wanted in zip(windows, cut, bounds, self._masks, self._contents):
            wanted = {name: variable.value() for name, variable in wanted.items()}
            cost, by_pixel = self._content_and_gradient(part, bound, masks, wanted, by_gram)
            content += cost
            self._maps.cut(gradient, window)[:] += by_pixel
        return self._costs(content, style, variation), tf.constant(gradient)

    def _window_grams(self, part: tf.Tensor, bounds: dict, masks: list) -> Grams:
        return self._grams(self._maps.own(part, bounds), masks)

    def _window_gradient(
        self, part: tf.Tensor, bounds: dict, masks: list, wanted: dict, by_gram: Grams
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The content, and the slope of it and of `<dJ/dG, G of the window>`."""
        with tf.GradientTape() as tape:
            tape.watch(part)
            features = self._maps.own(part, bounds)
            content = self._content(features, wanted)
            pull = self._weights.alpha * content
            for slopes, grams in zip(by_gram, self._grams(features, masks)):
                pull += tf.add_n([tf.reduce_sum(slopes[name] * gram) for name, gram in grams.items()])
        return content, tape.gradient(pull, part)


def _with_gradient(cost: Callable[[Any], tf.Tensor], weight: float) -> Callable[[Any], tuple[tf.Tensor, Any]]:
    """A compiled function: a cost, and the slope of `weight` times the cost."""

    def value_and_gradient(x: Any) -> tuple[tf.Tensor, Any]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = cost(x)
            weighted = weight * value
        return value, tape.gradient(weighted, x)

    return tf.function(value_and_gradient)


def _area_shares(regions: Sequence[Region]) -> list[float]:
    areas = [1.0 if region.mask is None else float(region.mask.mean()) for region in regions]
    return [area / sum(areas) for area in areas]


def _added(parts: list[Grams]) -> Grams:
    return [{name: tf.add_n([part[region][name] for part in parts]) for name in parts[0][region]}
            for region in range(len(parts[0]))]  # fmt: skip
