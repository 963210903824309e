"""Random views: by hand on a few pixels, against NumPy and OpenCV, and their ranges."""

import math

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_classification import Augmentation
from cnn_suite.data.classes.picture_views import centre_views, corner_views, random_views, sample_maps

OFF = {"mirror": 0.0, "flip": 0.0, "shift": 0.0}


def views(images, seed=0, size_hw=None, **changes):
    images = tf.constant(images)
    size_hw = size_hw or tuple(images.shape[1:3])
    return random_views(images, tf.constant([seed, 0]), Augmentation(**{**OFF, **changes}), size_hw).numpy()


def noise(shape=(4, 9, 12, 3), dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def map_of(*numbers):
    return tf.constant(np.array(numbers, np.float32).reshape(1, 2, 3))


SMALL = np.array([[1, 2, 3], [4, 5, 6]], np.uint8).reshape(1, 2, 3, 1)


def test_mirror_and_flip_by_hand():
    assert views(SMALL, mirror=1.0)[0, ..., 0].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert views(SMALL, flip=1.0)[0, ..., 0].tolist() == [[4, 5, 6], [1, 2, 3]]
    assert views(SMALL, mirror=1.0, flip=1.0)[0, ..., 0].tolist() == [[6, 5, 4], [3, 2, 1]]


@pytest.mark.parametrize(("fill", "row"), [("reflect", [2, 3, 3]), ("edge", [2, 3, 3]), ("black", [2, 3, 0])])
def test_one_pixel_to_the_side_by_hand(fill, row):
    moved = sample_maps(tf.constant(SMALL), map_of(1, 0, 1, 0, 1, 0), (2, 3), fill, nearest=True).numpy()
    assert moved[0, 0, :, 0].tolist() == row
    assert moved.dtype == np.uint8


def test_reflection_repeats_the_border_pixel_first():
    moved = sample_maps(tf.constant(SMALL), map_of(1, 0, 2, 0, 1, 0), (2, 3), "reflect", nearest=True).numpy()
    assert moved[0, 0, :, 0].tolist() == [3, 3, 2]


def test_nothing_switched_on_is_the_middle_of_the_picture_untouched():
    images = noise()
    assert views(images).dtype == np.uint8
    np.testing.assert_array_equal(views(images), images)
    np.testing.assert_array_equal(views(images, size_hw=(6, 7)), images[:, 1:7, 2:9])
    np.testing.assert_array_equal(centre_views(tf.constant(images), (6, 7)), images[:, 1:7, 2:9])


# By hand, 1 x 4 pixels of 1..4 by half of the size: two pixels to each side, where the border pixel is repeated first.
# Up and down there is nothing to see but the same row.
def test_views_towards_the_corners_by_hand():
    row = tf.reshape(tf.constant([1, 2, 3, 4], tf.uint8), (1, 1, 4, 1))
    found = [np.ravel(view).tolist() for view in corner_views(row, (1, 4), 0.5)]
    assert found == [[1, 2, 3, 4], [2, 1, 1, 2], [3, 4, 4, 3], [2, 1, 1, 2], [3, 4, 4, 3]]


# 10 x 12 pixels, views of 6 x 8 by a quarter: two rows and columns away from the middle, which starts at (2, 2).
def test_views_towards_the_corners_of_larger_pictures_are_parts_of_them():
    image = np.random.default_rng(0).integers(0, 256, (2, 10, 12, 3)).astype(np.uint8)
    starts = [(2, 2), (0, 0), (0, 4), (4, 0), (4, 4)]
    for view, (top, left) in zip(corner_views(image, (6, 8), 0.25), starts, strict=True):
        np.testing.assert_array_equal(view, image[:, top : top + 6, left : left + 8])


@pytest.mark.parametrize("size_hw", [(9, 12), (6, 7), (8, 9)])
def test_a_mirrored_view_is_the_mirror_image_of_the_middle(size_hw):
    # Also where the margin is odd and one side of it is a pixel larger.
    middle = centre_views(tf.constant(noise()), size_hw).numpy()
    np.testing.assert_array_equal(views(noise(), size_hw=size_hw, mirror=1.0), middle[:, :, ::-1])
    np.testing.assert_array_equal(views(noise(), size_hw=size_hw, flip=1.0), middle[:, ::-1])


def test_views_larger_than_the_picture_are_filled():
    result = views(noise((1, 4, 4, 1)), size_hw=(6, 6), fill="black")
    assert result.shape == (1, 6, 6, 1) and (result[0, 0] == 0).all()
    np.testing.assert_array_equal(result[:, 1:5, 1:5], noise((1, 4, 4, 1)))


def test_a_shift_moves_whole_pixels_and_covers_the_whole_range_evenly():
    # Pixel values tell where they come from: row * 16 + column.
    image = (np.arange(12)[:, None] * 16 + np.arange(12)).astype(np.uint8)
    images = np.broadcast_to(image[None, ..., None], (4000, 12, 12, 1)).copy()
    result = views(images, seed=3, size_hw=(8, 8), shift=0.25)  # the margin is 2 and so is the largest shift
    assert result.dtype == np.uint8
    first = result[:, 0, 0, 0].astype(int)
    for start in (first // 16, first % 16):
        assert set(start.tolist()) == {0, 1, 2, 3, 4}
        assert np.bincount(start).min() > 700  # 800 each on average, deviation 25
    for k in range(20):
        top, left = divmod(int(first[k]), 16)
        np.testing.assert_array_equal(result[k, ..., 0], image[top : top + 8, left : left + 8])


def test_half_of_the_pictures_are_mirrored_each_by_itself():
    images = np.broadcast_to(SMALL, (2000, 2, 3, 1)).copy()
    mirrored = (views(images, mirror=0.5)[:, 0, 0, 0] == 3).mean()
    assert abs(mirrored - 0.5) < 0.05
    assert abs((views(images, mirror=0.2)[:, 0, 0, 0] == 3).mean() - 0.2) < 0.04


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_that_of_numpy(quarters):
    image = noise((1, 7, 7, 2), np.float32)
    # rot90 takes pixel (x, y) of the view from (6 - y, x) of the picture.
    angle = quarters * math.pi / 2
    c, s = math.cos(angle), math.sin(angle)
    maps = map_of(c, -s, 3 - 3 * c + 3 * s, s, c, 3 - 3 * s - 3 * c)
    result = sample_maps(tf.constant(image), maps, (7, 7)).numpy()
    np.testing.assert_allclose(result[0], np.rot90(image[0], quarters), atol=1e-3)


@pytest.mark.parametrize("fill", ["reflect", "edge", "black"])
def test_any_map_samples_what_opencv_samples(fill):
    image = cv2.GaussianBlur(noise((1, 40, 50, 3), np.float32)[0], (0, 0), 3)
    matrix = np.array([[0.9, -0.25, 6.3], [0.2, 1.1, -4.7]], np.float32)
    borders = {"reflect": cv2.BORDER_REFLECT, "edge": cv2.BORDER_REPLICATE, "black": cv2.BORDER_CONSTANT}
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(image, matrix, (44, 36), flags=flags, borderMode=borders[fill])
    result = sample_maps(tf.constant(image[None]), map_of(*matrix.reshape(-1)), (36, 44), fill).numpy()[0]
    # OpenCV places pixels to a 32nd of their distance.
    assert np.abs(result - wanted).max() < 4 and np.abs(result - wanted).mean() < 0.3


def corners(changes, count=400, side=31):
    """Where the pixels one right of and one below the middle come from, relative to the middle, `(n, 2, 2)`."""
    axis = np.arange(side, dtype=np.float32)
    image = np.stack(np.meshgrid(axis, axis), axis=-1)  # every pixel holds its own (x, y)
    result = views(np.broadcast_to(image, (count, side, side, 2)).copy(), seed=5, fill="edge", **changes)
    middle = side // 2
    centre = result[:, middle, middle]
    np.testing.assert_allclose(centre, middle, atol=1e-3)
    return np.stack([result[:, middle, middle + 1] - centre, result[:, middle + 1, middle] - centre], axis=1)


def test_turns_keep_lengths_and_cover_the_range_to_both_sides():
    right, down = corners({"rotation_deg": 30.0}).swapaxes(0, 1)
    np.testing.assert_allclose(np.hypot(*right.T), 1, atol=1e-3)
    np.testing.assert_allclose((right * down).sum(axis=1), 0, atol=1e-3)
    angle = np.degrees(np.arctan2(right[:, 1], right[:, 0]))
    assert -30.01 < angle.min() < -28 and 28 < angle.max() < 30.01


def test_scales_keep_shape_and_cover_the_range_evenly_in_proportion():
    right, down = corners({"scale": (0.5, 2.0)}).swapaxes(0, 1)
    np.testing.assert_allclose(right[:, 0], down[:, 1], rtol=1e-3)
    zoom = 1 / right[:, 0]  # twice as large shows half as many pixels
    assert 0.499 < zoom.min() < 0.53 and 1.9 < zoom.max() < 2.001
    assert abs((zoom < 1).mean() - 0.5) < 0.08


def test_aspect_changes_width_against_height_and_keeps_the_area():
    right, down = corners({"aspect": 2.0}).swapaxes(0, 1)
    np.testing.assert_allclose(right[:, 0] * down[:, 1], 1, rtol=1e-3)
    ratio = right[:, 0] / down[:, 1]
    assert 0.499 < ratio.min() < 0.53 and 1.9 < ratio.max() < 2.01


def test_shear_slants_columns_and_keeps_rows():
    right, down = corners({"shear_deg": 20.0}).swapaxes(0, 1)
    np.testing.assert_allclose(right, np.broadcast_to([1, 0], right.shape), atol=1e-3)
    slant = np.degrees(np.arctan(down[:, 0]))
    assert -20.01 < slant.min() < -18.5 and 18.5 < slant.max() < 20.01


def test_the_same_seed_gives_the_same_views_and_another_one_others():
    changes = {"mirror": 0.5, "shift": 0.2, "rotation_deg": 20.0}
    np.testing.assert_array_equal(views(noise(), 1, **changes), views(noise(), 1, **changes))
    assert np.abs(views(noise(), 1, **changes) - views(noise(), 2, **changes)).max() > 1


def test_whole_pixels_keep_the_type_and_interpolation_makes_floats():
    assert views(noise(), mirror=0.5, shift=0.1).dtype == np.uint8
    assert views(noise(dtype=np.float32), mirror=0.5, shift=0.1).dtype == np.float32
    assert views(noise(), rotation_deg=5.0).dtype == np.float32
