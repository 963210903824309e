"""Random colour against Keras's own operations and the colour conversions of OpenCV."""

import colorsys
import math

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_detection import Augmentation
from cnn_suite.data.colour import MIDDLE, RGB_TO_YIQ, colour_matrix, random_colour, random_colours

LUMA = np.array([0.299, 0.587, 0.114])
NONE = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


def settings(**changes):
    return Augmentation(**(NONE | changes))


def matrix(contrast=1.0, saturation=1.0, hue_rad=0.0):
    return colour_matrix(*(tf.constant(value) for value in (contrast, saturation, hue_rad))).numpy()


@pytest.fixture
def image():
    """Pixels of the middle of the range, so that no change is clipped."""
    return np.random.default_rng(0).uniform(90, 165, (12, 17, 3)).astype(np.float32)


def changed(image, seed=3, **changes):
    return random_colour(tf.constant(image), tf.constant([seed, 0]), settings(**changes)).numpy()


def test_no_change_is_the_identity(image):
    np.testing.assert_allclose(matrix(), np.eye(3), atol=1e-6)
    np.testing.assert_array_equal(changed(image), image)


def test_a_colour_space_of_luma_and_two_axes_that_grey_does_not_have():
    np.testing.assert_allclose(RGB_TO_YIQ @ np.ones(3), [1, 0, 0], atol=1e-4)
    for colour in np.random.default_rng(1).random((20, 3)):
        # colorsys rounds its coefficients to two digits.
        np.testing.assert_allclose(RGB_TO_YIQ @ colour, colorsys.rgb_to_yiq(*colour), atol=0.01)


@pytest.mark.parametrize("hue_rad", [0.3, -1.0, math.pi])
@pytest.mark.parametrize("saturation", [0.0, 0.6, 1.5])
def test_hue_and_saturation_keep_luma_and_leave_grey_alone(hue_rad, saturation):
    turned = matrix(1.0, saturation, hue_rad)
    np.testing.assert_allclose(LUMA @ turned, LUMA, atol=1e-4)
    np.testing.assert_allclose(turned @ np.ones(3), np.ones(3), atol=1e-4)


def test_a_whole_turn_changes_nothing_and_two_halves_are_a_whole():
    np.testing.assert_allclose(matrix(hue_rad=2 * math.pi), np.eye(3), atol=1e-5)
    half = matrix(hue_rad=math.pi)
    np.testing.assert_allclose(half @ half, np.eye(3), atol=1e-5)


def test_hue_turns_the_way_of_the_colour_circle_and_about_as_far():
    # YIQ's circle is not HSV's, but by a small angle both turn red towards the same side by about as much.
    red = np.array([200.0, 90.0, 90.0], np.float32)
    steps = []
    for degrees in (-12, 12):
        r, g, b = (matrix(hue_rad=math.radians(degrees)) @ red) / 255
        hue = colorsys.rgb_to_hsv(r, g, b)[0]
        steps.append((hue + 0.5) % 1 - 0.5)
    assert steps[0] * steps[1] < 0
    np.testing.assert_allclose(np.abs(steps) * 360, 15, atol=5)


def test_no_saturation_is_opencvs_grey(image):
    grey = image @ matrix(saturation=0.0).T
    wanted = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    np.testing.assert_allclose(grey, np.repeat(wanted[..., None], 3, axis=-1), atol=0.05)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.7])
def test_saturation_mixes_with_grey_like_keras(image, factor):
    # Keras: grey + factor * (image - grey), where `rgb_to_grayscale` has OpenCV's weights.
    grey = keras.ops.convert_to_numpy(keras.ops.image.rgb_to_grayscale(image))
    np.testing.assert_allclose(image @ matrix(saturation=factor).T, grey + factor * (image - grey), atol=0.05)


@pytest.mark.parametrize("seed", range(8))
def test_brightness_adds_one_number_to_every_channel(image, seed):
    difference = changed(image, seed, brightness=0.2) - image
    assert difference.std() < 1e-3
    assert 0 < abs(difference.mean()) <= 0.2 * 255


@pytest.mark.parametrize("seed", range(8))
def test_contrast_turns_about_the_middle(image, seed):
    result = changed(image, seed, contrast=0.3)
    factor = ((result - MIDDLE) / (image - MIDDLE))[abs(image - MIDDLE) > 5]
    np.testing.assert_allclose(factor, factor[0], rtol=1e-3)
    assert 0.7 <= factor[0] <= 1.3


def test_values_stay_in_range_whatever_is_asked():
    image = np.random.default_rng(0).choice([0.0, 255.0], (9, 9, 3)).astype(np.float32)
    for seed in range(10):
        result = changed(image, seed, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.5)
        assert result.min() >= 0 and result.max() <= 255


def test_everything_at_once_equals_one_after_the_other(image):
    # Saturation, then hue, then contrast about the middle, each a step of its own.
    saturated = image @ matrix(saturation=1.2).T
    turned = saturated @ matrix(hue_rad=0.1).T
    wanted = (turned - MIDDLE) * 0.9 + MIDDLE
    composed = image @ matrix(0.9, 1.2, 0.1).T + MIDDLE * (1 - 0.9)
    np.testing.assert_allclose(composed, wanted, atol=0.02)


def test_the_same_seed_gives_the_same_colours_and_another_one_others(image):
    changes = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.3, "hue": 0.05}
    np.testing.assert_array_equal(changed(image, 1, **changes), changed(image, 1, **changes))
    assert abs(changed(image, 1, **changes) - changed(image, 2, **changes)).max() > 1


def batch_changed(images, seed=3, **changes):
    return random_colours(tf.constant(images), tf.constant([seed, 0]), settings(**changes)).numpy()


def test_matrices_of_a_batch_are_those_of_its_members():
    contrast, saturation, hue = np.random.default_rng(4).uniform(0.2, 1.5, (3, 5)).astype(np.float32)
    together = colour_matrix(*(tf.constant(values) for values in (contrast, saturation, hue))).numpy()
    assert together.shape == (5, 3, 3)
    for k in range(5):
        np.testing.assert_allclose(together[k], matrix(contrast[k], saturation[k], hue[k]), atol=1e-6)


def test_each_picture_of_a_batch_has_a_colour_of_its_own_within_the_ranges():
    images = np.random.default_rng(5).uniform(90, 165, (6, 5, 7, 3)).astype(np.float32)
    changes = {"brightness": 0.1, "contrast": 0.2, "saturation": 0.3, "hue": 0.05}
    result = batch_changed(images, **changes)
    draws = tf.random.stateless_uniform([6, 4], [3, 0], -1.0, 1.0).numpy()
    for k, (bright, contrast, saturation, hue) in enumerate(draws):
        factor = 1 + 0.2 * contrast
        wanted = images[k] @ matrix(factor, 1 + 0.3 * saturation, 2 * math.pi * 0.05 * hue).T
        wanted += MIDDLE * (1 - factor + 2 * 0.1 * bright)
        np.testing.assert_allclose(result[k], wanted, atol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_and_contrast_of_a_batch_need_no_colours(channels):
    images = np.random.default_rng(6).uniform(90, 165, (4, 5, 7, channels)).astype(np.float32)
    result = batch_changed(images, brightness=0.1, contrast=0.2, saturation=0.5 if channels == 1 else 0.0)
    draws = tf.random.stateless_uniform([4, 4], [3, 0], -1.0, 1.0).numpy()[..., None, None, None]
    wanted = (images - MIDDLE) * (1 + 0.2 * draws[:, 1]) + MIDDLE + 255 * 0.1 * draws[:, 0]
    np.testing.assert_allclose(result, wanted, atol=0.01)


def test_a_batch_stays_in_range_too():
    images = np.random.default_rng(0).choice([0.0, 255.0], (8, 9, 9, 3)).astype(np.float32)
    result = batch_changed(images, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.5)
    assert result.min() >= 0 and result.max() <= 255
