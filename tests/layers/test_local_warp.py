"""The layer of the local warp: when it acts, how far, and saving."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.local_warp import LocalWarp


def ramp(count=3, height=12, width=20):
    """A picture whose values are its columns: a warp shows as how far each pixel moved sideways."""
    return np.broadcast_to(np.arange(width, dtype=np.float32)[None, None, :, None], (count, height, width, 1)).copy()


def test_nothing_changes_outside_of_training_or_without_displacement():
    np.testing.assert_array_equal(LocalWarp(seed=1)(ramp()), ramp())
    np.testing.assert_array_equal(LocalWarp(0.0, seed=1)(ramp(), training=True), ramp())


def test_in_training_no_pixel_moves_farther_than_asked_and_every_picture_differently():
    result = np.asarray(LocalWarp(0.1, cells=3, seed=1)(ramp(20), training=True))
    moved = result - ramp(20)
    assert 0.5 < np.abs(moved).max() <= 0.1 * 20 + 1e-3
    assert np.abs(moved[0] - moved[1]).max() > 0.1


def test_the_same_seed_gives_the_same_pictures_and_every_call_others():
    first, second = LocalWarp(seed=5), LocalWarp(seed=5)
    once = np.asarray(first(ramp(), training=True))
    np.testing.assert_array_equal(once, second(ramp(), training=True))
    assert np.abs(once - np.asarray(first(ramp(), training=True))).max() > 0.01


def test_a_gentle_warp_never_folds_the_picture():
    # 3 * largest * cells = 0.9 is below 1: along every row the columns stay in order.
    result = np.asarray(LocalWarp(0.075, cells=4, seed=2)(ramp(50, 9, 81), training=True))
    assert np.diff(result[..., 0], axis=2).min() >= 0


def test_bytes_and_half_precision_are_taken():
    assert LocalWarp(dtype="float16")(ramp().astype(np.uint8), training=True).dtype == "float16"


def test_the_layer_comes_back_from_a_saved_model(tmp_path):
    x = keras.Input((8, 9, 3))
    model = keras.Model(x, LocalWarp(0.2, cells=2, seed=9, name="warp")(x))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("warp")
    assert (again.largest, again.cells, again.seed) == (0.2, 2, 9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`largest` must be a fraction of the side, 0 to 1. Received 1.5"):
        LocalWarp(1.5)
    with pytest.raises(ValueError, match="`cells` must be at least 1. Received 0"):
        LocalWarp(cells=0)
    with pytest.raises(ValueError, match=r"`open` needs pictures of a fixed size.*Resize them first"):
        LocalWarp(name="open")(keras.Input((None, None, 3)))
