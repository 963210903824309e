"""The sizes a picture goes through on its way: large shapes are painted while it is small, strokes when it is large.

A stroke is as wide as what the network sees at once. On a small picture that is a large part of it, and an iteration
is cheap; enlarged, the picture is a start for the next size that already has the painting's large shapes. On a very
small one strokes would hide what it shows, so that it is painted larger and then reduced.

Source: Gatys et al. 2017, Controlling Perceptual Factors in Neural Style Transfer, section 6 (coarse to fine).
"""

import math
from collections.abc import Sequence

from cnn_suite.runtime.media.picture_arrays import fitted_size_hw

COARSEST = 256  # longest side; below it VGG and SqueezeNet see half of the picture at once, and strokes are too wide
_COARSE_SHARE = 0.4  # of the work, for all sizes but the last


def scale_sizes_hw(
    size_hw: tuple[int, int], scales: int | None = None, *, smallest: int = 1
) -> tuple[tuple[int, int], ...]:
    """The sizes from the coarsest to the full one.

    Args:
        size_hw: The size of the result.
        scales: How many; None for steps of at most 2 from 256 pixels on.
        smallest: The smallest side a picture may have; sizes with a smaller one are left out.

    Returns:
        One size or more, growing; the last one is `size_hw`, or of its shape and 256 pixels if that is smaller.
    """
    longest = max(*size_hw, COARSEST)
    size_hw = fitted_size_hw(size_hw, longest)
    if scales is None:
        scales = 1 + max(0, math.ceil(math.log2(longest / COARSEST) - 0.3))  # up to a quarter more in one go
        step = min(2.0, (longest / COARSEST) ** (1 / max(1, scales - 1)))
    else:
        step = min(2.0, max(math.sqrt(2), (longest / (COARSEST / 2)) ** (1 / max(1, scales - 1))))
    sizes = [fitted_size_hw(size_hw, longest / step**below) for below in range(scales - 1, 0, -1)]
    return (*(size for size in sizes if min(size) >= smallest), size_hw)


def scale_shares(count: int) -> tuple[float, ...]:
    """How much of the work each of `count` sizes gets; the sum is 1."""
    if count == 1:
        return (1.0,)
    return (*(_COARSE_SHARE / (count - 1),) * (count - 1), 1 - _COARSE_SHARE)


def iterations_by_scale(iterations: int, count: int) -> tuple[int, ...]:
    """Whole numbers of iterations for `count` sizes: their sum is `iterations`, where there is one for each."""
    counts = [max(1, round(iterations * share)) for share in scale_shares(count)[:-1]]
    return (*counts, max(1, iterations - sum(counts)))


def painting_side(size_hw: Sequence[int], picture_hw: Sequence[int], share: float, smallest: int) -> int:
    """The longest side at which a painting is looked at beside a picture.

    Args:
        size_hw: The painting's own size.
        picture_hw: The picture's size.
        share: The painting's longest side as a fraction of the picture's.
        smallest: The smallest side a picture may have: a narrow painting stays larger than its share.
    """
    least = math.ceil(smallest * max(size_hw) / min(size_hw))
    return max(round(max(picture_hw) * share), least)
