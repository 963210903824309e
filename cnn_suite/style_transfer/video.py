"""Style transfer of a video by optimisation: every frame starts from the previous one, warped by the optical flow.

    J(t) = J + steadiness * mean(trust * (x(t) - warp(x(t-1)))^2)

with colours in 0..1. Where the flow cannot be trusted (what was hidden, what comes in, edges of moving things) the
frame starts from its own photograph and pays nothing. A cut begins again. All is compiled once, for the first frame.

Source: Ruder et al. 2016, Artistic style transfer for videos, equations 7 (the term for the frame before) and 9 (start
by the warped frame).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cnn_suite.runtime.media.picture_arrays import as_bytes, resized
from cnn_suite.runtime.style.optical_flow import Motion, motion_between, warped
from cnn_suite.runtime.style.steady import trust
from cnn_suite.style_transfer.adam import AdamSteps, rate_factor
from cnn_suite.style_transfer.margins import with_margin, without_margin
from cnn_suite.style_transfer.objective import Costs, Objective
from cnn_suite.style_transfer.painter import objective_of, result_size_hw
from cnn_suite.style_transfer.perception import Perception
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.targets import Region

STEADINESS = 300.0
FIRST_ITERATIONS = 200  # of the first frame of a scene
_LATER_SHARE = 0.2  # of these, for frames that start from the one before, nearly done
_TRUSTED_RATE = 0.25  # of the learning rate, for what starts as it was painted
_LEAST_TRUSTED = 0.1  # of a frame; with less there is a cut


class PaintedFrame(NamedTuple):
    """A frame of a painted video.

    Attributes:
        picture: Uint8 `(height, width, 3)`.
        frame: The filmed frame, of the same shape.
        costs: Its J and parts; the total includes the steadiness.
        motion: What moved since the frame before, at the size of the picture; None where a scene begins.
    """

    picture: np.ndarray
    frame: np.ndarray
    costs: Costs
    motion: Motion | None


def paint_frames(
    perception: Perception,
    frames: Iterable[np.ndarray],
    regions: Sequence[Region],
    settings: TransferSettings,
    *,
    steadiness: float = STEADINESS,
) -> Iterator[PaintedFrame]:
    """Paints the frames of a video, one after the other.

    Args:
        perception: The network for content and style features.
        frames: Uint8 RGB; all get the size of the first.
        regions: Paintings and masks, at their own sizes; a mask has the frames'.
        settings: The settings. Frames are painted by Adam, at one size, from their photograph: the settings'
            optimizer, sizes, start and seconds are ignored. `iterations` are those of the first frame of a scene; a
            later one gets a fifth.
        steadiness: Weight of the similarity to the previous frame; 0 for none, so that only the start is shared.

    Yields:
        A painted frame for each.

    Raises:
        ValueError: What `Objective` rejects.
    """
    painter, size_hw = None, (0, 0)
    for frame in frames:
        if painter is None:
            size_hw = result_size_hw(frame.shape[:2], settings.size)
            painter = _FramePainter(objective_of(perception, frame, regions, settings, size_hw), settings, steadiness)
        yield painter(resized(frame, size_hw))


class SteadyObjective:
    """An objective that also penalises differences from the previous frame; used like `Objective`.

    Args:
        objective: J of a frame with its margin, see `margins`.
        steadiness: Weight of the likeness.
    """

    def __init__(self, objective: Objective, steadiness: float):
        self.objective, self._steadiness = objective, steadiness
        self._before = tf.Variable(tf.zeros((1, *objective.size_hw, 3)))
        self._trust = tf.Variable(tf.zeros((1, *objective.size_hw, 1)))

    @property
    def tiled(self) -> bool:
        """Whether the picture is cut into windows."""
        return self.objective.tiled

    def remember(self, before: np.ndarray, trusted: np.ndarray) -> None:
        """Sets the frame before, without its margin.

        Args:
            before: As it would look now, float32 `(height, width, 3)`.
            trusted: How far it is trusted, 0..1 `(height, width)`.
        """
        self._before.assign(with_margin(before)[None])
        self._trust.assign(with_margin(trusted)[None, ..., None])

    def forget(self) -> None:
        """There is no frame before."""
        self._trust.assign(tf.zeros_like(self._trust))

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        """J with the likeness, and its gradient; the gradient of a square needs no tape."""
        costs, gradient = self.objective.value_and_gradient(picture)
        apart = picture - self._before
        pull = apart * self._trust * (self._steadiness / 255**2 / tf.cast(tf.size(picture), tf.float32))
        return costs._replace(total=costs.total + tf.reduce_sum(pull * apart)), gradient + 2 * pull


class _FramePainter:
    """Paints frames of one size in order."""

    def __init__(self, objective: Objective, settings: TransferSettings, steadiness: float):
        self._objective, self._steady = objective, SteadyObjective(objective, steadiness)
        self._steps = AdamSteps(self._steady, np.zeros((*objective.size_hw, 3), np.float32))
        self._rate = settings.learning_rate
        self._iterations = settings.iterations or FIRST_ITERATIONS
        self._frame: np.ndarray | None = None

    def __call__(self, frame: np.ndarray) -> PaintedFrame:
        self._objective.look_at(with_margin(frame))
        motion = self._motion_to(frame)
        if motion is None:
            costs = self._begun(frame)
        else:
            costs = self._carried_on(frame, motion, trust(motion))
        self._frame = frame
        return PaintedFrame(as_bytes(without_margin(self._steps.picture)), frame, costs, motion)

    def _motion_to(self, frame: np.ndarray) -> Motion | None:
        if self._frame is None:
            return None
        motion = motion_between(self._frame, frame, longest_side=None)
        return None if trust(motion).mean() < _LEAST_TRUSTED else motion

    def _begun(self, frame: np.ndarray) -> Costs:
        self._steady.forget()
        return self._descended(frame.astype(np.float32), np.zeros(frame.shape[:2], np.float32), self._iterations)

    def _carried_on(self, frame: np.ndarray, motion: Motion, trusted: np.ndarray) -> Costs:
        """Starts as the frame before was painted, where that can be trusted."""
        before = np.clip(warped(without_margin(self._steps.picture), motion.backward, sharp=True), 0, 255)
        self._steady.remember(before, trusted)
        start = frame + trusted[..., None] * (before - frame)
        return self._descended(start, trusted, max(1, round(self._iterations * _LATER_SHARE)))

    def _descended(self, start: np.ndarray, trusted: np.ndarray, iterations: int) -> Costs:
        """The costs of what the last step gave; the rate is whole in the first half, then falls."""
        self._steps.restart(with_margin(start))
        # What is new has few steps in which to be painted; what is painted already would be shaken by such steps.
        rates = self._rate * with_margin(1 + trusted * (_TRUSTED_RATE - 1))[..., None]
        for number in range(iterations):
            costs = self._steps.step(rates * rate_factor(number / iterations))
        return costs
