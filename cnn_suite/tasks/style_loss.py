"""The perceptual training loss: J of every painted picture with its photograph and its painting.

A Keras loss sees pictures alone, not in which style each was to be painted. So the place in the batch says it: picture
i is painted in style i modulo the number of styles, by the data set (`mixtures`) as by the loss.

The loss is a function and not a `keras.losses.Loss`: it holds a network, which no configuration could bring back.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from cnn_suite.config_style import StyleConfig
from cnn_suite.ops.style import content_cost, joint_cost, mean_gram, style_cost, total_variation, weighted_cost
from cnn_suite.style_transfer.perception import Perception, load_perception
from cnn_suite.style_transfer.picture_input import read_artwork
from cnn_suite.style_transfer.targets import painting_grams, resized_painting


class Parts(NamedTuple):
    """What J is made of, each `(batch,)`; the style's is already multiplied by the strength of the painting."""

    content: Any
    style: Any
    variation: Any


class PerceptualLoss:
    """J = alpha content + beta style + tv variation of painted pictures.

    Args:
        perception: The network for content and style features.
        paintings: One per style, at the size at which they are looked at.
        strengths: Factor of beta for each.
        alpha: Weight of the content.
        beta: Weight of the style.
        tv: Weight of the total variation.

    Source: Johnson et al. 2016, section 3.2, with every cost as a fraction of its target's energy: see `ops.style`.
    """

    def __init__(
        self,
        perception: Perception,
        paintings: Sequence[np.ndarray],
        strengths: Sequence[float],
        alpha: float,
        beta: float,
        tv: float,
    ):
        self._perception = perception
        self._weights = {"alpha": alpha, "beta": beta, "tv": tv}
        self._strengths = np.asarray(strengths, np.float32)
        grams = [painting_grams(perception, painting) for painting in paintings]
        self._targets = {name: ops.concatenate([gram[name] for gram in grams]) for name in perception.style}

    def __call__(self, photos, painted):
        """J of every picture, `(batch,)`."""
        return joint_cost(*self.parts(photos, painted), **self._weights)

    def parts(self, photos, painted) -> Parts:
        """The parts of J for pictures `(batch, height, width, 3)`, 0..255."""
        perception = self._perception
        found = perception.features(painted, training=False)
        wanted = perception.features(photos, training=False)
        style_of = style_numbers(ops.shape(painted)[0], len(self._strengths))
        content = {name: content_cost(found[name], ops.stop_gradient(wanted[name])) for name in perception.content}
        style = {
            name: style_cost(
                ops.cast(mean_gram(found[name]), "float32"), ops.take(self._targets[name], style_of, axis=0)
            )
            for name in perception.style
        }
        return Parts(
            weighted_cost(content, perception.content),
            weighted_cost(style, perception.style) * ops.take(self._strengths, style_of),
            total_variation(painted),
        )


def style_numbers(batch, styles: int):
    """The style of every picture of a batch, by its place, `(batch,)`."""
    return ops.arange(batch) % styles


def mixtures(batch: int, styles: int) -> np.ndarray:
    """The same as the weights of every style, `(batch, styles)`."""
    return np.eye(styles, dtype=np.float32)[np.arange(batch) % styles]


def perceptual_loss(config: StyleConfig) -> PerceptualLoss:
    """The loss that a configuration describes; the perceptual network computes in the training's precision.

    Raises:
        FileNotFoundError: If a painting or the weights file of the perceptual network is missing.
        ArtworkError: If a painting is no picture that style transfer takes.
    """
    training, paintings = config.training, config.data.paintings
    return PerceptualLoss(
        _in_precision(training.mixed_precision, lambda: load_perception(**config.perception.model_dump())),
        [resized_painting(read_artwork(painting.path), painting.size) for painting in paintings],
        [painting.strength for painting in paintings],
        training.alpha,
        training.beta,
        training.tv,
    )


def _in_precision(precision: str, build: Callable[[], Perception]) -> Perception:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "none" else f"mixed_{precision}")
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)
