"""How every evaluation measures its speed."""

import pytest

from cnn_suite.tasks import evaluation_request
from cnn_suite.tasks.evaluation_request import Timed


# Of 1 to 11 ms the middle one is 6 ms; nine tenths of the way lies at 10 ms.
def test_latency_is_the_median_and_the_ninth_tenth_in_milliseconds(monkeypatch):
    clock = [instant for number in range(11, 0, -1) for instant in (0.0, number / 1000)]
    monkeypatch.setattr(evaluation_request, "perf_counter", iter(clock).__next__)
    timed = Timed(lambda number: -number)
    assert [timed(number) for number in range(11)] == [-number for number in range(11)]
    found = timed.latency_ms()
    assert found == pytest.approx({"median": 6.0, "p90": 10.0})
    assert all(type(value) is float for value in found.values())  # fit for JSON


def test_the_first_call_is_made_once_more_and_not_timed():
    calls = []
    timed = Timed(lambda number, double=False: calls.append((number, double)))
    timed(1, double=True)
    timed(2)
    assert calls == [(1, True), (1, True), (2, False)]
