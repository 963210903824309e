"""The choice of triplets: by hand, against loops over every picture of a batch, and its edges."""

import math

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from cnn_suite.ops.embeddings import pairwise_distances
from cnn_suite.ops.triplets import (
    CHOICES,
    FALLBACKS,
    RULES,
    active_share,
    anchor_losses,
    choose_triplets,
    triplet_costs,
)

# Pictures on a line, at 0, 1 and 3 of person 0 and at 1.5 and 5 of person 1.
LINE = np.abs(np.subtract.outer([0, 1, 3, 1.5, 5], [0, 1, 3, 1.5, 5]))
PEOPLE = np.array([0, 0, 0, 1, 1])
MARGIN = np.float32(0.2)  # as exact as the distances


def batch(kind, seed):
    """Distances and people: of random encodings, of such that tie often, or of few people."""
    generator = np.random.default_rng(seed)
    people = {
        "random": generator.integers(0, 4, 11),
        "ties": generator.integers(0, 3, 12),
        "singles": np.array([0, 1, 2, 2, 3, 4, 4]),
        "all singles": np.arange(6),
        "one person": np.zeros(5),
        "one picture": np.zeros(1),
        "equal": generator.integers(0, 3, 8),
    }[kind]
    encodings = generator.normal(size=(len(people), 3))
    if kind == "ties":
        encodings = generator.integers(0, 2, (len(people), 2))  # four places for twelve pictures
    if kind == "equal":
        encodings[:] = encodings[0]
    return np.asarray(pairwise_distances(encodings.astype(np.float32))), people.astype(np.float32)


KINDS = ("random", "ties", "singles", "all singles", "one person", "one picture", "equal")


def nearest_of(row, places):
    """The nearest, the first of several."""
    return min(places, key=lambda place: (row[place], place))


def farthest_of(row, places):
    """The farthest, the first of several."""
    return min(places, key=lambda place: (-row[place], place))


def brute_force(distances, people, rule, margin=MARGIN, choice="nearest", fallback="skip"):
    """Every triplet of a rule, by loops; of a random choice all that it may take, as a set a pair."""
    n, triplets = len(people), []
    for a in range(n):
        row = distances[a]
        positives = [p for p in range(n) if p != a and people[p] == people[a]]
        negatives = [k for k in range(n) if people[k] != people[a]]
        if not positives or not negatives:
            continue
        nearest, largest = nearest_of(row, negatives), farthest_of(row, negatives)
        if rule == "all":
            triplets += [(a, p, {k}) for p in positives for k in negatives]
        if rule == "batch_hard":
            triplets.append((a, farthest_of(row, positives), {nearest}))
        if rule == "hardest":
            triplets += [(a, p, {nearest}) for p in positives]
        if rule == "random":
            triplets += [(a, p, set(negatives)) for p in positives]
        if rule == "semi_hard":
            for p in positives:
                inside = [k for k in negatives if row[p] < row[k] < row[p] + margin]
                if inside:
                    triplets.append((a, p, set(inside) if choice == "random" else {nearest_of(row, inside)}))
                elif fallback != "skip":
                    triplets.append((a, p, {largest if fallback == "largest" else nearest}))
    return triplets


def listed(triplets):
    """Triplets as places (a, p, n), in order, with what their distances are."""
    chosen = np.asarray(triplets.chosen)
    spread_out = [np.broadcast_to(np.asarray(part), chosen.shape) for part in triplets]
    places = np.argwhere(chosen)
    return [
        (int(place[0]), int(spread_out[3][tuple(place)]), int(spread_out[4][tuple(place)]),
         spread_out[0][tuple(place)], spread_out[1][tuple(place)])
        for place in places
    ]  # fmt: skip


def compared(distances, people, **options):
    found = listed(choose_triplets(distances, people, **options))
    expected = brute_force(distances, people, **options)
    assert [place[:2] for place in found] == [place[:2] for place in expected]
    for (a, p, k, positive, negative), (_, _, allowed) in zip(found, expected):
        assert k in allowed
        assert (positive, negative) == (distances[a, p], distances[a, k])
    return found


# Anchor 0: positives at 1 and 3, negatives 3 (at 1.5) and 4 (at 5). Semi-hard for the positive at 1 with margin 1:
# 1 < 1.5 < 2, so picture 3; for the positive at 3 none lies between 3 and 4.
def test_semi_hard_negatives_of_pictures_on_a_line():
    triplets = choose_triplets(LINE, PEOPLE, rule="semi_hard", margin=1.0, fallback="skip")
    assert (0, 1, 3) in [found[:3] for found in listed(triplets)]
    assert not np.asarray(triplets.chosen)[0, 2]
    for fallback, place in (("largest", 4), ("nearest", 3)):
        triplets = choose_triplets(LINE, PEOPLE, rule="semi_hard", margin=1.0, fallback=fallback)
        assert (0, 2, place) in [found[:3] for found in listed(triplets)]


# Anchor 3 (at 1.5): its only positive is 4 at 3.5; the nearest of the others is 1 at 0.5.
def test_batch_hard_triplets_of_pictures_on_a_line():
    found = listed(choose_triplets(LINE, PEOPLE, rule="batch_hard"))
    assert [triplet[:3] for triplet in found] == [(0, 2, 3), (1, 2, 3), (2, 0, 3), (3, 4, 1), (4, 3, 2)]


def test_there_are_as_many_triplets_of_all_as_counting_gives():
    # Person 0: 3 anchors, 2 positives each, 2 negatives; person 1: 2 anchors, 1 positive, 3 negatives.
    assert int(np.sum(choose_triplets(LINE, PEOPLE, rule="all").chosen)) == 3 * 2 * 2 + 2 * 1 * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "semi_hard"])
def test_triplets_equal_brute_force(rule, kind):
    for seed in range(3):
        compared(*batch(kind, seed), rule=rule)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("fallback", FALLBACKS)
def test_semi_hard_triplets_equal_brute_force(choice, fallback, kind):
    for seed, margin in ((0, 0.2), (1, 1.0), (2, 1.0)):
        options = {"choice": choice, "fallback": fallback, "margin": np.float32(margin)}
        compared(*batch(kind, seed), rule="semi_hard", **options)


def test_random_batches_have_semi_hard_negatives_and_pairs_without_any():
    distances, people = batch("random", 1)
    skipped = len(brute_force(distances, people, "semi_hard", margin=np.float32(1.0)))
    assert 0 < skipped < len(brute_force(distances, people, "hardest"))


def test_of_equal_distances_the_first_picture_is_taken():
    people = np.array([0, 0, 0, 1, 2])
    everywhere = np.ones((5, 5)) - np.eye(5)
    hard = choose_triplets(everywhere, people, rule="batch_hard")
    assert (int(hard.positive[0]), int(hard.positive[1]), int(hard.negative[0])) == (1, 0, 3)
    assert int(choose_triplets(everywhere, people, rule="hardest").negative[2, 0]) == 3
    largest = choose_triplets(everywhere, people, rule="semi_hard", fallback="largest")
    assert int(largest.negative[0, 1]) == 3 and bool(largest.chosen[0, 1])


def test_a_negative_as_far_as_the_positive_or_as_the_end_of_the_margin_is_not_semi_hard():
    distances = np.ones((5, 5)) - np.eye(5)
    distances[0, 3], distances[0, 4] = 1.5, 1.25
    people = np.array([0, 0, 1, 2, 3])
    assert int(choose_triplets(distances, people, margin=0.5).negative[0, 1]) == 4  # neither 2 nor 3
    assert not bool(choose_triplets(distances, people, margin=0.25, fallback="skip").chosen[0, 1])


def test_random_negatives_are_drawn_evenly():
    people = np.repeat(np.arange(3), 20)
    distances = np.asarray(pairwise_distances(np.random.default_rng(0).normal(size=(60, 4))))
    triplets = choose_triplets(distances, people, rule="random", seed=1)
    counts = np.bincount([found[2] for found in listed(triplets)], minlength=60)
    assert counts.sum() == 60 * 19
    # 760 anchor-positive pairs may draw each picture, one of 40: 19 on average, with a deviation of 4.3.
    assert 3 < counts.min() and counts.max() < 38
    assert scipy.stats.chisquare(counts).pvalue > 0.01


def test_random_choices_follow_from_seed_and_distances_alone():
    people = np.repeat(np.arange(6), 4)
    encodings = np.random.default_rng(1).normal(size=(24, 8))
    distances = np.asarray(pairwise_distances(encodings))

    def chosen(distances, seed):
        return np.asarray(choose_triplets(distances, people, rule="random", seed=seed).negative)

    np.testing.assert_array_equal(chosen(distances, 5), chosen(distances, 5))
    for other in (chosen(distances, 6), chosen(np.asarray(pairwise_distances(encodings * 1.01)), 5)):
        assert np.mean(chosen(distances, 5) != other) > 0.5


# d(A, P) - d(A, N): 0.5 - 0.6 + 0.2 = 0.1; far enough: 0; ln(1 + e^-0.1).
def test_costs_worked_by_hand():
    distances = np.array([[0, 0.5, 0.6, 2], [0.5, 0, 1, 1], [0.6, 1, 0, 1], [2, 1, 1, 0]])
    triplets = choose_triplets(distances, np.array([0, 0, 1, 2]), rule="all")
    costs = np.asarray(triplet_costs(triplets, margin=0.2))
    assert costs[0, 1, 2] == pytest.approx(0.1) and costs[0, 1, 3] == 0
    assert np.asarray(triplet_costs(triplets, soft=True))[0, 1, 2] == pytest.approx(math.log1p(math.exp(-0.1)))


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("average", ["chosen", "active"])
@pytest.mark.parametrize("rule", RULES)
def test_the_mean_of_anchor_losses_is_the_average_of_brute_force(rule, average, soft):
    distances, people = batch("random", 4)
    triplets = choose_triplets(distances, people, rule=rule, fallback="largest")
    excess = np.array([positive - negative for *_, positive, negative in listed(triplets)])
    costs = np.log1p(np.exp(excess)) if soft else np.maximum(excess + 0.2, 0)
    counted = costs[costs > 0] if average == "active" else costs
    found = anchor_losses(triplet_costs(triplets, soft=soft), triplets.chosen, average=average)
    assert found.shape == (11,)
    assert float(np.mean(found)) == pytest.approx(counted.mean(), rel=1e-5)


@pytest.mark.parametrize("kind", ["all singles", "one person", "one picture"])
@pytest.mark.parametrize("rule", RULES)
def test_a_batch_without_triplets_costs_nothing(rule, kind):
    distances, people = batch(kind, 0)
    triplets = choose_triplets(distances, people, rule=rule)
    assert not np.asarray(triplets.chosen).any()
    for soft in (False, True):
        np.testing.assert_array_equal(anchor_losses(triplet_costs(triplets, soft=soft), triplets.chosen), 0)
    assert float(active_share(distances, people)) == 0


# Anchor 0's triplets with margin 1: 1 - 1.5 + 1 > 0, 1 - 5 + 1 < 0, 3 - 1.5 + 1 > 0, 3 - 5 + 1 < 0.
def test_the_active_share_counts_triplets_that_break_the_margin():
    expected = [LINE[a, p] - LINE[a, n] + 1 > 0 for a, p, (n,) in brute_force(LINE, PEOPLE, "all")]
    assert expected[:4] == [True, False, True, False]
    assert float(active_share(LINE, PEOPLE, margin=1.0)) == pytest.approx(np.mean(expected))


def test_equal_encodings_break_every_margin_and_no_order():
    distances, people = batch("equal", 0)
    assert float(active_share(distances, people, margin=0.2)) == 1
    assert float(active_share(distances, people, margin=0.0)) == 0


@pytest.mark.parametrize("rule", RULES)
def test_the_batch_may_stay_open_in_a_graph(rule):
    def losses(distances, people):
        triplets = choose_triplets(distances, people, rule=rule, choice="random")
        return anchor_losses(triplet_costs(triplets), triplets.chosen)

    open_sides = [tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((None,), tf.float32)]
    graph = tf.function(losses, input_signature=open_sides)
    for kind in ("random", "singles", "one picture"):
        distances, people = batch(kind, 2)
        np.testing.assert_allclose(graph(distances, people), losses(distances, people), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"rule": "hard"}, "`rule` must be one of all, random, semi_hard, hardest, batch_hard. Received 'hard'"),
        ({"choice": "first"}, "`choice` must be one of nearest, random. Received 'first'"),
        ({"fallback": "none"}, "`fallback` must be one of skip, largest, nearest. Received 'none'"),
    ],
)
def test_unknown_words_are_refused_with_the_known_ones(argument, message):
    with pytest.raises(ValueError, match=message):
        choose_triplets(LINE, PEOPLE, **argument)


def test_an_unknown_average_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`average` must be one of chosen, active. Received 'mean'"):
        anchor_losses(LINE, LINE > 0, average="mean")
    with pytest.raises(ValueError, match=r"`person_ids` \(n,\). Received \(5, 5\) and \(4,\)"):
        choose_triplets(LINE, PEOPLE[:4])
