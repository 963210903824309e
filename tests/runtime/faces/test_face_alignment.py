"""Alignment of faces: transforms known by hand, least squares done another way, and a face drawn and brought back."""

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.faces.face_alignment import ARCFACE_TEMPLATE, align_face, similarity_transform


def moved(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]


def some_points(seed=0, count=5):
    return np.random.default_rng(seed).uniform(0, 200, (count, 2))


# (0, 0), (1, 0) to (3, 4), (3, 6): twice as long, turned from right to down, shifted by (3, 4).
# x' = 3 - 2 y, y' = 4 + 2 x.
def test_two_points_by_hand():
    matrix = similarity_transform(np.array([[0, 0], [1, 0]]), np.array([[3, 4], [3, 6]]))
    np.testing.assert_allclose(matrix, [[0, -2, 3], [2, 0, 4]], atol=1e-12)


# Four corners of a square, one of them pulled out, so that no transform fits. The middle goes from (1, 1) to (2, 2);
# from there s = (-1-i, 1-i, -1+i, 1+i) and t = (-2-2i, -2i, -2, 4+4i):
# a = sum(conj(s) * t) / sum(|s|^2) = (4 + (2-2i) + (2+2i) + 8) / 8 = 2, b = 2+2i - 2 * (1+i) = 0.
def test_least_squares_by_hand():
    square = np.array([[0, 0], [2, 0], [0, 2], [2, 2]])
    pulled = np.array([[0, 0], [2, 0], [0, 2], [6, 6]])
    np.testing.assert_allclose(similarity_transform(square, pulled), [[2, 0, 0], [0, 2, 0]], atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 5, 40])
def test_it_is_the_least_squares_solution_for_scale_turn_and_shift(count):
    points, template = some_points(1, count), some_points(2, count)
    # (x, -y, 1, 0) and (y, x, 0, 1) times (a, b, tx, ty) are the new x and y.
    (x, y), ones = points.T, np.ones(count)
    system = np.stack([np.r_[x, y], np.r_[-y, x], np.r_[ones, 0 * ones], np.r_[0 * ones, ones]], axis=1)
    a, b, tx, ty = np.linalg.lstsq(system, template.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(similarity_transform(points, template), [[a, -b, tx], [b, a, ty]], atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_umeyamas_by_singular_values(seed):
    points, template = some_points(seed), some_points(seed + 100)
    source, target = points - points.mean(0), template - template.mean(0)
    u, values, v = np.linalg.svd(target.T @ source / len(points))
    signs = np.array([1, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    turn = u @ np.diag(signs) @ v
    scale = (values * signs).sum() / source.var(axis=0).sum()
    expected = np.c_[scale * turn, template.mean(0) - scale * turn @ points.mean(0)]
    np.testing.assert_allclose(similarity_transform(points, template), expected, atol=1e-9)


def test_points_that_fit_exactly_give_what_opencv_finds():
    matrix = np.array([[0.8, 0.3, -12], [-0.3, 0.8, 40]])
    template = moved(matrix, some_points())
    found, _ = cv2.estimateAffinePartial2D(some_points(), template)
    np.testing.assert_allclose(similarity_transform(some_points(), template), matrix, atol=1e-9)
    np.testing.assert_allclose(found, matrix, atol=1e-4)


def test_a_mirrored_template_is_met_without_mirroring():
    points = some_points(3)
    matrix = similarity_transform(points, points * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) > 0


def test_points_on_a_line_are_enough():
    line = np.array([[0, 0], [1, 1], [2, 2]])
    np.testing.assert_allclose(similarity_transform(line, line * [2, 2]), [[2, 0, 0], [0, 2, 0]], atol=1e-12)


def test_a_face_that_is_in_place_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert np.abs(align_face(picture, ARCFACE_TEMPLATE).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("size", [112, 160, 57])
def test_points_of_a_turned_and_scaled_face_come_to_lie_on_the_template(size):
    turn = np.deg2rad(25)
    matrix = 1.7 * np.array([[np.cos(turn), -np.sin(turn), 40], [np.sin(turn), np.cos(turn), -10]])
    points = moved(matrix, ARCFACE_TEMPLATE)
    picture = np.zeros((260, 300, 3), np.uint8)
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
    for point, colour in zip(points, colours):
        cv2.circle(picture, tuple(int(round(v)) for v in point), 6, colour, -1)
    aligned = align_face(picture, points, size)
    assert aligned.shape == (size, size, 3) and aligned.dtype == np.uint8
    for (x, y), colour in zip(ARCFACE_TEMPLATE * size / 112, colours):
        np.testing.assert_array_equal(aligned[round(y), round(x)], colour)
    assert (aligned.max(axis=2) > 0).mean() < 0.1


@pytest.mark.parametrize("size", [4, 5.5])
def test_a_large_face_is_averaged_where_it_lies(size):
    # In a face of several times the size the noise of single pixels is gone, and a point stays where the template says.
    points = (ARCFACE_TEMPLATE + 0.5) * size - 0.5
    side = int(112 * size)
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    assert align_face(noise, points).std() < 2 * noise.std() / size
    x, y = points[0].round().astype(int)
    spot = np.zeros((side, side, 3), np.uint8)
    cv2.circle(spot, (int(x), int(y)), int(3 * size), (255, 255, 255), -1)
    rows, columns = np.nonzero(align_face(spot, points)[..., 0] > 127)
    np.testing.assert_allclose([columns.mean(), rows.mean()], ARCFACE_TEMPLATE[0], atol=0.3)


def test_a_face_of_more_than_half_the_size_is_sampled_once():
    picture = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    points = ARCFACE_TEMPLATE * 1.7
    once = cv2.warpAffine(picture, similarity_transform(points, ARCFACE_TEMPLATE), (112, 112), flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(align_face(picture, points), once)


def test_what_lies_over_the_edge_is_black_and_the_picture_stays():
    picture = np.full((60, 40, 3), 200, np.uint8)
    aligned = align_face(picture, ARCFACE_TEMPLATE)
    assert (aligned[:58, :38] == 200).all() and not aligned[62:].any() and not aligned[:, 42:].any()
    assert (picture == 200).all()


@pytest.mark.parametrize(
    ("points", "template", "text"),
    [
        (np.zeros((3, 3)), np.zeros((3, 2)), r"`points` must have shape \(n, 2\), x and y .* Received shape \(3, 3\)"),
        (some_points(), np.zeros(4), r"`template` must have shape \(n, 2\).* Received shape \(4,\)"),
        (some_points(), some_points(count=4), "must have the same number of points. Received 5 and 4 of them"),
        ([[0, 0], [np.nan, 1]], [[0, 0], [1, 1]], "`points` must be finite. Received a NaN"),
        (
            [[2, 3], [2, 3]],
            [[0, 0], [1, 1]],
            r"`points` must contain .* two different points.* Received \[\[2.0, 3.0\]",
        ),
        ([[0, 0], [1, 1]], [[5, 5], [5, 5]], "`template` must contain at least two different points"),
        (np.zeros((0, 2)), np.zeros((0, 2)), r"`points` must contain at least two different points.* Received \[\]"),
    ],
)
def test_what_gives_no_transform_is_refused(points, template, text):
    with pytest.raises(ValueError, match=text):
        similarity_transform(points, template)


def test_pictures_points_and_sizes_that_are_none_are_refused():
    picture = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="`image_rgb` must be uint8 of shape .* Received float64"):
        align_face(picture.astype(float), ARCFACE_TEMPLATE)
    with pytest.raises(ValueError, match=r"`points` must have shape \(5, 2\): eyes, .* Received shape \(1, 5, 2\)"):
        align_face(picture, ARCFACE_TEMPLATE[None])
    with pytest.raises(ValueError, match="`size` must be at least 1 pixel. Received 0"):
        align_face(picture, ARCFACE_TEMPLATE, 0)
