"""The network for points: shapes, what it says before training, half precision, saving, refusals."""

import keras
import numpy as np
import pytest

from cnn_suite.losses.landmarks import LandmarksLoss
from cnn_suite.models.face_points import face_points


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return face_points(64, 5)


def test_it_is_small_and_gives_a_logit_and_two_numbers_a_point(network):
    assert network.output_shape == (None, 11)
    assert network.count_params() < 300_000


def test_one_step_lowers_the_loss():
    keras.utils.set_random_seed(0)
    model = face_points(32, 2, width=0.5)
    x = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3))
    y = np.tile([1, 0.2, 0.3, 0.7, 0.8], (8, 1))
    model.compile(keras.optimizers.Adam(1e-3), LandmarksLoss())
    losses = [model.train_on_batch(x, y) for _ in range(8)]
    assert losses[-1] < losses[0]


def test_half_precision_gives_float32_points():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = face_points(32, 5)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(np.zeros((1, 32, 32, 3))).dtype == "float32"


def test_it_is_saved_and_loaded(network, tmp_path):
    network.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    np.testing.assert_array_equal(again(x), network(x))


@pytest.mark.parametrize("size, points", [(60, 5), (8, 5), (64, 0)])
def test_impossible_sizes_are_refused(size, points):
    with pytest.raises(ValueError, match=f"Received {size} and {points}."):
        face_points(size, points)
