"""What every evaluation says of its speed."""

import pytest

from cnn_suite.tasks.evaluation_request import latency_ms


# Of 0.001 .. 0.011 s the middle one takes 6 ms; nine tenths of the way lies at 10 ms.
def test_latency_is_the_median_and_the_ninth_tenth_in_milliseconds():
    found = latency_ms([number / 1000 for number in range(11, 0, -1)])
    assert found == pytest.approx({"median": 6.0, "p90": 10.0})
    assert all(type(value) is float for value in found.values())  # fit for JSON
