"""Style transfer of a video by optimisation: every frame starts from the one before, carried along by the optical flow.

    J(t) = J + steadiness * mean(trust * (x(t) - warp(x(t-1)))^2)

with colours in 0..1. Where the flow cannot be trusted (what was hidden, what comes in, edges of moving things) the
frame starts from its own photograph and pays nothing. Everything is compiled once, for the first frame.

Source: Ruder et al. 2016, Artistic style transfer for videos, equations 7 (the term for the frame before) and 9 (start
by the warped frame).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cnn_suite.runtime.optical_flow import Motion, motion_between, warped
from cnn_suite.runtime.steady import trust
from cnn_suite.style_transfer.adam import AdamSteps
from cnn_suite.style_transfer.objective import Costs, Objective

STEADINESS = 100.0
FIRST_ITERATIONS, ITERATIONS = 200, 40  # of the first frame, and of every later one, which starts nearly done
_FINAL_RATE = 0.02  # of the learning rate, at the end of each frame
_LATER_RATE = 0.25  # of the learning rate, for frames that start from the one before


class PaintedFrame(NamedTuple):
    """A frame of a painted video.

    Attributes:
        picture: Uint8 `(height, width, 3)`.
        costs: Its J and parts, the steadiness not among them.
        motion: What moved since the frame before; None for the first.
    """

    picture: np.ndarray
    costs: Costs
    motion: Motion | None


class SteadyObjective:
    """An objective that also asks for likeness to the frame before; used like `Objective`.

    Args:
        objective: J of a frame.
        steadiness: Weight of the likeness.
    """

    def __init__(self, objective: Objective, steadiness: float):
        self.objective, self._steadiness = objective, steadiness
        self._before = tf.Variable(tf.zeros((1, *objective.size_hw, 3)))
        self._trust = tf.Variable(tf.zeros((1, *objective.size_hw, 1)))

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.objective.size_hw

    @property
    def tiled(self) -> bool:
        """Whether the picture is cut into windows."""
        return self.objective.tiled

    def remember(self, before: np.ndarray, trusted: np.ndarray) -> None:
        """Sets the frame before as it would look now, float32 `(height, width, 3)`, and how far it is trusted, 0..1."""
        self._before.assign(before[None])
        self._trust.assign(trusted[None, ..., None])

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        """J with the likeness, and its gradient; the gradient of a square needs no tape."""
        costs, gradient = self.objective.value_and_gradient(picture)
        apart = (picture - self._before) * (self._steadiness / 255**2 / tf.size(picture, tf.float32)) * self._trust
        likeness = tf.reduce_sum(apart * (picture - self._before))
        return costs._replace(total=costs.total + likeness), gradient + 2 * apart


def paint_frames(
    objective: Objective,
    frames: Iterable[np.ndarray],
    *,
    learning_rate: float = 8.0,
    first_iterations: int = FIRST_ITERATIONS,
    iterations: int = ITERATIONS,
    steadiness: float = STEADINESS,
) -> Iterator[PaintedFrame]:
    """Paints the frames of a video, one after the other.

    Args:
        objective: J of a frame, made for the first one.
        frames: Uint8 RGB, all of the objective's size.
        learning_rate: Grey levels that a pixel moves in a step, at the beginning.
        first_iterations: Steps for the first frame, which starts from its photograph.
        iterations: Steps for every later one.
        steadiness: Weight of the likeness to the frame before; 0 for none, so that only the start is shared.

    Yields:
        A painted frame for each.
    """
    steady, steps, earlier = SteadyObjective(objective, steadiness), None, None
    for frame in frames:
        objective.look_at(frame)
        if steps is None or earlier is None:
            steps, motion = AdamSteps(steady, frame.astype(np.float32)), None
            costs = _descended(steps, first_iterations, learning_rate)
        else:
            motion = motion_between(earlier, frame, longest_side=None)
            trusted = trust(motion)
            before = np.clip(warped(steps.picture, motion.backward, sharp=True), 0, 255)
            steady.remember(before, trusted)
            steps.restart(frame + trusted[..., None] * (before - frame))
            costs = _descended(steps, iterations, learning_rate * _LATER_RATE)
        earlier = frame
        yield PaintedFrame(np.rint(steps.picture).astype(np.uint8), costs, motion)


def _descended(steps: AdamSteps, iterations: int, learning_rate: float) -> Costs:
    for number in range(iterations):
        left = 1 - number / iterations
        costs = steps.step(learning_rate * max(_FINAL_RATE, min(1.0, 2 * left)))
    return costs
