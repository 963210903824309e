"""AlexNet's colour shift, worked by hand and against NumPy."""

import keras
import numpy as np
import pytest

from cnn_suite.ops.pca_colour import EIGENVALUES, EIGENVECTORS, pca_colour


def shifted(images, draws, **options):
    result = pca_colour(keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(draws), **options)
    return keras.ops.convert_to_numpy(result)


def test_the_first_axis_is_brightness_by_hand():
    # One draw of 0.1 on the first axis: 0.1 * 0.2175 * (-0.5675, -0.5808, -0.5836) * 255 = (-3.1475, -3.2213, -3.2368).
    pixel = np.full((1, 1, 1, 3), 100, np.float32)
    result = shifted(pixel, np.array([[0.1, 0, 0]], np.float32))
    np.testing.assert_allclose(result.reshape(3), [96.8525, 96.7787, 96.7632], atol=1e-3)


def test_the_axes_are_perpendicular_and_of_length_one():
    axes = np.array(EIGENVECTORS)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-3)


def test_every_pixel_of_a_picture_moves_by_its_own_pictures_shift():
    random = np.random.default_rng(0)
    images = random.uniform(100, 150, (4, 5, 3, 3)).astype(np.float32)
    draws = random.normal(0, 0.1, (4, 3)).astype(np.float32)
    wanted = images.copy()
    for picture in range(4):
        shift = sum(np.array(EIGENVECTORS)[:, k] * draws[picture, k] * EIGENVALUES[k] for k in range(3)) * 255
        wanted[picture] += shift
    np.testing.assert_allclose(shifted(images, draws), wanted, rtol=1e-5)


def test_no_draw_is_no_change_and_a_range_of_one_gives_the_same_shift_in_its_own_units():
    images = np.random.default_rng(1).uniform(90, 160, (2, 3, 4, 3)).astype(np.float32)
    draws = np.array([[0.2, -0.5, 1.0], [0, 0, 0]], np.float32)
    result = shifted(images, draws)
    np.testing.assert_array_equal(result[1], images[1])
    np.testing.assert_allclose(shifted(images / 255, draws, value_range=(0, 1)) * 255, result, rtol=1e-4)


def test_values_stay_in_range_and_the_type_stays():
    images = np.random.default_rng(2).choice([0.0, 255.0], (2, 4, 4, 3)).astype(np.float16)
    result = shifted(images, np.array([[3, 3, 3], [-3, -3, -3]], np.float32))
    assert result.dtype == np.float16
    assert result.min() >= 0 and result.max() <= 255


def test_grey_pictures_are_refused():
    with pytest.raises(ValueError, match=r"must be RGB.*Received 1 channels.*no colours to shift"):
        shifted(np.zeros((1, 2, 2, 1), np.float32), np.zeros((1, 3), np.float32))
