"""Local warp: by hand, against SciPy, and its bounds."""

import keras
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cnn_suite.ops.local_warp import dense_field, displacements_of, local_warp


def warped(images, displacements):
    result = local_warp(keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(displacements))
    return keras.ops.convert_to_numpy(result)


def field_of(displacements, size_hw):
    return keras.ops.convert_to_numpy(dense_field(keras.ops.convert_to_tensor(displacements), size_hw))


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, 7, 10, 2)).astype(np.float32)


def test_a_field_between_two_points_by_hand():
    # One cell over five rows: places t = 0, 1/4, 1/2, 3/4, 1 and weights of the lower point 3t^2 - 2t^3.
    grid = np.zeros((1, 2, 2, 2), np.float32)
    grid[0, 1, :, 0] = 8
    np.testing.assert_allclose(field_of(grid, (5, 3))[0, :, 1, 0], [0, 1.25, 4, 6.75, 8], atol=1e-5)
    np.testing.assert_array_equal(field_of(grid, (5, 3))[..., 1], 0)


def test_half_a_pixel_to_the_right_is_the_mean_of_two_neighbours():
    row = np.array([0, 10, 40], np.float32).reshape(1, 1, 3, 1)
    grid = np.zeros((1, 2, 2, 2), np.float32)
    grid[..., 1] = 0.5
    # The last pixel has no right neighbour: beyond the border lies the pixel itself.
    np.testing.assert_allclose(warped(row, grid).reshape(3), [5, 25, 40])


def test_no_displacement_is_the_identity(images):
    np.testing.assert_array_equal(warped(images, np.zeros((3, 5, 4, 2), np.float32)), images)


@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, -3), (-1, 2)])
def test_the_same_displacement_everywhere_is_a_shift_with_repeated_borders(images, down, right):
    grid = np.broadcast_to(np.array([down, right], np.float32), (3, 4, 3, 2))
    rows = np.clip(np.arange(7) + down, 0, 6)
    columns = np.clip(np.arange(10) + right, 0, 9)
    np.testing.assert_allclose(warped(images, grid), images[:, rows][:, :, columns], atol=2e-3)


def test_pixels_are_those_that_scipy_samples(images):
    grid = np.random.default_rng(1).uniform(-4, 4, (3, 4, 6, 2)).astype(np.float32)
    field, result = field_of(grid, (7, 10)), warped(images, grid)
    rows, columns = np.mgrid[:7, :10]
    for picture in range(3):
        places = [rows + field[picture, ..., 0], columns + field[picture, ..., 1]]
        for channel in range(2):
            wanted = map_coordinates(images[picture, ..., channel], places, order=1, mode="nearest")
            np.testing.assert_allclose(result[picture, ..., channel], wanted, atol=1e-2)


def test_a_field_never_exceeds_its_points_and_reaches_those_at_the_corners():
    grid = np.random.default_rng(2).uniform(-3, 3, (2, 5, 5, 2)).astype(np.float32)
    field = field_of(grid, (33, 21))
    for axis in range(2):
        assert field[..., axis].max() <= grid[..., axis].max() + 1e-5
        assert field[..., axis].min() >= grid[..., axis].min() - 1e-5
    np.testing.assert_allclose(field[:, [0, 0, -1, -1], [0, -1, 0, -1]], grid[:, [0, 0, -1, -1], [0, -1, 0, -1]])


def test_no_pixel_moves_farther_than_the_largest_share_of_the_side():
    draws = np.random.default_rng(3).uniform(0, 1, (20, 5, 5, 2)).astype(np.float32)
    grid = keras.ops.convert_to_numpy(displacements_of(keras.ops.convert_to_tensor(draws), 0.1, (40, 20)))
    field = field_of(grid, (40, 20))
    for displacements in (grid, field):
        length = np.hypot(displacements[..., 0] / 40, displacements[..., 1] / 20)
        assert length.max() <= 0.1 + 1e-6
    assert np.hypot(grid[..., 0] / 40, grid[..., 1] / 20).max() > 0.099


def test_displacements_are_spread_evenly_over_the_disc():
    draws = np.random.default_rng(4).uniform(0, 1, (4000, 2, 2, 2)).astype(np.float32)
    grid = keras.ops.convert_to_numpy(displacements_of(keras.ops.convert_to_tensor(draws), 1.0, (1, 1))).reshape(-1, 2)
    np.testing.assert_allclose(grid.mean(axis=0), 0, atol=0.03)
    # An even disc of radius 1 has half of its area, and so of its points, within 1 / sqrt(2).
    assert abs((np.hypot(*grid.T) < np.sqrt(0.5)).mean() - 0.5) < 0.02


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 9, 3), (2, 5, 1, 1)])
def test_pictures_of_one_row_or_column_are_warped_too(shape):
    images = np.random.default_rng(5).uniform(0, 255, shape).astype(np.float32)
    result = warped(images, np.full((shape[0], 3, 3, 2), 0.4, np.float32))
    assert result.shape == shape and result.min() >= images.min() - 1e-3 and result.max() <= images.max() + 1e-3


def test_half_precision_stays_half_precision_and_places_are_still_exact():
    images = np.arange(300, dtype=np.float16).reshape(1, 1, 300, 1)  # whole numbers up to 2048 are exact in float16
    grid = np.zeros((1, 2, 2, 2), np.float32)
    grid[..., 1] = 1
    result = warped(images, grid)
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result.reshape(-1)[:-1], np.arange(1, 300))
