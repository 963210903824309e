"""The probability from the distance: by hand, against Newton's method, and where nothing is to be learned."""

import numpy as np
import pytest
from scipy.special import expit

from cnn_suite.metrics.distance_probability import LogisticCurve, logistic_curve


def test_the_curve_by_hand():
    curve = LogisticCurve(intercept=4.0, slope=2.0)
    assert curve(2) == 0.5  # 4 - 2 * 2 = 0
    assert curve(np.array([[1.0], [3]])) == pytest.approx(np.array([[1 / (1 + np.exp(-2))], [1 / (1 + np.exp(2))]]))
    # One pair in five is of one person: the odds are a quarter of what they are at equal shares.
    assert curve(2, prior=0.2) == pytest.approx(0.2)
    assert curve(1, prior=0.2) == pytest.approx(np.exp(2) / 4 / (1 + np.exp(2) / 4))


def newton(distances, same):
    """Intercept and slope of the largest likelihood by Newton's method."""
    genuine, impostors = same.sum(), (~same).sum()
    weight = np.where(same, 0.5 / genuine, 0.5 / impostors)
    target = np.where(same, (genuine + 1) / (genuine + 2), 1 / (impostors + 2))
    columns, values = np.stack([np.ones(len(same)), -distances], axis=1), np.zeros(2)
    for _ in range(50):
        p = expit(columns @ values)
        hessian = columns.T @ (columns * (weight * p * (1 - p))[:, None])
        values += np.linalg.solve(hessian, columns.T @ (weight * (target - p)))
    return values


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_is_that_of_newtons_method(seed):
    rng = np.random.default_rng(seed)
    same = rng.random(500) < 0.1
    distances = rng.normal(np.where(same, 0.8, 1.6), 0.4)
    curve = logistic_curve(distances, same)
    assert [curve.intercept, curve.slope] == pytest.approx(newton(distances, same), rel=1e-4)


def test_the_true_curve_of_two_normal_distributions_is_found():
    # Of means 1 and 2 and variance 1/4 the log odds are ((d - 2)^2 - (d - 1)^2) / (2 / 4) = 6 - 4 d.
    rng = np.random.default_rng(0)
    same = np.arange(60_000) < 20_000
    curve = logistic_curve(rng.normal(np.where(same, 1, 2), 0.5), same)
    assert (curve.intercept, curve.slope) == pytest.approx((6, 4), rel=0.03)


def test_so_many_pairs_of_either_kind_make_no_difference_to_what_a_distance_says():
    rng = np.random.default_rng(1)
    genuine, impostors = rng.normal(1, 0.5, 2_000), rng.normal(2, 0.5, 2_000)
    once = logistic_curve(np.concatenate([genuine, impostors]), np.arange(4_000) < 2_000)
    often = logistic_curve(np.concatenate([genuine, np.tile(impostors, 9)]), np.arange(20_000) < 2_000)
    assert often(np.array([1.0, 1.5, 2])) == pytest.approx(once(np.array([1.0, 1.5, 2])), abs=2e-3)


def test_a_larger_scale_of_distances_changes_no_probability():
    rng = np.random.default_rng(2)
    same = rng.random(300) < 0.5
    distances = rng.normal(np.where(same, 1, 2), 0.6)
    one, other = logistic_curve(distances, same), logistic_curve(1e4 * distances + 7, same)
    assert other(1e4 * distances + 7) == pytest.approx(one(distances), abs=1e-5)


def test_pairs_that_a_threshold_parts_make_a_steep_and_finite_curve():
    distances, same = np.array([0.1, 0.2, 0.9, 1.0]), np.array([True, True, False, False])
    curve = logistic_curve(distances, same)
    # Two of two count as three quarters.
    assert curve(0.15) == pytest.approx(0.75, abs=0.03) and curve(0.95) == pytest.approx(0.25, abs=0.03)
    many = logistic_curve(np.tile(distances, 10_000), np.tile(same, 10_000))
    assert np.isfinite([many.slope, many.intercept]).all() and many(0.15) > 0.999 and many(0.95) < 0.001


def test_distances_that_tell_nothing_give_equal_odds_and_turned_round_ones_rise():
    same = np.arange(8) < 4
    assert logistic_curve(np.full(8, 0.7), same)(0.7) == pytest.approx(0.5, abs=1e-6)
    assert logistic_curve(np.tile([1.0, 2], 4), same)(np.array([1, 2])) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert logistic_curve(np.where(same, 2.0, 1.0), same).slope < 0


@pytest.mark.parametrize("prior", [0, 1, -0.1, float("nan")])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(ValueError, match=f"`prior` must be between 0 and 1. Received {prior}"):
        LogisticCurve(1.0, 1.0)(0.5, prior=prior)


def test_pairs_of_one_kind_make_no_curve():
    with pytest.raises(ValueError, match="Received 2 and 0"):
        logistic_curve(np.array([1.0, 2]), np.array([True, True]))
