"""Calibration: synthetic pictures whose honesty is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnn_suite.metrics.calibration import calibrated, reliability_table, temperature
from cnn_suite.metrics.classification import classification_metrics


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def honest(seed=0, count=20000, classes=10):
    """Logits, and truths drawn from their softmax: what is said with 0.8 is right in 8 of 10 cases."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    thresholds = softmax(logits).cumsum(1)
    return logits, (rng.random((count, 1)) > thresholds[:, :-1]).sum(1)


def test_confidence_on_an_edge_belongs_to_the_bin_below():
    table = reliability_table(np.array([0.25, 0.5, 0.75, 1.0, 1.0000001]), np.array([1, 1, 0, 1, 1], bool), bins=4)
    assert table.count.tolist() == [1, 1, 1, 2]
    np.testing.assert_allclose(table.accuracy, [1, 1, 0, 1])
    # (0.75 + 0.5 + 0.75 + 0 + 0) / 5
    assert table.ece == pytest.approx(2 / 5, abs=1e-6)


def test_one_bin_compares_the_means():
    assert reliability_table(np.array([0.6, 0.8]), np.array([True, False]), bins=1).ece == pytest.approx(0.2)


def test_honest_probabilities_have_a_calibration_error_near_nothing():
    logits, truth = honest()
    assert classification_metrics(softmax(logits), truth).ece < 0.01
    assert classification_metrics(softmax(3 * logits), truth).ece > 0.1


@pytest.mark.parametrize("known", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(known):
    logits, truth = honest()
    assert temperature(known * logits, truth, logits=True) == pytest.approx(known, rel=0.05)
    assert temperature(softmax(known * logits), truth) == pytest.approx(known, rel=0.05)


def test_the_temperature_of_two_kinds_of_pictures_by_hand():
    # Log odds of 2 for class 0, right in 3 of 4 cases: best where 2 / T = log(3).
    logits = np.tile([2.0, 0.0], (4, 1))
    assert temperature(logits, np.array([0, 0, 0, 1]), logits=True) == pytest.approx(2 / math.log(3), rel=1e-4)


def test_temperature_has_the_least_log_loss_of_a_fine_grid():
    logits, truth = honest(3, count=300)
    found = temperature(2 * logits, truth, logits=True)
    grid = np.geomspace(0.5, 8, 400)
    losses = [-np.log(softmax(2 * logits / t)[np.arange(300), truth]).mean() for t in grid]
    assert found == pytest.approx(grid[np.argmin(losses)], rel=0.01)


def test_calibrated_probabilities_are_honest_and_predict_the_same():
    logits, truth = honest(1)
    sure = softmax(3 * logits)
    better = calibrated(sure, temperature(sure, truth))
    one, other = classification_metrics(sure, truth), classification_metrics(better, truth)
    assert other.ece < 0.01 < one.ece
    assert other.log_loss < one.log_loss
    np.testing.assert_array_equal(other.confusion, one.confusion)


def test_calibrated_by_hand_and_its_limits():
    # A temperature of a half squares: 0.64 / (0.64 + 0.04)
    np.testing.assert_allclose(calibrated(np.array([0.8, 0.2]), 0.5), [0.64 / 0.68, 0.04 / 0.68], rtol=1e-6)
    np.testing.assert_allclose(calibrated(np.array([[0.8, 0.2]]), 1.0), [[0.8, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(calibrated(np.array([0.8, 0.2]), 1e9), [0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(calibrated(np.array([1.0, 0.0], np.float16), 1.0), [1, 0], atol=1e-6)
    assert calibrated(np.array([0.8, 0.2]), 2.0).dtype == np.float32


def test_pictures_that_set_no_limit_end_at_an_end():
    assert temperature(np.array([[0.9, 0.1]]), np.array([0])) < 0.05  # below, the log loss is 0 in float64
    assert temperature(np.array([[0.9, 0.1]]), np.array([1])) == pytest.approx(100, rel=0.01)


def test_a_certain_mistake_leaves_a_finite_temperature():
    assert 1 < temperature(np.array([[1.0, 0.0]] * 4), np.array([0, 0, 0, 1])) < 100


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=f"`temperature` must be a positive number. Received {wrong}"):
        calibrated(np.array([0.8, 0.2]), wrong)


def test_logits_in_place_of_probabilities_are_refused():
    with pytest.raises(ValueError, match="Row 0 has a minimum of -3 and sums to 0. If these are logits"):
        temperature(np.array([[3.0, -3.0]]), np.array([0]))
    with pytest.raises(ValueError, match="`logits` must be finite. Received a NaN or an infinite value in row 0"):
        temperature(np.array([[3.0, -math.inf]]), np.array([0]), logits=True)


def test_less_than_one_bin_is_refused():
    with pytest.raises(ValueError, match="`bins` must be at least 1. Received 0"):
        reliability_table(np.array([0.5]), np.array([True]), bins=0)
