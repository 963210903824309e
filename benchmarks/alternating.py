"""Fair timing on a noisy machine: contestants run alternately in one process, so that slow moments affect all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def alternate(
    contestants: Mapping[str, Callable[[], Any]], *, rounds: int, calls: int = 5, warm_up: int = 5
) -> dict[str, np.ndarray]:
    """Time every contestant `calls` times in every round, in an order that rotates by one each round.

    Args:
        contestants: Maps each name to the function to time.
        rounds: Number of rounds.
        calls: Consecutive calls per turn; the first one wakes up the contestant's threads and is not counted.
        warm_up: Uncounted calls of each contestant before the first round.

    Returns:
        Milliseconds of the counted calls of each contestant, `(rounds * (calls - 1),)`.
    """
    if rounds < 1 or calls < 2:
        raise ValueError(f"`rounds` must be at least 1 and `calls` at least 2. Received {rounds} and {calls}.")
    names = list(contestants)
    for name in names:
        for _ in range(warm_up):
            contestants[name]()
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            milliseconds = [_milliseconds(contestants[name]) for _ in range(calls)]
            taken[name] += milliseconds[1:]
    return {name: np.array(values) for name, values in taken.items()}


def summary(taken: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Median, 90th percentile, and ratio of the median to that of the first contestant."""
    reference = float(np.median(next(iter(taken.values()))))
    return {
        name: {
            "median_ms": float(np.median(values)),
            "p90_ms": float(np.percentile(values, 90)),
            "ratio": float(np.median(values)) / reference,
        }
        for name, values in taken.items()
    }


def table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Format the result of `summary` as a Markdown table."""
    lines = ["| what | median ms | p90 ms | ratio |", "|---|---|---|---|"]
    for name, row in figures.items():
        lines.append(f"| {name} | {row['median_ms']:.2f} | {row['p90_ms']:.2f} | {row['ratio']:.2f} |")
    return "\n".join(lines)


def _milliseconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000.0
