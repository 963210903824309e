"""The layer of AlexNet's colour shift: when it acts, how far, and saving."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.colour_shift import ColourShift
from cnn_suite.ops.pca_colour import EIGENVALUES, EIGENVECTORS


def pictures(count=4):
    return np.random.default_rng(0).uniform(100, 150, (count, 5, 3, 3)).astype(np.float32)


def test_nothing_changes_outside_of_training_or_without_deviation():
    np.testing.assert_array_equal(ColourShift(seed=1)(pictures()), pictures())
    np.testing.assert_array_equal(ColourShift(seed=1)(pictures(), training=False), pictures())
    np.testing.assert_array_equal(ColourShift(0.0, seed=1)(pictures(), training=True), pictures())


def test_in_training_every_picture_has_one_shift_of_its_own():
    change = np.asarray(ColourShift(seed=1)(pictures(), training=True)) - pictures()
    assert change.std(axis=(1, 2)).max() < 1e-4
    assert np.abs(np.diff(change[:, 0, 0], axis=0)).min(axis=0).max() > 0.01


def test_the_draws_along_the_axes_have_the_deviation_asked_for():
    layer = ColourShift(0.02, value_range=(0, 1), seed=3)
    change = np.asarray(layer(np.full((4000, 1, 1, 3), 0.5, np.float32), training=True)).reshape(-1, 3) - 0.5
    draws = change @ np.array(EIGENVECTORS) / EIGENVALUES
    np.testing.assert_allclose(draws.std(axis=0), 0.02, rtol=0.05)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.002)


def test_the_same_seed_gives_the_same_pictures_and_every_call_others():
    first, second = ColourShift(seed=5), ColourShift(seed=5)
    once = np.asarray(first(pictures(), training=True))
    np.testing.assert_array_equal(once, second(pictures(), training=True))
    assert np.abs(once - np.asarray(first(pictures(), training=True))).max() > 0.01


def test_bytes_and_half_precision_are_taken():
    assert ColourShift(dtype="float16")(pictures().astype(np.uint8), training=True).dtype == "float16"


def test_the_layer_comes_back_from_a_saved_model(tmp_path):
    x = keras.Input((None, None, 3))
    model = keras.Model(x, ColourShift(0.3, value_range=(0, 1), seed=9, name="shift")(x))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("shift")
    assert (again.deviation, again.value_range, again.seed) == (0.3, (0, 1), 9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`deviation` must be at least 0. Received -1"):
        ColourShift(-1)
    with pytest.raises(ValueError, match=r"`value_range` must be two numbers in ascending order\. Received \(1, 0\)"):
        ColourShift(value_range=(1, 0))
    with pytest.raises(ValueError, match=r"`grey` needs RGB pictures.*Received \(2, 4, 4, 1\)"):
        ColourShift(name="grey")(np.zeros((2, 4, 4, 1), np.float32))
