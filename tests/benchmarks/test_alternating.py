"""Tests of benchmarks/alternating.py: who is called when, and what is counted."""

import numpy as np
import pytest
from alternating import alternate, summary, table


def test_contestants_take_turns_in_an_order_that_moves_on() -> None:
    called: list[str] = []
    taken = alternate({name: lambda name=name: called.append(name) for name in "ab"}, rounds=2, calls=2, warm_up=1)
    assert "".join(called) == "ab" + "aabb" + "bbaa"  # warm-up, first round, second round
    assert {name: values.shape for name, values in taken.items()} == {"a": (2,), "b": (2,)}  # one of two counts


@pytest.mark.parametrize(("rounds", "calls"), [(0, 5), (3, 1)])
def test_too_few_rounds_or_calls_are_refused(rounds: int, calls: int) -> None:
    with pytest.raises(ValueError, match="at least 1 and `calls` at least 2. Received"):
        alternate({"a": lambda: None}, rounds=rounds, calls=calls)


def test_ratios_are_to_the_first_contestant() -> None:
    figures = summary({"ours": np.array([2.0, 4.0, 6.0]), "theirs": np.array([8.0, 8.0, 8.0])})
    assert figures["ours"] == {"median_ms": 4.0, "p90_ms": pytest.approx(5.6), "ratio": 1.0}
    assert figures["theirs"]["ratio"] == 2.0
    assert "| theirs | 8.00 | 8.00 | 2.00 |" in table(figures)
