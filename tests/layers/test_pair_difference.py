"""Differences and distances of two encodings: by hand, their gradients, and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.pair_difference import KINDS, PairDifference, PairDistance
from cnn_suite.ops.embeddings import MEASURES, paired_distances


def pair(count=3, size=4, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(count, size)).astype(np.float32) for _ in range(2)]


# 3 and 1: |2|, 4, 4 / 4 = 1. 0 and 0.5: 0.5, 0.25, 0.25 / 0.5 = 0.5. 0 and 0: nothing.
@pytest.mark.parametrize(
    ("kind", "expected"), [("absolute", [2, 0.5, 0]), ("squared", [4, 0.25, 0]), ("chi_square", [1, 0.5, 0])]
)
def test_differences_worked_by_hand(kind, expected):
    found = PairDifference(kind)([np.array([[3, 0, 0]], np.float32), np.array([[1, 0.5, 0]], np.float32)])
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


# -3 and 1: 16 / (3 + 1) = 4; the sum without absolute values is -2.
def test_chi_square_of_unlike_signs_divides_by_the_sum_of_sizes():
    found = PairDifference("chi_square")([np.array([[-3.0, -1.0]]), np.array([[1.0, 1.0]])])
    np.testing.assert_allclose(found, [[4, 2]], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_differences_are_symmetric_and_0_of_equal_encodings(kind):
    first, second = pair()
    layer = PairDifference(kind)
    np.testing.assert_array_equal(layer([first, second]), layer([second, first]))
    assert not np.asarray(layer([first, first])).any()
    assert (np.asarray(layer([first, second])) >= 0).all()


def test_differences_equal_numpy():
    first, second = (np.abs(x) for x in pair(seed=2))  # what the formula was made for
    np.testing.assert_array_equal(PairDifference("absolute")([first, second]), np.abs(first - second))
    expected = (first - second) ** 2 / (first + second)
    np.testing.assert_allclose(PairDifference("chi_square", 1e-12)([first, second]), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_equal_encodings_and_of_nothing_are_0(kind):
    for x in (pair()[0], np.zeros((2, 4), np.float32)):
        first, second = tf.Variable(x), tf.Variable(x)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(PairDifference(kind)([first, second]))
        for found in tape.gradient(total, [first, second]):
            np.testing.assert_array_equal(found, np.zeros_like(x))


@pytest.mark.parametrize("measure", MEASURES)
def test_the_distance_is_one_number_a_pair(measure):
    first, second = pair()
    found = PairDistance(measure)([first, second])
    assert found.shape == (3, 1)
    np.testing.assert_array_equal(found[:, 0], paired_distances(first, second, measure=measure))


def test_half_precision_is_computed_in_float32():
    layer = PairDifference("chi_square", dtype="float16")
    found = layer([np.array([[300.0, 0.0]], np.float16), np.array([[-300.0, 0.0]], np.float16)])
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    np.testing.assert_array_equal(found, [[600, 0]])  # 600^2 / 600, beyond float16 on the way
    assert PairDistance(dtype="float16")([np.ones((1, 2)), np.zeros((1, 2))]).dtype == "float16"


@pytest.mark.parametrize(
    "layer", [PairDifference("chi_square", 0.01, name="difference"), PairDistance("cosine", name="distance")]
)
def test_config_survives_saving(layer, tmp_path):
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, 4 if layer.name == "difference" else 1)
    model.save(tmp_path / "pair.keras")
    again = keras.saving.load_model(tmp_path / "pair.keras")
    assert again.get_layer(layer.name).get_config() == layer.get_config()
    np.testing.assert_array_equal(again(pair()), model(pair()))


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`kind` must be one of absolute, squared, chi_square. Received 'chi'"):
        PairDifference("chi")
    with pytest.raises(ValueError, match="`epsilon` must be positive; otherwise 0 / 0 gives NaN. Received 0"):
        PairDifference("chi_square", 0)
    with pytest.raises(ValueError, match="`measure` must be one of squared, euclidean, cosine. Received 'l1'"):
        PairDistance("l1")


@pytest.mark.parametrize("layer", [PairDifference, PairDistance])
def test_anything_but_two_encodings_of_one_size_is_refused(layer):
    with pytest.raises(ValueError, match=r"takes a list of two encodings of the same size. Received shapes \(3, 4\)"):
        layer()(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"`odd` takes a list of two .* Received shapes \[\(3, 4\), \(3, 5\)\]"):
        layer(name="odd")([np.zeros((3, 4)), np.zeros((3, 5))])
    with pytest.raises(ValueError, match="takes a list of two encodings"):
        layer()([np.zeros((3, 4))] * 3)
