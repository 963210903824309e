"""Adam on the pixels of one picture, its values kept within 0..255; cost with gradient, and step, are compiled graphs.

Every step ends with a look at its picture: its costs, and the gradient for the next step. So the picture of the last
step is looked at too, and a step's costs are those of what it gave; the start is looked at before the first step.
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from cnn_suite.style_transfer.objective import Costs

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-8
_FINAL_RATE = 0.02  # of the learning rate, at the end


class Cost(Protocol):
    """The function to minimise: an `Objective` or a compatible object."""

    @property
    def tiled(self) -> bool: ...

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]: ...


class Moments(NamedTuple):
    """Adam's state, besides the picture: `(height, width, 3)` each, and the number of steps."""

    first: np.ndarray
    second: np.ndarray
    steps: int


def rate_factor(share: float) -> float:
    """The learning rate factor at a fraction 0..1 of the work: 1 in the first half, then a linear decay."""
    return 1.0 if share < 0.5 else 1 - (share - 0.5) / 0.5 * (1 - _FINAL_RATE)


class AdamSteps:
    """The optimisation of a picture of one size.

    Not Keras's optimiser: a pixel may have a rate of its own, gradients grow with the picture, and what is remembered
    is kept in a checkpoint.

    Args:
        objective: The function to minimise.
        picture: Where it starts, float32 `(height, width, 3)`, 0..255.
        moments: Adam's state from earlier steps; None at the beginning.
        best: The picture with the smallest cost so far and its costs; None at the beginning.

    Attributes:
        start_costs: Costs of the picture where it starts; None before the first step.

    Source: Kingma & Ba 2015, Adam, algorithm 1.
    """

    def __init__(
        self,
        objective: Cost,
        picture: np.ndarray,
        moments: Moments | None = None,
        best: tuple[np.ndarray, Costs] | None = None,
    ) -> None:
        self._objective = objective
        shape = (1, *picture.shape)
        self._picture = tf.Variable(picture[None], dtype=tf.float32)
        self._first = tf.Variable(tf.zeros(shape) if moments is None else moments.first[None])
        self._second = tf.Variable(tf.zeros(shape) if moments is None else moments.second[None])
        self._steps = tf.Variable(0.0 if moments is None else float(moments.steps))
        self._best = tf.Variable(picture[None] if best is None else best[0][None], dtype=tf.float32)
        self._best_costs = tf.Variable([np.inf] * 4 if best is None else list(best[1]), dtype=tf.float32)
        self._gradient = tf.Variable(tf.zeros(shape))
        self.start_costs: Costs | None = None
        self._seen = tf.function(self._evaluated, autograph=False)
        self._keep = tf.function(self._kept, autograph=False)
        self._move = tf.function(self._moved, autograph=False)

    def step(self, rate: float | np.ndarray) -> Costs:
        """One step; the costs are those of the picture after it.

        Args:
            rate: How many grey levels a pixel moves; for every pixel its own as `(height, width, 1)`.
        """
        if self.start_costs is None:
            self.start_costs = self._look()
        self._move(tf.constant(rate, tf.float32))  # a Python number would be traced anew each time
        return self._look()

    def restart(self, picture: np.ndarray) -> None:
        """Starts again with another picture of the same size: moments and best result are reset, nothing is recompiled.

        Args:
            picture: Float32 `(height, width, 3)`, 0..255.
        """
        for variable in (self._picture, self._best):
            variable.assign(picture[None])
        for variable in (self._first, self._second, self._steps):
            variable.assign(tf.zeros_like(variable))
        self._best_costs.assign([np.inf] * 4)
        self.start_costs = None

    @property
    def picture(self) -> np.ndarray:
        """The picture as it is now, float32 `(height, width, 3)`."""
        return self._picture.numpy()[0]

    @property
    def best(self) -> tuple[np.ndarray, Costs]:
        """The picture with the smallest cost so far, and its costs."""
        return self._best.numpy()[0], Costs(*map(float, self._best_costs.numpy()))

    @property
    def moments(self) -> Moments:
        """The state needed to continue later as if there had been no interruption."""
        return Moments(self._first.numpy()[0], self._second.numpy()[0], int(self._steps.numpy()))

    def close(self) -> None:
        """Nothing runs between two steps."""

    def _look(self) -> Costs:
        """The costs of the picture as it is; its gradient is kept, and the picture itself where it is the best."""
        if self._objective.tiled:  # its parts are compiled, the whole must not be
            costs = self._keep(*self._objective.value_and_gradient(self._picture.value()))
        else:
            costs = self._seen()
        return Costs(*map(float, costs.numpy()))

    def _evaluated(self) -> tf.Tensor:
        return self._kept(*self._objective.value_and_gradient(self._picture.value()))

    def _kept(self, parts: Costs, gradient: tf.Tensor) -> tf.Tensor:
        costs = tf.stack([tf.cast(cost, tf.float32) for cost in parts])
        is_best = costs[0] < self._best_costs[0]
        self._best.assign(tf.where(is_best, self._picture, self._best))
        self._best_costs.assign(tf.where(is_best, costs, self._best_costs))
        self._gradient.assign(gradient)
        return costs

    def _moved(self, rate: tf.Tensor) -> None:
        # The gradient of a large picture's pixel is tiny: without this factor epsilon would slow large pictures down.
        gradient = self._gradient * tf.cast(tf.size(self._gradient), tf.float32)
        count = self._steps.assign_add(1.0)
        first = self._first.assign(_BETA_1 * self._first + (1 - _BETA_1) * gradient)
        second = self._second.assign(_BETA_2 * self._second + (1 - _BETA_2) * tf.square(gradient))
        mean, square = first / (1 - tf.pow(_BETA_1, count)), second / (1 - tf.pow(_BETA_2, count))
        self._picture.assign(tf.clip_by_value(self._picture - rate * mean / (tf.sqrt(square) + _EPSILON), 0.0, 255.0))
