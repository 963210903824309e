"""A threshold from data: by hand, by loops, refused where data are few, and true as often as it says in simulations."""

import numpy as np
import pytest
from scipy.stats import chi2

from cnn_suite.metrics.distance_probability import logistic_curve
from cnn_suite.metrics.intervals import clopper_pearson, people_interval
from cnn_suite.metrics.verification import all_pairs, equal_error_rate, tar_at_far
from cnn_suite.metrics.verification_protocol import person_folds
from cnn_suite.metrics.verification_threshold import (
    TooFewPairsError,
    calibrate,
    calibrate_pairs,
    impostor_pairs_needed,
    people_needed,
)


def faces(people=20, pictures=3, size=8, within=0.4, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), pictures)
    return rng.normal(size=(people, size))[labels] + within * rng.normal(size=(len(labels), size)), labels


def test_so_many_pairs_are_needed_by_hand():
    # 1 - 0.999^2994 = 0.94999, 1 - 0.999^2995 = 0.95004: the rule of three.
    assert impostor_pairs_needed(1e-3) == 2_995 and 1 - 0.999**2_994 < 0.95 <= 1 - 0.999**2_995
    assert impostor_pairs_needed(0.5, 0.75) == 2  # exactly: 1 - 0.25
    assert impostor_pairs_needed(0.1, 0.9) == 22 and impostor_pairs_needed(0.99, 0.5) == 1


@pytest.mark.parametrize("far", [0.2, 0.01, 3e-4])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_one_pair_fewer_would_not_do(far, confidence):
    needed = impostor_pairs_needed(far, confidence)
    assert 1 - (1 - far) ** needed >= confidence > 1 - (1 - far) ** (needed - 1)


@pytest.mark.parametrize("pictures", [1, 2, 5])
@pytest.mark.parametrize("pairs", [1, 24, 25, 26, 299, 2_995])
def test_so_many_people_make_so_many_pairs_and_one_fewer_do_not(pairs, pictures):
    people = people_needed(pairs, pictures)
    made = [count * (count - 1) // 2 * pictures**2 for count in (people - 1, people)]
    assert made[0] < pairs <= made[1]


# Four people at 0, 10, 20, 30 with two pictures each, 1 apart, but the first two apart 4: squared distances of one
# person 16, 1, 1, 1. Of 24 pairs of two the nearest are 4 and 10, 4 and 11 (36 and 49), 11 and 20 (81), 21 and 30 (81).
LINE = np.array([[0.0], [4], [10], [11], [20], [21], [30], [31]])
NAMES = ["a", "a", "b", "b", "c", "c", "d", "d"]


def test_four_people_on_a_line_by_hand():
    found = calibrate(LINE, NAMES, far=0.2, confidence=0.99)
    # 0.2 * 24 = 4.8: four may be accepted. Nearest: 36, 49, 81, 81, then four of 100, the first of which is refused.
    assert (found.threshold, found.far, found.tar) == (100, 4 / 24, 1)
    assert (found.people, found.pictures, found.genuine, found.impostors) == (4, 8, 4, 24)
    assert (found.independent_genuine, found.independent_impostors) == (4, 6)
    assert found.far_interval == clopper_pearson(4, 24, 0.99) and found.tar_interval == clopper_pearson(4, 4, 0.99)
    assert found.tar_interval_people == found.tar_interval  # one pair a person
    assert (found.eer, found.measure, found.requested_far, found.confidence) == (0, "squared", 0.2, 0.99)
    assert found.held_out.folds == 2 and found.held_out.impostors == 8 and found.held_out.genuine == 4


@pytest.mark.parametrize("measure", ["squared", "euclidean", "cosine"])
def test_figures_are_those_of_all_pairs(measure):
    encodings, labels = faces()
    found = calibrate(encodings, labels, far=0.02, measure=measure)
    pairs = all_pairs(encodings, labels, measure)
    assert (found.threshold, found.far, found.tar) == pytest.approx(tar_at_far(*pairs, 0.02))
    assert (found.eer, found.eer_threshold) == pytest.approx(equal_error_rate(*pairs))
    assert found.curve == logistic_curve(*pairs)
    rows = np.stack(np.triu_indices(60, 1), axis=1)
    for kind, interval, of_people in (
        (~pairs.same, found.far_interval, found.far_interval_people),
        (pairs.same, found.tar_interval, found.tar_interval_people),
    ):
        accepted = pairs.distances[kind] < found.threshold
        assert interval == clopper_pearson(int(accepted.sum()), int(kind.sum()))
        assert of_people == people_interval(accepted, labels[rows[kind]])


def test_held_out_people_are_measured_at_thresholds_from_others():
    encodings, labels = faces(seed=3)
    found = calibrate(encodings, labels, far=0.02, folds=4).held_out
    squared = ((encodings[:, None] - encodings) ** 2).sum(axis=2)
    place, accepted = person_folds(labels, 4), {True: [], False: []}
    for fold in range(4):
        rest, held = np.flatnonzero(place != fold), np.flatnonzero(place == fold)
        impostors = sorted(squared[i, j] for i in rest for j in rest if i < j and labels[i] != labels[j])
        threshold = impostors[int(0.02 * len(impostors))]
        assert found.thresholds[fold] == pytest.approx(threshold)
        for i in held:
            for j in held[held > i]:
                accepted[bool(labels[i] == labels[j])].append(squared[i, j] < threshold)
    assert (found.genuine, found.impostors) == (len(accepted[True]), len(accepted[False])) == (60, 4 * 10 * 9)
    assert (found.tar, found.far) == pytest.approx((np.mean(accepted[True]), np.mean(accepted[False])))
    assert found.far_interval[0] <= found.far <= found.far_interval[1]


def test_chosen_pairs_give_what_all_pairs_give_where_they_are_all():
    encodings, labels = faces()
    pairs, rows = all_pairs(encodings, labels), np.stack(np.triu_indices(60, 1), axis=1)
    names = np.array([f"person {label}" for label in range(20)])[labels]
    found, theirs = calibrate_pairs(pairs.distances, names[rows], far=0.02), calibrate(encodings, labels, far=0.02)
    assert found.pictures is None and (found.threshold, found.far, found.tar) == tuple(
        getattr(theirs, name) for name in ("threshold", "far", "tar")
    )
    assert found.far_interval_people == pytest.approx(theirs.far_interval_people)


def test_names_order_and_kind_of_encodings_make_no_difference():
    encodings, labels = faces()
    found, order = calibrate(encodings, labels, far=0.02), np.random.default_rng(0).permutation(60)
    other = calibrate(encodings[order], [str(label) for label in labels[order]], far=0.02)
    assert (other.threshold, *other.far_interval_people) == pytest.approx((found.threshold, *found.far_interval_people))
    coarse = calibrate(encodings.astype(np.float16), labels, far=0.02)
    assert coarse.threshold == pytest.approx(found.threshold, rel=0.01)


def test_people_that_a_threshold_parts():
    encodings, labels = faces(within=1e-3)
    found = calibrate(encodings, labels, far=1e-2)
    assert found.tar == 1 and found.eer == 0 and found.tar_interval_people[0] == clopper_pearson(20, 20)[0]
    assert found.curve(0.0) > 0.95


def test_too_few_pairs_are_refused_with_the_numbers_needed():
    encodings, labels = faces(people=10, pictures=3)  # 405 impostor pairs
    with pytest.raises(TooFewPairsError) as error:
        calibrate(encodings, labels)
    assert str(error.value) == (
        "A false accept rate of 0.001 needs at least 2,995 pairs of different people to be shown with 0.95 confidence: "
        "with fewer not even zero errors would show it. Received 405 pairs of 10 people. 27 people with 3 pictures "
        "each give as many, and 78 people as many pairs of different two; or ask for a rate of at least 0.007377."
    )
    assert calibrate(encodings, labels, far=0.007377).far <= 0.007377


def test_fewer_than_four_people_cannot_be_held_out():
    encodings, labels = faces(people=3, pictures=6)
    with pytest.raises(TooFewPairsError, match="at least 4 people, .* Received 3"):
        calibrate(encodings, labels, far=0.1)


def test_pairs_between_folds_alone_cannot_be_held_out():
    # Every impostor pair is of one person and all others, so that of two folds one has none outside.
    people = np.array([[0, k] for k in range(1, 40)] + [[k, k] for k in range(40)])
    distances = np.concatenate([np.linspace(2, 3, 39), np.linspace(0, 1, 40)])
    with pytest.raises(TooFewPairsError, match="With 5 folds .* lies outside one. Take pairs of more people"):
        calibrate_pairs(distances, people, far=0.1)
    # Sixty people in a ring in which every neighbour is of another fold.
    place = person_folds(np.arange(60), 5)
    ring = np.stack([np.flatnonzero(place == fold) for fold in range(5)], axis=1).ravel()
    people = np.concatenate([np.stack([ring, np.roll(ring, 1)], axis=1), np.stack([ring, ring], axis=1)])
    with pytest.raises(TooFewPairsError, match="No pair lies within one"):
        calibrate_pairs(np.repeat([2.0, 0.0], 60), people, far=0.1)


@pytest.mark.parametrize("far", [0, 1, -1, float("nan")])
def test_a_rate_that_is_none_is_refused(far):
    with pytest.raises(ValueError, match=f"`far` must lie between 0 and 1. Received {far}"):
        calibrate(*faces(), far=far)
    with pytest.raises(ValueError, match=f"`confidence` must lie between 0 and 1. Received {far}"):
        calibrate(*faces(), confidence=far)


def test_one_fold_and_people_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`folds` must be at least 2. Received 1"):
        calibrate(*faces(), far=0.02, folds=1)
    with pytest.raises(ValueError, match=r"`people` must have shape \(pairs, 2\).* Received shapes \(3,\) and \(3,\)"):
        calibrate_pairs(np.ones(3), [0, 1, 2])
    with pytest.raises(ValueError, match="pairs of one person and pairs of different people. Received 0 and"):
        calibrate(faces()[0], np.arange(60), far=0.02)


def test_of_independent_pairs_the_interval_holds_the_true_rate_as_often_as_it_says():
    # Distances of different people are uniform on [1, 2], so that a threshold's true rate is how far above 1 it lies.
    rng, draws, held, above = np.random.default_rng(0), 300, 0, 0
    # Every pair has two people of its own.
    people = np.concatenate([np.arange(800).reshape(400, 2), np.stack([np.arange(800)] * 2, axis=1)])
    for _ in range(draws):
        found = calibrate_pairs(np.append(rng.uniform(1, 2, 400), np.zeros(800)), people, far=0.02)
        truth = found.threshold - 1
        held += found.far_interval[0] <= truth <= found.far_interval[1]
        above += truth > 0.02
    assert held / draws >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / draws)
    assert 0.3 <= above / draws <= 0.7


def test_of_people_the_interval_of_people_holds_the_true_rate_as_often_as_it_says():
    # The squared distance of two people's pictures is 2 (1 + 0.4^2) times a chi-square.
    draws, held = 100, np.zeros(2)
    for seed in range(draws):
        found = calibrate(*faces(people=16, pictures=4, seed=seed), far=0.02)
        truth = chi2.cdf(found.threshold / (2 * (1 + 0.4**2)), 8)
        held += [low <= truth <= high for low, high in (found.far_interval, found.far_interval_people)]
    assert held[0] / draws < 0.85
    assert held[1] / draws >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / draws)
