"""How long each size of a picture is painted: by iterations, by the clock, or by whichever ends first.

By the clock nothing is known beforehand: what an iteration takes is measured at each size, and a size is begun only if
there is time for its compilation and for enough iterations to be worth it.
"""

import statistics
import time
from collections.abc import Callable, Sequence

from cnn_suite.style_transfer.scales import iterations_by_scale, scale_shares

_USEFUL = 30  # iterations at a new size that are worth its beginning: Adam roughens a picture before it smooths it
_FEW = 2  # that are worth beginning it when the time has come
_UNKNOWN_S = 5.0  # that must be left where nothing has been measured
_MEASURED = 3  # iterations after which their time is known
_OF_THE_FIRST = 1 / 3
_SLACK = 1.25  # of an iteration that is slower than those before it
_TARGETS = 4  # what looking at photograph, paintings and the first picture costs, in iterations


class Pace:
    """The budget of an optimisation over several sizes.

    Args:
        sizes_hw: The sizes, growing.
        iterations: Steps of all sizes together; None for no limit.
        deadline: When all must be done, on `clock`; None for no limit.
        clock: Seconds.
    """

    def __init__(
        self,
        sizes_hw: Sequence[tuple[int, int]],
        iterations: int | None,
        deadline: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.last = len(sizes_hw) - 1  # the last size that is reached; lower where time is short
        self._sizes_hw, self._deadline, self._clock = sizes_hw, deadline, clock
        self._shares = scale_shares(len(sizes_hw))
        self._iterations = None if iterations is None else iterations_by_scale(iterations, len(sizes_hw))

    def begin(self, scale: int, *, iterations: int = 0, share: float = 0.0) -> None:
        """Start on a size, before anything is prepared for it.

        Args:
            scale: Its index.
            iterations: How many were done at this size before a break.
            share: How much of its budget they used.
        """
        self._scale, self._done, self._share_before = scale, iterations, share
        self._began = self._step_began = self._clock()
        self._seconds: list[float] = []
        self._slot_end = self._end_of_slot(share)

    def stepped(self) -> None:
        """Count an iteration of the present size."""
        now = self._clock()
        self._seconds.append(now - self._step_began)
        self._step_began = now
        self._done += 1
        if len(self._seconds) == 1 + _MEASURED and self._deadline is not None and self._scale < self.last:
            if not self._has_time_for(_USEFUL):
                self.last, self._slot_end = self._scale, self._deadline

    @property
    def share(self) -> float:
        """How much of the present size's budget is used, 0 to 1."""
        shares = [0.0]
        if self._iterations is not None:
            shares.append(self._done / self._iterations[self._scale])
        if self._slot_end is not None:
            used = (self._clock() - self._began) / max(self._slot_end - self._began, 1e-9)
            shares.append(self._share_before + (1 - self._share_before) * used)
        return min(1.0, max(shares))

    @property
    def total_share(self) -> float:
        """How much of the whole budget is used, 0 to 1."""
        before = sum(self._shares[: self._scale])
        rest = 1 - before if self._scale == self.last else self._shares[self._scale]
        return before + rest * self.share

    @property
    def is_over(self) -> bool:
        """Whether the present size is done; by the clock never before its first iteration."""
        if self._iterations is not None and self._done >= self._iterations[self._scale]:
            return True
        if self._deadline is None or not self._done:
            return False
        if self._share_before >= 1:  # resumed where it had ended
            return True
        now = self._clock()
        if now + _SLACK * self._typical > self._deadline:
            return True
        is_measured = len(self._seconds) > _MEASURED or self._scale == self.last
        return is_measured and self._slot_end is not None and now >= self._slot_end

    @property
    def goes_on(self) -> bool:
        """Whether the next size is to be begun, now that the present one is over."""
        return self._scale < self.last and (self._deadline is None or self._has_time_for(_FEW))

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline; None if there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    @property
    def _typical(self) -> float:
        if len(self._seconds) < 2:  # the first one is compilation, most of it
            return sum(self._seconds) * _OF_THE_FIRST
        return statistics.median(self._seconds[1:])

    def _end_of_slot(self, share: float) -> float | None:
        if self._deadline is None:
            return None
        mine = self._shares[self._scale] * (1 - share)
        whole = mine + sum(self._shares[self._scale + 1 : self.last + 1])
        return self._began + max(0.0, self._deadline - self._began) * (mine / whole if whole else 0.0)

    def _has_time_for(self, iterations: int) -> bool:
        """Whether so many iterations at the next size can be done in the time that the present one leaves."""
        assert self._deadline is not None and self._slot_end is not None
        left = self._deadline - max(self._slot_end, self._clock())
        if not self._seconds:
            return left > _UNKNOWN_S
        areas = [height * width for height, width in self._sizes_hw[self._scale : self._scale + 2]]
        iteration = self._typical * areas[1] / areas[0] * _SLACK
        compilation = max(0.0, self._seconds[0] - self._typical)
        return left > compilation + (_TARGETS + iterations) * iteration
