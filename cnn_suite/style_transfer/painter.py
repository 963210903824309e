"""Style transfer by optimising the pixels: a picture goes through its sizes, the coarsest first, one step at a time.

`paint` is a generator. A progress bar, a preview, checkpoints, or an end before the end are its caller's business.

Source: Gatys, Ecker & Bethge 2015, A Neural Algorithm of Artistic Style.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from cnn_suite.runtime.media.picture_arrays import as_bytes, fitted_size_hw, resized
from cnn_suite.style_transfer.adam import AdamSteps, rate_factor
from cnn_suite.style_transfer.lbfgs import LbfgsSteps
from cnn_suite.style_transfer.margins import with_margin, without_margin
from cnn_suite.style_transfer.objective import Costs, CostWeights, Objective
from cnn_suite.style_transfer.pace import Pace
from cnn_suite.style_transfer.perception import Perception
from cnn_suite.style_transfer.scales import painting_side, scale_sizes_hw
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.state import PaintState, Progress, beginning, enlarged
from cnn_suite.style_transfer.targets import Region, resized_painting

_MOST_AT_ONCE = 1_200_000  # pixels of a picture that is seen in one piece: about 1.5 GB with SqueezeNet's activations
_TILE = 512


def paint(
    perception: Perception,
    photo: np.ndarray,
    regions: Sequence[Region],
    settings: TransferSettings,
    *,
    state: PaintState | None = None,
    deadline: float | None = None,
    first_picture: np.ndarray | None = None,
) -> Generator[Progress]:
    """Paint a photograph in the style of paintings.

    Args:
        perception: The network for content and style features.
        photo: uint8 or float32 `(height, width, 3)`, 0..255.
        regions: Paintings and masks, at their own sizes; a mask has the photograph's.
        settings: The settings of the transfer.
        state: The state of an earlier call with the same arguments; None to start.
        deadline: When the last iteration must be done, on the clock of `time.monotonic`; None for no such time. It is
            met by painting fewer sizes where it is short; one iteration at the coarsest is done in any case.
        first_picture: Where to start, of any size, instead of what `settings.start` says.

    Yields:
        Progress after every iteration, at least once.

    Raises:
        ValueError: If the photograph is too small for the network, or what `Objective` rejects.
    """
    size_hw = result_size_hw(photo.shape[:2], settings.size)
    sizes = scale_sizes_hw(size_hw, settings.scales, smallest=perception.smallest)
    _check_size(sizes[-1], perception)
    pace = Pace(sizes, settings.most_iterations, deadline)
    state = state or beginning(photo, regions, settings, sizes[0], first_picture)
    for scale in range(state.scale, len(sizes)):
        pace.begin(scale, iterations=state.scale_iteration, share=state.scale_share)
        for progress in _paint_size(perception, photo, regions, settings, sizes, pace, state):
            yield progress
        state = progress.state()
        if not pace.goes_on:
            return
        state = enlarged(state, sizes[scale + 1])
        del progress  # it holds on to the graph and the variables of the size before
        gc.collect()


def result_size_hw(photo_hw: Sequence[int], size: int | None) -> tuple[int, int]:
    """The size of the result: the photograph's, or of its shape with the longest side `size`."""
    height, width = photo_hw
    return (height, width) if size is None else fitted_size_hw((height, width), size)


def _paint_size(
    perception: Perception,
    photo: np.ndarray,
    regions: Sequence[Region],
    settings: TransferSettings,
    sizes: Sequence[tuple[int, int]],
    pace: Pace,
    state: PaintState,
) -> Iterator[Progress]:
    size_hw, began = sizes[state.scale], time.monotonic() - state.seconds
    steps = _steps(objective_of(perception, photo, regions, settings, size_hw), settings, state, pace)
    first_costs, iteration, here = state.first_costs, state.iteration, state.scale_iteration

    def progress(costs: Costs) -> Progress:
        seconds, share = time.monotonic() - began, pace.share

        def now() -> PaintState:
            best, best_costs = steps.best
            return PaintState(
                state.scale, iteration, here, share, steps.picture, best, best_costs, first_costs, steps.moments,
                seconds, pace.seconds_left,
            )  # fmt: skip

        return Progress(
            iteration, pace.total_share, state.scale, len(sizes), size_hw, first_costs or costs, costs, steps.best[1],
            lambda: as_bytes(without_margin(steps.best[0])), now, seconds,
        )  # fmt: skip

    try:
        if pace.is_over:  # resumed where this size ended
            yield progress(state.best_costs)
            return
        while not pace.is_over:
            costs = steps.step(settings.learning_rate * rate_factor(pace.share))
            if costs is None:
                if not here:
                    raise _no_step(size_hw)
                break
            iteration, here, first_costs = iteration + 1, here + 1, first_costs or steps.start_costs
            pace.stepped()
            yield progress(costs)
    finally:
        steps.close()


def objective_of(
    perception: Perception,
    photo: np.ndarray,
    regions: Sequence[Region],
    settings: TransferSettings,
    size_hw: tuple[int, int],
) -> Objective:
    """J of a picture of one size, its margin included, with paintings and masks as they are looked at there.

    Args:
        perception: The network for content and style features.
        photo: The content, `(height, width, 3)`, of any size.
        regions: Paintings and masks, at their own sizes.
        settings: Weights, tiles, and how large paintings are looked at.
        size_hw: The size of the picture without its margin.
    """
    weights = CostWeights(settings.alpha, settings.beta * settings.strength, settings.tv, settings.normalisation)
    content = with_margin(resized(photo.astype(np.float32), size_hw))
    seen = [_seen(region, size_hw, settings.painting_scale, perception.smallest) for region in regions]
    tile = settings.tile
    if tile is None:
        tile = _TILE if size_hw[0] * size_hw[1] > _MOST_AT_ONCE else 0
    return Objective(perception, content, seen, weights, tile=tile)


def _seen(region: Region, size_hw: tuple[int, int], share: float, smallest: int) -> Region:
    """The region's paintings and mask at the size at which they are looked at beside a picture of `size_hw`."""
    sides = [painting_side(painting.shape[:2], size_hw, share, smallest) for painting in region.paintings]
    paintings = [resized_painting(painting, side) for painting, side in zip(region.paintings, sides)]
    mask = None if region.mask is None else with_margin(resized(region.mask.astype(np.float32), size_hw))
    return Region(paintings, region.weights, mask)


def _steps(objective: Objective, settings: TransferSettings, state: PaintState, pace: Pace) -> AdamSteps | LbfgsSteps:
    best = (state.best, state.best_costs) if state.scale_iteration else None
    if settings.optimizer == "adam":
        return AdamSteps(objective, state.picture, state.moments, best)
    # A first evaluation has to be possible: without one there is no picture.
    seconds_left = pace.seconds_left if state.iteration else None
    return LbfgsSteps(objective, state.picture, best, None if seconds_left is None else time.monotonic() + seconds_left)


def _check_size(size_hw: tuple[int, int], perception: Perception) -> None:
    if min(size_hw) < perception.smallest:
        longest = -(-perception.smallest * max(size_hw) // min(size_hw))
        raise ValueError(
            f"The picture would be painted at {size_hw[1]} x {size_hw[0]} pixels. {perception.name} needs at least "
            f"{perception.smallest} per side: use a size (longest side) of at least {longest}."
        )


def _no_step(size_hw: tuple[int, int]) -> ArithmeticError:
    return ArithmeticError(
        f"L-BFGS could not improve on its starting picture of {size_hw[1]} x {size_hw[0]} pixels. "
        "Try the optimizer adam."
    )
