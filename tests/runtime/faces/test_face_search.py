"""Search among enrolled people: small cases by hand, then the same answer as measuring everything in float64."""

import threading

import numpy as np
import pytest

from cnn_suite.runtime.faces import face_search
from cnn_suite.runtime.faces.face_search import FaceIndex, Neighbour


def units(count, dimensions=16, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute(matrix, names, query, k):
    """Every row in float64; the first row of the nearest of each person; ties by row."""
    distances = [float(((row.astype(np.float64) - query) ** 2).sum()) for row in matrix]
    best = {}
    for row in sorted(range(len(names)), key=lambda row: (distances[row], row)):
        best.setdefault(names[row], (row, distances[row]))
    return list(best.items())[:k]


def check(matrix, names, queries, k):
    for found, query in zip(FaceIndex(matrix, names).nearest(queries, k), queries, strict=True):
        expected = brute(matrix, names, query, k)
        assert [(neighbour.name, neighbour.row) for neighbour in found] == [(n, row) for n, (row, _) in expected]
        np.testing.assert_allclose([n.distance for n in found], [d for _, (_, d) in expected], rtol=1e-12, atol=1e-15)


# Ada has (1, 0) and (0, 1), Bo (-1, 0). From (0.6, 0.8): to Ada 0.16 + 0.64 = 0.8 and 0.36 + 0.04 = 0.4, to Bo
# 2.56 + 0.64 = 3.2.
def test_each_person_counts_with_the_nearest_encoding():
    found = FaceIndex(np.array([[1, 0], [0, 1], [-1, 0]]), ["Ada", "Ada", "Bo"]).nearest(np.array([[0.6, 0.8]]), k=5)
    assert [[(n.name, n.row) for n in near] for near in found] == [[("Ada", 1), ("Bo", 2)]]
    np.testing.assert_allclose([n.distance for n in found[0]], [0.4, 3.2], atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 7, 1000])
@pytest.mark.parametrize("queries", [1, 3])
def test_it_is_what_measuring_everything_gives(k, queries):
    matrix = units(1500)
    names = [f"P {number}" for number in np.random.default_rng(1).integers(0, 300, 1500)]
    check(matrix, names, units(queries, seed=2), k)


@pytest.mark.parametrize("people", [1, 2, 3, 700])
def test_persons_with_many_encodings_that_crowd_the_nearest_hide_nobody(people):
    matrix = units(3000, dimensions=8)
    query = units(1, dimensions=8, seed=9)
    matrix = matrix[np.argsort(-(matrix @ query[0]))]  # the nearest rows are all of the first person
    check(matrix, [f"P {row // 1000 if people <= 3 else row // 4}" for row in range(3000)], query, people)


@pytest.mark.parametrize("seed", range(5))
def test_encodings_nearer_to_each_other_than_float32_can_tell_are_told_apart(seed):
    rng = np.random.default_rng(seed)
    query = units(1, 128, seed=seed)
    rows = query + rng.normal(size=(600, 128)) * 1e-4  # products with the query are 1 to 2e-8 or so
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    check(rows, [f"P {row}" for row in range(600)], query, 4)
    assert len(set((rows @ query[0]).tolist())) < 100  # by the products alone most would tie


@pytest.mark.parametrize("queries", [1, 2])
def test_ties_go_to_the_first(queries):
    row = units(1)
    check(np.repeat(row, 700, axis=0), [f"P {number % 5}" for number in range(700)], np.repeat(row, queries, axis=0), 3)


def test_lengths_that_are_not_quite_one_change_nothing():
    rng = np.random.default_rng(3)
    matrix = (units(800) * rng.uniform(0.998, 1.002, (800, 1))).astype(np.float32)
    check(matrix, [f"P {number}" for number in range(800)], units(2, seed=4) * np.float32(1.001), 6)


# From (1, 0): (1, 0.0633) has the greater product, 1, and length 1.002, but its square of the distance is 0.004; that
# of (0.998, 0), whose product is 0.998, is 0.000004.
@pytest.mark.parametrize("queries", [1, 2])
def test_a_longer_encoding_with_the_greater_product_does_not_hide_a_nearer_one(queries):
    found = FaceIndex(np.array([[1, 0.0633], [0.998, 0]]), ["long", "near"]).nearest(np.array([[1.0, 0]] * queries))
    assert [near.name for (near,) in found] == ["near"] * queries


def test_a_gallery_of_several_parts_is_searched_whole(monkeypatch):
    monkeypatch.setattr(face_search, "_ROWS_AT_ONCE", 64)
    matrix = units(1000)
    names = [f"P {number}" for number in np.random.default_rng(1).integers(0, 40, 1000)]
    for k in (1, 5, 100):
        check(matrix, names, units(4, seed=5), k)
        check(matrix, names, units(1, seed=6), k)


def test_every_size_of_gallery_gives_somebody():
    for count in (1, 2, 255, 256, 257, 511, 513):
        matrix = units(count)
        names = [str(row) for row in range(count)]
        for k in (1, 3):
            check(matrix, names, matrix[-1:], k)


def test_an_enrolled_encoding_is_at_no_distance():
    matrix = units(50)
    assert FaceIndex(matrix, [str(row) for row in range(50)]).nearest(matrix[7:8]) == [[Neighbour("7", 0.0, 7)]]


def test_an_empty_gallery_has_nobody_near():
    assert FaceIndex(np.zeros((0, 16)), []).nearest(units(2), 3) == [[], []]
    assert FaceIndex(units(2), ["a", "b"]).nearest(np.zeros((0, 16))) == []


def test_an_index_is_asked_again_by_several_threads():
    matrix = units(5000, seed=8)
    names = [f"P {row % 900}" for row in range(5000)]
    index, queries = FaceIndex(matrix, names), units(40, seed=9)
    assert len(index) == 5000 and index.people == 900
    expected, found = index.nearest(queries, 3), {}

    def ask(number):
        found[number] = index.nearest(queries[number : number + 1], 3)[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(40)] == expected


def test_the_gallery_is_not_changed_and_not_copied():
    matrix = units(10)
    before = matrix.copy()
    index = FaceIndex(matrix, ["a"] * 10)
    index.nearest(units(2), 2)
    np.testing.assert_array_equal(matrix, before)
    assert index._matrix is matrix


def test_float16_and_float64_and_columns_are_taken():
    matrix = units(100)
    names = [str(row) for row in range(100)]
    for other in (matrix.astype(np.float64), np.asfortranarray(matrix)):
        assert FaceIndex(other, names).nearest(matrix[3:4], 2) == FaceIndex(matrix, names).nearest(matrix[3:4], 2)
    (found,) = FaceIndex(matrix.astype(np.float16), names).nearest(matrix[3:4].astype(np.float16))
    assert found[0].name == "3"


@pytest.mark.parametrize(
    ("matrix", "names", "queries", "k", "text"),
    [
        (units(2), ["a"], units(1), 1, "`names` must have one entry per row, 2. Received 1"),
        (units(2)[0], ["a"], units(1), 1, r"`matrix` must have shape \(n, dimensions\).* Received shape \(16,\)"),
        (units(2), ["a", "b"], units(1)[0], 1, r"`queries` must have shape .* Received shape \(16,\)"),
        (units(2), ["a", "b"], units(1, 8), 1, r"`queries` must have 16 numbers.* Received shape \(1, 8\). Encode"),
        (units(2), ["a", "b"], units(1) * 2, 1, "`queries` must have length 1. Received length 2 in row 0"),
        (units(2) * [[1], [0]], ["a", "b"], units(1), 1, "`matrix` must have length 1. Received length 0 in row 1"),
        (units(2), ["a", "b"], units(1) * np.nan, 1, "`queries` must be finite. Received a NaN"),
        (units(2) * np.nan, ["a", "b"], units(1), 1, "`matrix` must be finite"),
        (units(2), ["a", "b"], units(1), 0, "`k` must be at least 1 person. Received 0"),
    ],
)
def test_what_cannot_be_searched_is_refused(matrix, names, queries, k, text):
    with pytest.raises(ValueError, match=text):
        FaceIndex(matrix, names).nearest(queries, k)
