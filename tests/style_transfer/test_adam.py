"""Tests of cnn_suite.style_transfer.adam, on costs whose gradient is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.style_transfer.adam import AdamSteps, rate_factor
from cnn_suite.style_transfer.objective import Costs


class Towards:
    """The squared distance from a target; counts how often it is traced or called."""

    def __init__(self, target: np.ndarray, tiled: bool = False) -> None:
        self.target, self.tiled, self.calls = tf.constant(target[None], tf.float32), tiled, 0

    def value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        self.calls += 1
        cost = tf.reduce_sum(tf.square(picture - self.target)) / tf.cast(tf.size(picture), tf.float32)
        gradient = 2 * (picture - self.target) / tf.cast(tf.size(picture), tf.float32)
        return Costs(cost, tf.constant(0.0), cost, tf.constant(0.0)), gradient


RNG = np.random.default_rng(0)
START = RNG.uniform(50, 200, (4, 5, 3)).astype(np.float32)
TARGET = RNG.uniform(50, 200, (4, 5, 3)).astype(np.float32)


def test_the_first_step_moves_every_pixel_by_the_rate_towards_the_target() -> None:
    # Adam's first step is rate x g / |g|, whatever the gradient's length.
    steps = AdamSteps(Towards(TARGET), START)
    costs = steps.step(2.0)
    assert steps.start_costs.total == pytest.approx(np.mean((START - TARGET) ** 2), rel=1e-5)
    assert steps.picture == pytest.approx(START + 2 * np.sign(TARGET - START), abs=1e-3)
    assert costs.total == pytest.approx(np.mean((steps.picture - TARGET) ** 2), rel=1e-5)


@pytest.mark.parametrize("tiled", [False, True])
def test_the_picture_of_the_last_step_is_looked_at_and_every_picture_only_once(tiled: bool) -> None:
    objective = Towards(TARGET, tiled)
    steps = AdamSteps(objective, START)
    for _ in range(3):
        costs = steps.step(2.0)
    assert steps.best[1] == costs and np.array_equal(steps.best[0], steps.picture)
    if tiled:  # otherwise a trace counts, not a look
        assert objective.calls == 4  # the start, and what each step gave


@pytest.mark.parametrize("tiled", [False, True])
def test_the_steps_are_those_of_keras(tiled: bool) -> None:
    objective = Towards(TARGET, tiled)
    steps = AdamSteps(objective, START)
    variable = keras.Variable(START)
    adam = keras.optimizers.Adam(3.0, beta_1=0.9, beta_2=0.99, epsilon=1e-8)
    for _ in range(12):
        steps.step(3.0)
        adam.apply([2 * (variable.value - TARGET)], [variable])
    assert steps.picture == pytest.approx(keras.ops.convert_to_numpy(variable.value), abs=1e-2)
    assert steps.moments.steps == 12


def test_the_step_is_traced_once_whatever_the_rate() -> None:
    objective = Towards(TARGET)
    steps = AdamSteps(objective, START)
    for rate in (8.0, 4.0, 2.5, 0.1):
        steps.step(rate)
    assert objective.calls == 1


def test_the_picture_stays_within_0_and_255() -> None:
    steps = AdamSteps(Towards(np.full((4, 5, 3), 400, np.float32)), START)
    for _ in range(60):
        steps.step(8.0)
    assert steps.picture == pytest.approx(np.full((4, 5, 3), 255.0))


def test_the_best_picture_is_kept_when_later_ones_are_worse() -> None:
    steps = AdamSteps(Towards(START), START)  # it starts at the optimum
    moved = AdamSteps(Towards(START), START + 1)
    for _ in range(8):
        steps.step(20.0)
        moved.step(20.0)  # far beyond and back
    assert np.array_equal(steps.best[0], START)
    assert steps.best[1].total == 0
    assert moved.best[1].total <= 1.0001


def test_going_on_from_what_is_kept_gives_the_same_as_no_break() -> None:
    whole = AdamSteps(Towards(TARGET), START)
    for _ in range(10):
        whole.step(5.0)
    first = AdamSteps(Towards(TARGET), START)
    for _ in range(4):
        first.step(5.0)
    second = AdamSteps(Towards(TARGET), first.picture, first.moments, first.best)
    for _ in range(6):
        second.step(5.0)
    assert np.array_equal(second.picture, whole.picture)
    assert second.best[1] == whole.best[1]


def test_a_restart_is_a_beginning_that_compiles_nothing_anew() -> None:
    objective = Towards(TARGET)
    used = AdamSteps(objective, START)
    for _ in range(5):
        used.step(8.0)
    other = START[::-1].copy()
    used.restart(other)
    new = AdamSteps(Towards(TARGET), other)
    for steps in (used, new):
        for _ in range(3):
            steps.step(4.0)
    assert np.array_equal(used.picture, new.picture)
    assert used.best[1] == new.best[1] and np.array_equal(used.best[0], new.best[0])
    assert used.moments.steps == 3 and used.start_costs == new.start_costs
    assert objective.calls == 1


def test_the_learning_rate_is_whole_in_the_first_half_and_ends_small() -> None:
    assert [rate_factor(share) for share in (0, 0.3, 0.499)] == [1, 1, 1]
    assert rate_factor(0.75) == pytest.approx(0.51)
    assert rate_factor(1) == pytest.approx(0.02)
