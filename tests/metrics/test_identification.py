"""Open-set identification: by hand, against loops, ties against us, strangers as a first answer."""

import json

import numpy as np
import pytest

from cnn_suite.metrics.identification import candidates, dir_at_fpir, open_set_figures, rank_one
from cnn_suite.metrics.intervals import clopper_pearson, people_interval

# Enrolled on a line: Ann at 0 and 10, Bob at 4, Cem at 20. Measure "euclidean".
GALLERY, NAMES = np.array([[4.0], [0], [20], [10]]), ["Bob", "Ann", "Cem", "Ann"]
# Ann at 1: Ann 1, Bob 3, Cem 19. Bob at 6: Bob 2, Ann 4. Cem at 12: Ann 2, then Cem and Bob at 8 each. Strangers: Dan
# at 5 (Bob 1), at 30 (Cem 10) and Eva at 13.5 (Ann 3.5).
PROBES, SHOWN = np.array([[1.0], [6], [12], [5], [30], [13.5]]), ["Ann", "Bob", "Cem", "Dan", "Dan", "Eva"]


@pytest.fixture
def found():
    return candidates(GALLERY, NAMES, PROBES, SHOWN, "euclidean")


def test_candidates_of_a_small_gallery_by_hand(found):
    assert found.names.tolist() == ["Ann", "Bob", "Ann", "Bob", "Cem", "Ann"]
    assert found.distances.tolist() == [1, 2, 2, 1, 10, 3.5]
    assert found.enrolled.tolist() == [True, True, True, False, False, False]
    assert found.ranks.tolist() == [1, 1, 3, 0, 0, 0]  # Cem as far away as Bob: behind
    assert found.people == 3


def test_figures_of_a_small_gallery_by_hand(found):
    first = rank_one(found)
    assert (first.rate, first.interval, first.probes) == (2 / 3, clopper_pearson(2, 3), 3)
    assert first.interval_people == pytest.approx(people_interval(np.array([True, True, False]), np.arange(3)))
    # One stranger of three may be accepted: Dan at 1, and not Eva at 3.5. Of the others 1, 2, 2 lie below, one wrong.
    figures = dir_at_fpir(found, 1 / 3)
    assert (figures.threshold, figures.dir, figures.fpir) == (3.5, 2 / 3, 1 / 3)
    assert (figures.recognised, figures.mistaken, figures.missed, figures.accepted) == (2, 1, 0, 1)
    assert (figures.people, figures.strangers, figures.enrolled_probes, figures.stranger_probes) == (3, 2, 3, 3)
    assert figures.fpir_interval == clopper_pearson(1, 3) and figures.dir_interval == clopper_pearson(2, 3)
    assert figures.fpir_interval_people == pytest.approx(
        people_interval(np.array([True, False, False]), np.array([0, 0, 1]))
    )


def test_with_few_strangers_none_is_accepted_and_the_interval_says_how_little_that_shows(found):
    figures = dir_at_fpir(found)
    assert (figures.threshold, figures.fpir, figures.dir) == (1, 0, 0)  # Ann at 1 is not below 1 either
    assert figures.missed == 3
    assert figures.fpir_interval == clopper_pearson(0, 3) and figures.fpir_interval_people == clopper_pearson(0, 2)


def test_everybody_may_be_accepted(found):
    figures = dir_at_fpir(found, 1)
    assert (figures.fpir, figures.dir, figures.missed) == (1, 2 / 3, 0) and 10 < figures.threshold < 10.001


def test_equal_distances_of_strangers_are_all_refused():
    found = candidates(np.array([[0.0]]), ["Ann"], np.array([[1.0], [2], [2], [2], [3]]), [*"ABCD", "Ann"])
    figures = dir_at_fpir(found, 0.5)
    assert (figures.threshold, figures.fpir) == (4, 0.25)


def test_an_equal_distance_to_another_person_is_no_recognition():
    found = candidates(np.array([[0.0], [2]]), ["Ann", "Bob"], np.array([[1.0], [1], [9]]), ["Ann", "Bob", "Cem"])
    assert found.ranks.tolist() == [2, 2, 0] and rank_one(found).rate == 0
    assert dir_at_fpir(found).dir == 0 and dir_at_fpir(found).mistaken == 2


def random_people(seed, size=5):
    rng = np.random.default_rng(seed)
    faces = rng.normal(size=(12, size))
    names = np.array([f"p{k}" for k in range(12)])
    enrolled, shown = rng.integers(0, 8, 20), rng.integers(0, 12, 70)
    gallery, probes = (faces[who] + 0.7 * rng.normal(size=(len(who), size)) for who in (enrolled, shown))
    return gallery, names[enrolled], probes, names[shown]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("measure", ["squared", "cosine"])
def test_candidates_and_figures_are_those_of_loops(seed, measure):
    gallery, names, probes, shown = random_people(seed)
    found = candidates(gallery, names, probes, shown, measure)
    length = {"squared": lambda row: row, "cosine": lambda row: row / np.sqrt(2 * (row @ row))}[measure]
    ranks, right, strangers = [], [], []
    for probe, name in zip(probes, shown):
        of = {}
        for row, who in zip(gallery, names):
            of[who] = min(of.get(who, np.inf), ((length(row) - length(probe)) ** 2).sum())
        nearest = min(of, key=of.get)
        if name in of:
            ranks.append(sorted(of.values()).index(of[name]) + 1)
            right.append((nearest == name, of[nearest]))
        else:
            strangers.append(of[nearest])
    assert found.ranks[found.enrolled].tolist() == ranks
    np.testing.assert_allclose(np.sort(found.distances[~found.enrolled]), np.sort(strangers), rtol=1e-12)
    assert rank_one(found).rate == pytest.approx(np.mean([rank == 1 for rank in ranks]))
    for fpir in (0.01, 0.1, 0.34):
        figures = dir_at_fpir(found, fpir)
        allowed = [t for t in [*strangers, np.inf] if np.mean([d < t for d in strangers]) <= fpir]
        assert figures.threshold == pytest.approx(max(allowed))
        assert figures.dir == pytest.approx(np.mean([ok and d < max(allowed) for ok, d in right]))
        assert figures.recognised + figures.mistaken + figures.missed == figures.enrolled_probes == len(right)


def test_neither_the_order_of_the_gallery_nor_of_the_probes_matters():
    gallery, names, probes, shown = random_people(9)
    one, rng = candidates(gallery, names, probes, shown), np.random.default_rng(0)
    back, mixed = rng.permutation(20), rng.permutation(70)
    other = candidates(gallery[back], names[back], probes[mixed], shown[mixed])
    assert dir_at_fpir(other, 0.1) == dir_at_fpir(one, 0.1)
    np.testing.assert_array_equal(other.names, one.names[mixed])


def test_a_gallery_of_one_picture_and_one_probe_of_either_kind():
    found = candidates(np.ones((1, 2), np.float16), [7], np.array([[1, 1], [5, 5]]), [7, 8])
    figures = dir_at_fpir(found)
    assert (figures.dir, figures.fpir, figures.threshold) == (1, 0, 32)
    assert json.loads(json.dumps(figures.as_dict()))["dir"] == 1


def test_a_threshold_from_elsewhere_is_measured(found):
    figures = open_set_figures(found, 2.5, confidence=0.9)
    assert (figures.recognised, figures.mistaken, figures.missed, figures.accepted) == (2, 1, 0, 1)
    assert figures.confidence == 0.9 and figures.dir_interval == clopper_pearson(2, 3, 0.9)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (np.zeros((0, 2)), [], PROBES, SHOWN),
            r"`gallery` must have shape \(n, size\) and `gallery_names`.*at least 1",
        ),
        ((GALLERY, NAMES, PROBES, SHOWN[:2]), r"`probes` must have shape .* Received shapes \(6, 1\) and \(2,\)"),
        ((GALLERY, NAMES, np.full((1, 1), np.nan), ["A"]), "`probes` must be finite. Row 0 of 1 is not"),
        ((GALLERY, NAMES, np.ones((1, 2)), ["A"]), "of one size, from the same network. Received 1 and 2"),
        ((GALLERY, NAMES, PROBES, SHOWN, "l2"), "`measure` must be one of"),
    ],
)
def test_encodings_that_cannot_be_searched_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        candidates(*arguments)


def test_figures_without_their_kind_of_probes_are_refused(found):
    strangers = candidates(GALLERY, NAMES, PROBES[3:], SHOWN[3:])
    for figure in (rank_one, lambda found: open_set_figures(found, 1.0)):
        with pytest.raises(ValueError, match="must be probes of enrolled people. None of the names of 3 probes"):
            figure(strangers)
    with pytest.raises(ValueError, match="people who are not enrolled. All names of 3 probes are among"):
        dir_at_fpir(candidates(GALLERY, NAMES, PROBES[:3], SHOWN[:3]))
    with pytest.raises(ValueError, match=r"`fpir` must lie in \[0, 1\]. Received 1.5"):
        dir_at_fpir(found, 1.5)
    with pytest.raises(ValueError, match="`confidence` must lie between 0 and 1"):
        dir_at_fpir(found, confidence=95)
