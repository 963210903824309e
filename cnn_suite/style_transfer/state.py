"""State of an optimisation: its start, the report of an iteration, and what a checkpoint stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cnn_suite.runtime.media.picture_arrays import resized
from cnn_suite.style_transfer.adam import Moments
from cnn_suite.style_transfer.margins import with_margin, without_margin
from cnn_suite.style_transfer.objective import Costs
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.targets import Region

NO_COSTS = Costs(*[float("inf")] * 4)  # of a picture that was not looked at yet


class PaintState(NamedTuple):
    """The state of an optimisation, sufficient to continue it.

    Attributes:
        scale: Index of the size it is at.
        iteration: Iterations done, of all sizes.
        scale_iteration: Iterations done at this size.
        scale_share: How much of this size's budget they used, 0 to 1.
        picture: float32 `(height, width, 3)` with its margin, as it is now.
        best: The same, the one with the smallest costs at this size.
        best_costs: Those costs; infinite before the first iteration.
        first_costs: Costs at the very beginning, None before the first iteration.
        moments: What Adam remembers; None for L-BFGS.
        seconds: How long it has taken.
        seconds_left: How much of the time is left; None if there is no limit.
    """

    scale: int
    iteration: int
    scale_iteration: int
    scale_share: float
    picture: np.ndarray
    best: np.ndarray
    best_costs: Costs
    first_costs: Costs | None
    moments: Moments | None
    seconds: float
    seconds_left: float | None


class Progress(NamedTuple):
    """The report of one iteration.

    Attributes:
        iteration: How many there have been, at all sizes.
        share: How much of the budget is used, 0 to 1.
        scale: Index of the present size.
        scales: How many sizes there are.
        size_hw: The present size.
        first_costs: Costs of the very first picture, at the coarsest size.
        costs: Costs of the picture that this iteration gave.
        best_costs: Those of the best picture at this size.
        picture: Gives the best picture at this size, uint8 `(height, width, 3)`.
        state: Gives the state to continue from. Both must be called before the next iteration.
        seconds: How long it has taken.
    """

    iteration: int
    share: float
    scale: int
    scales: int
    size_hw: tuple[int, int]
    first_costs: Costs
    costs: Costs
    best_costs: Costs
    picture: Callable[[], np.ndarray]
    state: Callable[[], PaintState]
    seconds: float


def beginning(
    photo: np.ndarray,
    regions: Sequence[Region],
    settings: TransferSettings,
    size_hw: tuple[int, int],
    first_picture: np.ndarray | None,
) -> PaintState:
    """The state before the first iteration: the picture that the settings, or `first_picture`, say."""
    if first_picture is not None or settings.start == "content":
        source = photo if first_picture is None else first_picture
        picture = resized(source.astype(np.float32), size_hw)
    elif settings.start == "style_mean":
        picture = _mean_colours(regions, size_hw)
    else:
        picture = np.random.default_rng(settings.seed).uniform(0, 255, (*size_hw, 3)).astype(np.float32)
    picture = with_margin(picture)
    return PaintState(0, 0, 0, 0.0, picture, picture, NO_COSTS, None, None, 0.0, None)


def enlarged(state: PaintState, size_hw: tuple[int, int]) -> PaintState:
    """The best picture of a size as the beginning of the next one."""
    picture = with_margin(resized(without_margin(state.best), size_hw))
    return state._replace(
        scale=state.scale + 1, scale_iteration=0, scale_share=0.0, picture=picture, best=picture, best_costs=NO_COSTS,
        moments=None,
    )  # fmt: skip


def _mean_colours(regions: Sequence[Region], size_hw: tuple[int, int]) -> np.ndarray:
    """The mean colour of every region's paintings where it applies; the mean of all where none does."""
    colours = []
    for region in regions:
        means = [np.mean(painting, axis=(0, 1), dtype=np.float64) for painting in region.paintings]
        colours.append(np.average(means, axis=0, weights=region.weights))
    masks = [
        np.ones(size_hw) if region.mask is None else resized(region.mask.astype(np.float32), size_hw)
        for region in regions
    ]
    covered = np.sum(masks, axis=0)[..., None]
    mixed = np.einsum("rhw,rc->hwc", masks, colours) / np.maximum(covered, 1e-6)
    return np.where(covered > 1e-3, mixed, np.mean(colours, axis=0)).astype(np.float32)
