"""Intervals: by hand, against scipy's, and how often they hold the truth in simulations."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chi2

from cnn_suite.metrics.intervals import clopper_pearson, distinct, effective_trials, people_interval
from cnn_suite.metrics.verification import share_threshold


def test_the_ends_for_none_and_for_all_by_hand():
    # None of n: (1 - high) ** n = 0.025. All of n: low ** n = 0.025.
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1))
    assert clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1))
    assert clopper_pearson(0, 1, 0.9) == pytest.approx((0, 0.95))


@pytest.mark.parametrize(("count", "of", "confidence"), [(3, 10, 0.95), (1, 1, 0.5), (50, 4_000, 0.99), (7, 8, 0.9)])
def test_the_interval_is_that_of_scipy(count, of, confidence):
    theirs = binomtest(count, of).proportion_ci(confidence, "exact")
    assert clopper_pearson(count, of, confidence) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_the_ends_are_the_rates_at_which_such_a_count_becomes_rare():
    low, high = clopper_pearson(4, 300, 0.9)
    assert binom.sf(3, 300, low) == pytest.approx(0.05)  # 4 or more
    assert binom.cdf(4, 300, high) == pytest.approx(0.05)  # 4 or fewer


def test_very_rare_mistakes_keep_their_digits():
    low, high = clopper_pearson(0, 10**9)
    assert (low, high) == (0, pytest.approx(-np.expm1(np.log(0.025) / 1e9), rel=1e-9))


def test_fractions_lie_between_whole_numbers():
    ends = [clopper_pearson(count, 20) for count in (3, 3.5, 4)]
    assert ends[0][0] < ends[1][0] < ends[2][0] and ends[0][1] < ends[1][1] < ends[2][1]


@pytest.mark.parametrize(("count", "of"), [(-1, 5), (6, 5), (0, 0), (float("nan"), 5), (1, float("inf"))])
def test_counts_that_cannot_be_are_refused(count, of):
    with pytest.raises(ValueError, match=f"`count` between 0 and `of`. Received count={count}, of={of}"):
        clopper_pearson(count, of)


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match=f"between 0 and 1, such as 0.95. Received {confidence}"):
        clopper_pearson(1, 2, confidence)


# The share of counts whose interval holds the truth is a sum over all counts: no simulation is as exact.
@pytest.mark.parametrize("truth", [1e-3, 0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_holds_the_truth_at_least_as_often_as_it_says(truth, confidence):
    of = 200
    held = sum(
        binom.pmf(count, of, truth)
        for count in range(of + 1)
        if (ends := clopper_pearson(count, of, confidence))[0] <= truth <= ends[1]
    )
    assert confidence <= held


def test_drawn_counts_lie_in_it_at_least_as_often_as_it_says():
    counts = np.random.default_rng(0).binomial(2_995, 1e-3, 2_000)
    ends = {count: clopper_pearson(count, 2_995) for count in set(counts.tolist())}
    held = np.mean([ends[count][0] <= 1e-3 <= ends[count][1] for count in counts.tolist()])
    assert held >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 2_000)


def test_different_people_are_counted_in_either_order():
    assert distinct(np.array([3, 0, 3, 1])) == 3
    assert distinct(np.array([[0, 1], [1, 0], [2, 0], [0, 2], [2, 2]])) == 3


def jackknife(happened, people):
    """The share's variance from leaving out each person, trial by trial."""
    rows = people.reshape(len(people), -1)
    shares = [happened[(rows != person).all(axis=1)].mean() for person in np.unique(rows)]
    return (len(shares) - 1) / len(shares) * sum((share - np.mean(shares)) ** 2 for share in shares)


@pytest.mark.parametrize("shape", [(300,), (300, 2)])
def test_so_many_trials_as_would_move_the_share_as_far(shape):
    from scipy.stats import t

    rng = np.random.default_rng(1)
    people, happened = rng.integers(0, 12, shape), rng.random(300) < 0.3
    happened |= (people.reshape(300, -1) == 4).any(axis=1)  # one person is always mistaken
    share = happened.mean()
    number = share * (1 - share) / jackknife(happened, people) * (t.ppf(0.975, 299) / t.ppf(0.975, 11)) ** 2
    assert number < 200 and effective_trials(happened, people) == pytest.approx(number)
    assert people_interval(happened, people) == pytest.approx(clopper_pearson(share * number, number))


def test_numbers_of_people_may_have_gaps_and_pairs_either_order():
    rng = np.random.default_rng(2)
    people, happened = rng.integers(0, 9, (200, 2)), rng.random(200) < 0.2
    expected = effective_trials(happened, people)
    assert effective_trials(happened, 7 * people[:, ::-1] + 3) == pytest.approx(expected)


def test_a_share_that_no_person_moves_counts_every_trial():
    assert effective_trials(np.array([True, False] * 3), np.array([0, 0, 1, 1, 2, 2])) == 6


def test_trials_of_the_same_people_count_once_where_no_variance_is_seen():
    pairs = np.array([[0, 1], [1, 0], [0, 2], [0, 2]])
    assert effective_trials(np.zeros(4, bool), pairs) == effective_trials(np.ones(4, bool), pairs) == 2
    # Without 0 no pair is left, from which a share could be had.
    assert effective_trials(np.array([True, False, False, False]), pairs) == 2
    assert effective_trials(np.array([True, False]), np.array([5, 5])) == 1


@pytest.mark.parametrize(
    ("happened", "people"),
    [([], np.zeros(0, int)), ([1, 0], np.zeros(2, int)), ([True], np.zeros(2, int)), ([True], np.array([-1]))],
)
def test_trials_that_tell_nothing_are_refused(happened, people):
    with pytest.raises(ValueError, match=r"bools of shape \(n,\), not empty, and `people` indices from 0 .*Received"):
        effective_trials(np.array(happened), people)


def drawn_coverage(count, pictures, size, within, far, draws):
    """How often intervals hold the true FAR at a threshold from the same pairs: of pairs, and of people.

    People are normal about 0, their pictures about them, so that the squared distance of two people's pictures is
    2 (1 + within ** 2) times a chi-square: its share below a threshold is the truth.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(count), pictures)
    first, second = np.triu_indices(len(labels), 1)
    other = labels[first] != labels[second]
    first, second = first[other], second[other]
    people, held = np.stack([labels[first], labels[second]], axis=1), np.zeros((draws, 2))
    for draw in range(draws):
        faces = rng.normal(size=(count, size))[labels] + within * rng.normal(size=(len(labels), size))
        distances = ((faces[first] - faces[second]) ** 2).sum(axis=1)
        threshold = share_threshold(distances, far)
        truth, accepted = chi2.cdf(threshold / (2 + 2 * within**2), size), distances < threshold
        both = clopper_pearson(accepted.sum(), len(accepted)), people_interval(accepted, people)
        held[draw] = [low <= truth <= high for low, high in both]
    return held.mean(axis=0)


@pytest.mark.parametrize(
    ("count", "pictures", "size", "within", "far"),
    [(40, 2, 4, 0.3, 0.05), (30, 4, 8, 0.5, 0.01), (30, 4, 8, 0.5, 0.001), (12, 8, 16, 0.7, 0.01)],
)
def test_an_interval_of_people_holds_the_true_rate_where_one_of_pairs_does_not(count, pictures, size, within, far):
    of_pairs, of_people = drawn_coverage(count, pictures, size, within, far, 200)
    assert of_pairs < 0.9
    assert of_people >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / 200)
