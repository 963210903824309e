"""Tests of cnn_suite.style_transfer.pace, on a clock that goes when it is told to."""

import pytest

from cnn_suite.style_transfer.pace import Pace


class Clock:
    """Seconds that pass only by `wait`."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def run(pace: Pace, clock: Clock, scale: int, *, first: float, each: float) -> int:
    """Iterations at a size whose first one takes longer."""
    pace.begin(scale)
    count = 0
    while not pace.is_over:
        clock.wait(each if count else first)
        pace.stepped()
        count += 1
    return count


def test_iterations_are_shared_out_among_the_sizes() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], 10, None, clock)
    assert run(pace, clock, 0, first=9, each=9) == 4
    assert pace.total_share == pytest.approx(0.4)
    assert run(pace, clock, 1, first=9, each=9) == 6
    assert pace.total_share == 1
    assert pace.seconds_left is None


def test_the_time_is_shared_out_and_the_deadline_is_kept() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], None, 140.0, clock)
    # 40 % of 40 s is 16 s: 1 s for the first iteration and 150 of 0.1 s each, give or take rounding.
    assert run(pace, clock, 0, first=1.0, each=0.1) == pytest.approx(151, abs=1)
    assert clock.now == pytest.approx(116, abs=0.15)
    # Each takes four times as long. 24 s: 1.3 s for the first, then 0.4 s each; the last must have ended by then.
    assert run(pace, clock, 1, first=1.3, each=0.4) == pytest.approx(57, abs=1)
    assert 138.9 < clock.now <= 140.0


def test_a_size_that_would_not_be_worth_it_is_not_begun_and_its_time_is_used_before() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (512, 512)], None, 110.0, clock)
    # An iteration at the second size would take 64 x 0.1 s.
    count = run(pace, clock, 0, first=1.0, each=0.1)
    assert pace.last == 0
    assert count > 80
    assert clock.now <= 110.0
    assert pace.total_share == pytest.approx(1, abs=0.03)


def test_one_iteration_is_done_however_short_the_time_is() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], None, 99.0, clock)
    assert run(pace, clock, 0, first=1.0, each=1.0) == 1


def test_iterations_end_a_size_before_its_time() -> None:
    clock = Clock()
    assert run(Pace([(64, 64)], 5, 200.0, clock), clock, 0, first=1.0, each=1.0) == 5


def test_after_a_break_only_the_rest_of_a_size_is_left() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], 10, None, clock)
    pace.begin(0, iterations=3, share=0.75)
    assert pace.share == 0.75
    clock.wait(1)
    pace.stepped()
    assert pace.is_over
    timed = Pace([(64, 64), (128, 128)], None, 107.0, clock)  # 6 s: 0.4 x 0.25 and 0.6 of the work are left
    timed.begin(0, iterations=9, share=0.75)
    assert timed.share == pytest.approx(0.75)
    clock.wait(6 * 0.1 / 0.7)
    assert timed.share == pytest.approx(1.0)


def test_no_further_size_is_begun_when_the_time_is_over() -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], None, 101.0, clock)
    run(pace, clock, 0, first=3.0, each=1.0)
    assert not pace.goes_on
    unlimited = Pace([(64, 64), (128, 128)], 10, None, clock)
    run(unlimited, clock, 0, first=3.0, each=1.0)
    assert unlimited.goes_on
    run(unlimited, clock, 1, first=3.0, each=1.0)
    assert not unlimited.goes_on


@pytest.mark.parametrize(("left", "goes_on"), [(4.0, False), (6.0, True)])
def test_resumed_at_the_end_of_a_size_it_goes_on_where_seconds_are_left(left: float, goes_on: bool) -> None:
    clock = Clock()
    pace = Pace([(64, 64), (128, 128)], None, clock.now + left, clock)
    pace.begin(0, iterations=9, share=1.0)
    assert pace.is_over
    assert pace.goes_on == goes_on
