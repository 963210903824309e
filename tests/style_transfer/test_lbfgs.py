"""Tests of cnn_suite.style_transfer.lbfgs, on costs whose minimum is known."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import Bounds, minimize

from cnn_suite.style_transfer.lbfgs import LbfgsSteps
from cnn_suite.style_transfer.objective import Costs

RNG = np.random.default_rng(1)
START = RNG.uniform(50, 200, (4, 5, 3)).astype(np.float32)
TARGET = RNG.uniform(-60, 300, (4, 5, 3)).astype(np.float32)
SCALES = RNG.uniform(0.1, 3, (4, 5, 3)).astype(np.float32)


class Bowl:
    """Weighted squares of the distance from a target that lies outside of 0..255 in part."""

    tiled = False

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        away = (picture - TARGET[None]) / 255
        cost = tf.reduce_sum(SCALES[None] * tf.square(away))
        return Costs(cost, tf.constant(0.0), cost, tf.constant(0.0)), 2 * SCALES[None] * away / 255


class Broken(Bowl):
    """Fails."""

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        raise MemoryError("no room")


def test_it_ends_at_the_target_or_at_the_bound_next_to_it() -> None:
    steps = LbfgsSteps(Bowl(), START)
    for _ in range(60):
        if steps.step(8.0) is None:
            break
    assert steps.best[0] == pytest.approx(np.clip(TARGET, 0, 255), abs=0.5)
    assert steps.picture == pytest.approx(steps.best[0], abs=0.5)
    steps.close()


def test_its_iterations_are_those_of_scipy_left_alone() -> None:
    def cost(values: np.ndarray) -> tuple[float, np.ndarray]:
        away = values - TARGET.ravel() / 255
        return float((SCALES.ravel() * away**2).sum()), 2 * SCALES.ravel() * away

    seen: list[float] = []
    minimize(
        cost, START.ravel() / 255.0, jac=True, method="L-BFGS-B", bounds=Bounds(0, 1),
        callback=lambda intermediate_result: seen.append(intermediate_result.fun), options={"maxiter": 6},
    )  # fmt: skip
    steps = LbfgsSteps(Bowl(), START)
    costs = [steps.step(8.0).total for _ in range(6)]
    steps.close()
    assert steps.start_costs.total == pytest.approx(cost(START.ravel() / 255.0)[0], rel=1e-5)
    assert costs == pytest.approx(seen, rel=1e-4)  # those of the pictures after each step


def test_no_step_is_offered_once_nothing_helps() -> None:
    steps = LbfgsSteps(Bowl(), np.clip(TARGET, 0, 255))
    answers = [steps.step(8.0) for _ in range(4)]
    assert answers[-1] is None
    assert steps.best[1].total < np.inf
    steps.close()


def test_a_deadline_ends_it_within_a_line_search() -> None:
    steps = LbfgsSteps(Bowl(), START, deadline=time.monotonic() - 1)
    assert steps.step(8.0) is None
    assert steps.step(8.0) is None
    steps.close()


def test_an_error_of_the_costs_arrives_where_the_step_was_asked_for() -> None:
    steps = LbfgsSteps(Broken(), START)
    with pytest.raises(MemoryError, match="no room"):
        steps.step(8.0)
    steps.close()


def test_closing_ends_its_thread_begun_or_not() -> None:
    before = threading.active_count()
    LbfgsSteps(Bowl(), START).close()
    steps = LbfgsSteps(Bowl(), START)
    steps.step(8.0)
    assert threading.active_count() == before + 1
    steps.close()
    assert threading.active_count() == before
