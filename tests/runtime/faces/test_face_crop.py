"""The square round a face: by hand, there and back, over the edge."""

import numpy as np
import pytest

from cnn_suite.runtime.faces.face_crop import crop, crop_matrix, moved, moved_back


def test_a_box_by_hand():
    # a box of 20 x 40 at (10, 20): its middle is (20, 40), the square with a context of 1.5 has a side of 60
    matrix = crop_matrix(np.array([10, 20, 30, 60]), 30, context=1.5)
    np.testing.assert_allclose(moved(np.array([[20, 40], [-10, 10], [50, 70]]), matrix), [[15, 15], [0, 0], [30, 30]])


def test_points_come_back():
    generator = np.random.default_rng(0)
    points = generator.uniform(0, 100, (3, 5, 2))
    matrix = crop_matrix(np.array([3.5, 7, 60, 90]), 64)
    np.testing.assert_allclose(moved_back(moved(points, matrix), matrix), points, atol=1e-9)


def test_the_crop_shows_what_lies_in_the_square():
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:20, 10:20] = 200
    cut = crop(image, crop_matrix(np.array([10, 10, 20, 20]), 20, context=2.0), 20)
    assert cut.shape == (20, 20, 3)
    assert (cut[6:14, 6:14] == 200).all() and (cut[:4] == 0).all()


@pytest.mark.parametrize("box", [[-50, -50, -40, -40], [5, 5, 5, 5], [30, 30, 500, 500]])
def test_a_box_over_the_edge_or_without_area_gives_a_crop_too(box):
    assert crop(np.full((40, 40, 3), 9, np.uint8), crop_matrix(np.array(box), 16), 16).shape == (16, 16, 3)
