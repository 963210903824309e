"""Distances of encodings: by hand, against NumPy and the figures of verification, and gradients at distance 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.metrics.verification import all_pairs
from cnn_suite.ops.embeddings import MEASURES, paired_distances, pairwise_distances, spread, unit_length


def rows(count=6, size=5, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(dtype)


def gradient(function, *points):
    variables = [tf.Variable(point) for point in points]
    with tf.GradientTape() as tape:
        value = function(*variables)
    return [np.asarray(found) for found in tape.gradient(value, variables)]


# (0, 0) and (3, 4): 9 + 16 = 25, whose root is 5. (1, 0) and (0, 2) are at a right angle: 1 - cos = 1.
def test_distances_worked_by_hand():
    a = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(pairwise_distances(a), [[0, 25], [25, 0]])
    np.testing.assert_array_equal(pairwise_distances(a, measure="euclidean"), [[0, 5], [5, 0]])
    right_angle = pairwise_distances(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0], [-3.0, 0.0]]), measure="cosine")
    np.testing.assert_allclose(right_angle, [[1, 2]], rtol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_distances_equal_those_that_verification_counts(measure):
    encodings = rows(9)
    upper = np.triu_indices(9, 1)
    found = np.asarray(pairwise_distances(encodings, measure=measure))[upper]
    np.testing.assert_allclose(found, all_pairs(encodings, np.arange(9), measure).distances, rtol=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_paired_distances_are_the_diagonal_of_the_pairwise_ones(measure):
    a, b = rows(seed=1), rows(seed=2)
    every = np.asarray(pairwise_distances(a, b, measure=measure))
    np.testing.assert_allclose(paired_distances(a, b, measure=measure), np.diagonal(every), rtol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_distances_are_symmetric_0_to_itself_and_tie_exactly(measure):
    encodings = np.concatenate([rows(40, 128), rows(40, 128)])  # everyone twice, far apart in the batch
    found = np.asarray(pairwise_distances(encodings, measure=measure))
    np.testing.assert_array_equal(found, found.T)
    assert not np.diagonal(found).any() and not np.diagonal(found, 40).any()
    np.testing.assert_array_equal(found[:, :40], found[:, 40:])
    assert (found >= 0).all()


def test_two_files_of_encodings_may_differ_in_length():
    assert pairwise_distances(rows(3), rows(7)).shape == (3, 7)
    assert pairwise_distances(rows(1)).shape == (1, 1)


def test_squared_distances_of_unit_length_are_twice_the_cosine_ones():
    unit = np.asarray(unit_length(rows()))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)
    halves = np.asarray(pairwise_distances(unit, measure="squared")) / 2
    np.testing.assert_allclose(pairwise_distances(unit, measure="cosine"), halves, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("compiled", [False, True])  # XLA's root has another gradient at 0 than TensorFlow's kernel
@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_at_distance_0_are_finite(measure, compiled):
    @tf.function(jit_compile=compiled)
    def slope(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            value = tf.reduce_sum(pairwise_distances(a, measure=measure)) + spread(a)
        return tape.gradient(value, a)

    np.testing.assert_allclose(slope(tf.tile(rows(1), (4, 1))), 0, atol=1e-6)
    np.testing.assert_array_equal(slope(tf.zeros((3, 5))), np.zeros((3, 5)))


@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_equal_finite_differences(measure):
    a, b = rows(3, 4, 1, np.float64), rows(3, 4, 2, np.float64)
    weights = np.random.default_rng(3).normal(size=(3, 3))

    def value(a, b):
        return tf.reduce_sum(weights * pairwise_distances(a, b, measure=measure))

    (found, _), step = gradient(value, a, b), 1e-5
    for place in np.ndindex(a.shape):
        moved = [a.copy(), a.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        slope = (float(value(moved[0], b)) - float(value(moved[1], b))) / (2 * step)
        assert found[place] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_an_encoding_of_zeros_lies_at_a_half_of_every_other_by_the_cosine():
    found = pairwise_distances(np.array([[0.0, 0.0], [0.0, 2.0]]), measure="cosine")
    np.testing.assert_allclose(found, [[0, 0.5], [0.5, 0]])


def test_half_precision_is_squared_in_float32_without_overflow():
    found = pairwise_distances(np.array([[300.0], [-300.0]], np.float16))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(found, [[0, 360_000], [360_000, 0]])


def test_the_number_of_encodings_may_stay_open_in_a_graph():
    graph = tf.function(
        lambda a: pairwise_distances(a, measure="euclidean"), input_signature=[tf.TensorSpec((None, 5), tf.float32)]
    )
    for count in (1, 4):
        encodings = rows(count)
        np.testing.assert_allclose(graph(encodings), pairwise_distances(encodings, measure="euclidean"), rtol=1e-6)


# (1, 0) and (-1, 0): their mean is 0 and both lie at 1 from it.
def test_the_spread_of_opposite_encodings_is_1_and_of_equal_ones_0():
    assert float(spread(np.array([[1.0, 0.0], [-1.0, 0.0]]))) == 1
    assert float(spread(np.ones((4, 3)))) == 0


def test_the_mean_squared_distance_of_two_is_twice_the_squared_spread():
    encodings = rows(8)
    mean = float(np.mean(np.asarray(pairwise_distances(encodings))))
    assert 2 * float(spread(encodings)) ** 2 == pytest.approx(mean, rel=1e-5)


def test_an_unknown_measure_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`measure` must be one of squared, euclidean, cosine. Received 'manhattan'"):
        pairwise_distances(rows(), measure="manhattan")


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"`a` must have shape \(encodings, size\). Received shape \(5,\)"):
        pairwise_distances(np.zeros(5))
    with pytest.raises(ValueError, match="rows of the same size. Received sizes 5 and 4"):
        pairwise_distances(rows(), rows(size=4))
    with pytest.raises(ValueError, match="Received 6 and 3. For the distance of every row to every other, call `pair"):
        paired_distances(rows(), rows(3))
