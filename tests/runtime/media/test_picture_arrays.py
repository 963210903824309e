"""Pictures at another size and as bytes."""

import numpy as np
import pytest

from cnn_suite.runtime.media.picture_arrays import as_bytes, as_rgb, fitted_size_hw, reduced, resized


def test_a_picture_keeps_its_kind_and_range_at_another_size() -> None:
    picture = np.random.default_rng(0).integers(50, 200, (10, 14, 3)).astype(np.uint8)
    for size_hw in ((5, 7), (20, 28), (10, 14)):
        other = resized(picture, size_hw)
        assert other.shape == (*size_hw, 3)
        assert other.dtype == np.uint8
        assert picture.min() <= other.min() and other.max() <= picture.max()
    assert resized(np.ones((4, 4), np.float32), (2, 2)).shape == (2, 2)


def test_averaging_to_half_the_size_is_the_mean_of_four() -> None:
    picture = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert resized(picture, (2, 2)) == pytest.approx(np.array([[2.5, 4.5], [10.5, 12.5]]))


def test_proportions_are_kept_down_to_one_pixel() -> None:
    assert fitted_size_hw((300, 600), 100) == (50, 100)
    assert fitted_size_hw((1, 600), 100) == (1, 100)
    assert fitted_size_hw((1, 600), 100, smallest=8) == (8, 100)


def test_only_what_is_too_large_is_reduced() -> None:
    picture = np.zeros((30, 60, 3), np.uint8)
    assert reduced(picture, None) is picture
    assert reduced(picture, 60) is picture
    assert reduced(picture, 20).shape == (10, 20, 3)
    assert reduced(picture, 20, smallest=12).shape == (12, 20, 3)


def test_grey_becomes_three_equal_channels_and_colour_stays() -> None:
    grey, colour = np.array([[[7], [9]]], np.uint8), np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    np.testing.assert_array_equal(as_rgb(grey), [[[7, 7, 7], [9, 9, 9]]])
    np.testing.assert_array_equal(as_rgb(colour), colour)
    assert not np.shares_memory(as_rgb(colour), colour)


def test_bytes_are_the_nearest_whole_numbers_in_range() -> None:
    np.testing.assert_array_equal(as_bytes(np.array([-3.0, 0.4, 0.6, 254.6, 300.0])), [0, 0, 1, 255, 255])
    assert as_bytes(np.zeros(1, np.float32)).dtype == np.uint8
