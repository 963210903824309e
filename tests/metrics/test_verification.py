"""Verification: rates counted by hand and by loops, ties, and what no figures can be made of."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from cnn_suite.metrics.verification import all_pairs, best_accuracy, equal_error_rate, roc, share_threshold, tar_at_far

# One person at 1, 2, 3, 5; different people at 3, 4, 5, 6 (a 3 and a 5 on both sides).
DISTANCES = np.array([1, 3, 2, 4, 3, 5, 5, 6])
SAME = np.array([1, 0, 1, 0, 1, 1, 0, 0], bool)


def random_pairs(seed=0, ties=True):
    rng = np.random.default_rng(seed)
    genuine, impostors = rng.normal(2, 1, 60), rng.normal(4, 1, 90)
    distances = np.concatenate([genuine, impostors])
    order = rng.permutation(150)
    return (np.round(distances, 1) if ties else distances)[order], (np.arange(150) < 60)[order]


def rates(distances, same, threshold):
    """FAR and TAR at a threshold, pair by pair."""
    accepted = [(d < threshold, s) for d, s in zip(distances, same)]
    return [sum(a for a, s in accepted if s is kind) / sum(s is kind for _, s in accepted) for kind in (False, True)]


def test_every_threshold_of_a_small_set_by_hand():
    curve = roc(DISTANCES, SAME)
    assert curve.thresholds[:-1].tolist() == [1, 2, 3, 4, 5, 6] and 6 < curve.thresholds[-1] < 6.001
    # below 1: nothing; below 2: 1; below 3: 1, 2; below 4: 3 of both; below 5: 4; below 6: 5 of both; all
    assert curve.far.tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1]
    assert curve.tar.tolist() == [0, 0.25, 0.5, 0.75, 0.75, 1, 1]


def test_figures_of_a_small_set_by_hand():
    # At 4: 3 of 4 accepted rightly, 3 of 4 refused rightly. At 3: 2 and 4 of 4, as many: the smaller threshold is told.
    assert best_accuracy(DISTANCES, SAME) == (6 / 8, 3)
    assert equal_error_rate(DISTANCES, SAME) == (0.25, 4)
    assert tar_at_far(DISTANCES, SAME, 0.25) == (4, 0.25, 0.75)
    assert tar_at_far(DISTANCES, SAME, 0.49) == (4, 0.25, 0.75)
    assert tar_at_far(DISTANCES, SAME, 0.5) == (5, 0.5, 0.75)


# People at 1 and 3 against 2 and 4. At 2: FAR 0, FRR 1/2; at 3: FAR 1/2, FRR 1/2.
def test_rates_that_never_meet_meet_on_the_line_between():
    assert equal_error_rate(np.array([1, 3, 2, 4]), np.array([1, 1, 0, 0], bool)) == (0.5, 3)
    # A person at 2 against 1, 3, 4, 5. At 2: FAR 1/4, FRR 1; at 3: FAR 1/4, FRR 0; three quarters of the way FRR 1/4.
    assert equal_error_rate(np.array([2, 1, 3, 4, 5]), np.array([1, 0, 0, 0, 0], bool)) == (0.25, 2.75)


@pytest.mark.parametrize("far", [0, 0.1, 0.33, 1 / 3])
def test_equal_distances_of_different_people_are_all_refused(far):
    # Three impostors in one place: a threshold above would accept all three.
    point = tar_at_far(np.array([1, 2, 2, 2, 3]), np.array([1, 0, 0, 0, 1], bool), far)
    assert point == (2, 0, 0.5)


def test_all_may_be_accepted():
    point = tar_at_far(DISTANCES, SAME, 1)
    assert (point.far, point.tar) == (1, 1) and point.threshold > 6


def test_a_share_that_is_a_rounding_below_a_whole_number_counts_as_it():
    assert 0.29 * 100 < 29
    distances, same = np.arange(101.0), np.arange(101) == 0
    assert tar_at_far(distances, same, 0.29)[:2] == (30, 0.29)


@pytest.mark.parametrize("seed", range(4))
def test_rates_are_those_counted_pair_by_pair(seed):
    distances, same = random_pairs(seed)
    for threshold, *found in zip(*roc(distances, same)):
        np.testing.assert_allclose(found, rates(distances, same.tolist(), threshold), atol=1e-12)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("far", [0, 0.004, 0.011, 0.02, 0.1, 0.5, 0.999, 1])
def test_the_threshold_is_the_largest_that_keeps_the_rate(far, ties):
    distances, same = random_pairs(5, ties)
    point = tar_at_far(distances, same, far)
    assert list(point[1:]) == rates(distances, same.tolist(), point.threshold)
    assert point.far <= far
    allowed = [tar for threshold, false, tar in zip(*roc(distances, same)) if false <= far]
    assert point.tar == pytest.approx(max(allowed))


def test_the_best_accuracy_is_the_best_of_all_thresholds():
    distances, same = random_pairs(6)
    found = best_accuracy(distances, same)
    tried = [((distances < t) == same).mean() for t in np.append(distances, 100)]
    assert found.accuracy == pytest.approx(max(tried))
    assert ((distances < found.threshold) == same).mean() == pytest.approx(found.accuracy)


# One person at 1, 4; two at 2, 5, 6, 7. At 2: 1 of 2 and all 4 right, 5 of 6; so at 5: 2 of 2 and 3 of 4.
def test_balanced_both_kinds_of_pairs_weigh_the_same():
    distances, same = np.array([1, 4, 2, 5, 6, 7]), np.arange(6) < 2
    assert best_accuracy(distances, same) == (5 / 6, 2)
    assert best_accuracy(distances, same, balanced=True) == ((1 + 3 / 4) / 2, 5)


def test_the_balanced_accuracy_is_the_mean_of_both_rates_at_its_threshold():
    distances, same = random_pairs(9)
    found = best_accuracy(distances, same, balanced=True)
    tried = [(1 - far + tar) / 2 for far, tar in (rates(distances, same.tolist(), t) for t in np.append(distances, 9))]
    assert found.accuracy == pytest.approx(max(tried))
    few = best_accuracy(
        np.append(distances, np.tile(distances[~same], 20)), np.append(same, [False] * 1_800), balanced=True
    )
    assert few == pytest.approx(found)  # more of the same kind change nothing


def test_a_share_of_distances_lies_below_its_threshold_by_hand():
    distances = np.array([3.0, 1, 2, 2, 5])
    assert [share_threshold(distances, share) for share in (0, 0.2, 0.4, 0.6, 0.8)] == [1, 2, 2, 3, 5]
    assert share_threshold(distances, 0.99) == 5 and share_threshold(distances, 1) == np.inf


def test_the_equal_error_rate_lies_on_the_curve_and_on_the_diagonal():
    distances, same = random_pairs(7, ties=False)
    rate, threshold = equal_error_rate(distances, same)
    far, tar = rates(distances, same.tolist(), threshold)
    assert rate == pytest.approx(far, abs=1 / 60) and rate == pytest.approx(1 - tar, abs=1 / 60)


def test_a_larger_scale_changes_thresholds_and_no_rate():
    distances, same = random_pairs(8)
    for one, other in zip(roc(distances, same), roc(4 * distances, same)):
        np.testing.assert_allclose(other, one if one[-1] == 1 else 4 * one, rtol=1e-12)
    assert equal_error_rate(4 * distances, same).rate == pytest.approx(equal_error_rate(distances, same).rate)


def test_perfect_and_turned_round_distances():
    distances, same = np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 0], bool)
    assert best_accuracy(distances, same) == (1, 3) and equal_error_rate(distances, same).rate == 0
    assert equal_error_rate(-distances, same).rate == 1
    assert best_accuracy(-distances, same) == (0.5, -4)


def test_distances_that_are_all_the_same_tell_nothing():
    distances, same = np.full(6, 0.7), np.arange(6) < 3
    assert equal_error_rate(distances, same).rate == 0.5
    assert tar_at_far(distances, same, 0.5) == (0.7, 0, 0)


def test_pairs_of_three_encodings_by_hand():
    pairs = all_pairs(np.array([[0, 0], [3, 4], [0, 1]]), ["a", "b", "a"])
    assert pairs.distances.tolist() == [25, 1, 18]  # (0, 1), (0, 2), (1, 2)
    assert pairs.same.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("measure", "theirs"), [("squared", "sqeuclidean"), ("euclidean", "euclidean"), ("cosine", "cosine")]
)
def test_distances_of_all_pairs_are_those_of_scipy(measure, theirs):
    rng = np.random.default_rng(0)
    encodings, labels = rng.normal(size=(40, 8)).astype(np.float32), rng.integers(0, 6, 40)
    pairs = all_pairs(encodings, labels, measure)
    np.testing.assert_allclose(pairs.distances, pdist(encodings.astype(float), theirs), atol=1e-12)
    rows, columns = np.triu_indices(40, 1)
    np.testing.assert_array_equal(pairs.same, labels[rows] == labels[columns])


def test_an_encoding_is_at_no_distance_from_itself():
    encoding = np.random.default_rng(1).normal(size=128)
    for measure in ("squared", "euclidean", "cosine"):
        assert all_pairs(np.stack([encoding, encoding]), [0, 0], measure).distances.tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.zeros(3), [0, 1, 2]), r"`encodings` must have shape \(n, size\).* Received shapes \(3,\) and \(3,\)"),
        ((np.zeros((3, 2)), [0, 1]), r"Received shapes \(3, 2\) and \(2,\)"),
        ((np.zeros((1, 2)), [0]), r"with n of at least 2. Received shapes \(1, 2\)"),
        (
            (np.array([[0.0], [np.nan]]), [0, 1]),
            "must be finite. Row 1 of 2 is not.* no face was found .* omit them",
        ),
        ((np.array([[0.0], [1]]), [0, 1], "cosine"), "must not be zero vectors for the cosine.* Row 0 is"),
        ((np.zeros((2, 2)), [0, 1], "l2"), "`measure` must be one of squared, euclidean, cosine. Received 'l2'"),
    ],
)
def test_encodings_that_make_no_pairs_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        all_pairs(*arguments)


@pytest.mark.parametrize("figure", [roc, best_accuracy, equal_error_rate, lambda d, s: tar_at_far(d, s, 0.1)])
@pytest.mark.parametrize(
    ("distances", "same", "text"),
    [
        ([1, 2], [True], r"`same` bools of the same shape. Received float64 of shape \(2,\) and bool of shape \(1,\)"),
        ([1, 2], [1, 0], "Received float64 of shape .* and int64"),
        ([1, np.inf], [True, False], "`distances` must be finite"),
        ([1, 2], [True, True], "pairs of the same person and pairs of different people. Received 2 and 0"),
        ([1, 2], [False, False], "Received 0 and 2"),
        ([], [], "Received float64 of shape .* and float64|Received 0 and 0"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(figure, distances, same, text):
    with pytest.raises(ValueError, match=text):
        figure(distances, same)


@pytest.mark.parametrize("far", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(far):
    with pytest.raises(ValueError, match=r"`far` must be in \[0, 1\]. Received"):
        tar_at_far(DISTANCES, SAME, far)
