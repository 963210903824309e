"""Views against an independent bilinear reference, and boxes that go to the canvas and back."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.data.views import (
    GREY,
    View,
    boxes_in_picture,
    letterbox,
    letterbox_view,
    move_boxes,
    sample,
    whole,
    whole_view,
    xy,
)

SIZES = [(64, 64), (37, 91), (91, 37), (480, 640), (1, 50), (50, 1), (1, 1), (320, 416), (640, 832), (7, 5)]
CANVASES = [(64, 64), (96, 64), (32, 160)]


def picture_of(size_hw, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)


def smooth_picture(size_hw, seed=0):
    coarse = np.random.default_rng(seed).uniform(0, 255, (5, 5, 3)).astype(np.float32)
    return cv2.resize(coarse, size_hw[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255)


def view_of(scale, offset):
    return View(tf.constant(scale, tf.float32), tf.constant(offset, tf.float32))


def sampled_by_hand(image, scale, offset, canvas_hw):
    """Every canvas pixel's centre mapped back to the picture and interpolated between four pixels; grey outside."""
    height, width = image.shape[:2]
    canvas = np.full((*canvas_hw, 3), GREY)
    for row in range(canvas_hw[0]):
        for column in range(canvas_hw[1]):
            x = ((column + 0.5) / canvas_hw[1] - offset[0]) / scale[0] * width - 0.5
            y = ((row + 0.5) / canvas_hw[0] - offset[1]) / scale[1] * height - 0.5
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            upper = image[top, left] * (1 - (x - left)) + image[top, right] * (x - left)
            lower = image[bottom, left] * (1 - (x - left)) + image[bottom, right] * (x - left)
            canvas[row, column] = upper * (1 - (y - top)) + lower * (y - top)
    return canvas


# Whole pictures


def test_a_stretched_picture_fills_the_canvas_and_its_boxes_keep_their_fractions():
    image = picture_of((2, 4))
    canvas = whole(tf.constant(image[None]), (4, 4), "stretch").numpy()[0]
    # 2 rows become 4, whose centres lie at rows -0.25, 0.25, 0.75 and 1.25 of the picture.
    first, second = image.astype(np.float32)
    by_hand = [first, 0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second, second]
    np.testing.assert_allclose(canvas, by_hand, atol=1e-3)
    boxes = tf.constant([[0.1, 0.2, 0.5, 0.9]])
    np.testing.assert_allclose(move_boxes(boxes, whole_view(tf.constant([2, 4]), (4, 4), "stretch")), boxes)


@pytest.mark.parametrize("size_hw", SIZES)
def test_a_stretched_picture_equals_opencv(size_hw):
    image = picture_of(size_hw).astype(np.float32)
    theirs = cv2.resize(image, (96, 64), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(whole(tf.constant(image[None]), (64, 96), "stretch")[0], theirs, atol=0.2)


def test_a_whole_letterboxed_picture_is_a_letterboxed_one():
    image = tf.constant(picture_of((37, 91))[None])
    np.testing.assert_array_equal(whole(image, (64, 64), "letterbox"), letterbox(image, (64, 64)))
    for ours, theirs in zip(
        whole_view(tf.constant([37, 91]), (64, 64), "letterbox"), letterbox_view(tf.constant([37, 91]), (64, 64))
    ):
        np.testing.assert_array_equal(ours, theirs)


# Letterbox


def test_a_letterboxed_picture_by_hand():
    # 2 x 4 pixels on a square canvas of 4 x 4: one grey row above and one below, the picture itself unchanged.
    image = picture_of((2, 4))
    canvas = letterbox(tf.constant(image[None]), (4, 4)).numpy()[0]
    assert (canvas[[0, 3]] == GREY).all()
    np.testing.assert_array_equal(canvas[1:3], image)
    view = letterbox_view(tf.constant([2, 4]), (4, 4))
    np.testing.assert_allclose(view.scale, [1, 0.5])
    np.testing.assert_allclose(view.offset, [0, 0.25])


@pytest.mark.parametrize("canvas_hw", CANVASES)
@pytest.mark.parametrize("size_hw", SIZES)
def test_letterbox_keeps_the_whole_picture_its_proportions_and_its_middle(size_hw, canvas_hw):
    view = letterbox_view(tf.constant(size_hw), canvas_hw)
    scale, offset = view.scale.numpy(), view.offset.numpy()
    shown_wh = scale * canvas_hw[::-1]  # in pixels of the canvas
    ratio = shown_wh / size_hw[::-1]
    one_pixel = ratio.max()  # margins are whole pixels of the picture, which is padded before it is resized
    assert (offset >= 0).all() and (offset + scale <= 1 + 1e-6).all()
    assert abs(shown_wh - np.array(size_hw[::-1]) * ratio.min()).max() <= one_pixel
    assert (np.array(canvas_hw[::-1]) - shown_wh).min() <= one_pixel  # as large as possible
    assert abs((offset * 2 + scale - 1) * canvas_hw[::-1]).max() <= one_pixel + 1e-4


@pytest.mark.parametrize("size_hw", SIZES)
def test_the_letterbox_lies_where_its_view_says(size_hw):
    canvas = letterbox(tf.constant(np.zeros((1, *size_hw, 3), np.uint8)), (96, 64)).numpy()[0, ..., 0]
    view = letterbox_view(tf.constant(size_hw), (96, 64))
    start, end = view.offset.numpy() * (64, 96), (view.offset + view.scale).numpy() * (64, 96)
    rows, columns = np.flatnonzero((canvas < GREY / 2).any(1)), np.flatnonzero((canvas < GREY / 2).any(0))
    # The edge of the picture is where it turns from black to grey: half-way between two pixels of the canvas.
    assert abs(columns[0] - start[0]) <= 1 and abs(columns[-1] + 1 - end[0]) <= 1
    assert abs(rows[0] - start[1]) <= 1 and abs(rows[-1] + 1 - end[1]) <= 1


@pytest.mark.parametrize("size_hw", SIZES)
def test_boxes_come_back_from_the_letterbox(size_hw):
    generator = np.random.default_rng(1)
    corners = np.sort(generator.random((20, 2, 2)), axis=1)
    boxes = np.concatenate([corners.reshape(20, 4), [[0, 0, 1, 1]]]).astype(np.float32)
    view = letterbox_view(tf.constant(size_hw), (96, 64))
    np.testing.assert_allclose(boxes_in_picture(move_boxes(boxes, view), view), boxes, atol=2e-5)


def test_boxes_of_the_margin_end_at_the_pictures_edge():
    view = letterbox_view(tf.constant([2, 4]), (4, 4))
    found = boxes_in_picture(tf.constant([[[-0.5, 0.0, 0.5, 0.5], [0.0, 0.9, 1.0, 1.0]]]), view)
    np.testing.assert_allclose(found, [[[0, 0, 0.5, 0.5], [0, 1, 1, 1]]], atol=1e-6)


def test_letterbox_takes_batches_and_keeps_every_picture_apart():
    images = np.stack([picture_of((37, 91), seed) for seed in range(3)])
    together = letterbox(tf.constant(images), (64, 96)).numpy()
    assert together.shape == (3, 64, 96, 3) and together.dtype == np.float32
    for image, canvas in zip(images, together):
        np.testing.assert_array_equal(letterbox(tf.constant(image[None]), (64, 96)).numpy()[0], canvas)


def test_an_enlarged_letterbox_equals_opencvs_resize():
    image = picture_of((24, 32))
    canvas = letterbox(tf.constant(image[None]), (72, 96)).numpy()[0]
    wanted = cv2.resize(image.astype(np.float32), (96, 72), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(canvas, wanted, atol=1e-3)


# Sampling


@pytest.mark.parametrize(
    ("scale", "offset"),
    [
        ((1.0, 1.0), (0.0, 0.0)),
        ((0.5, 0.7), (0.2, 0.1)),
        ((1.7, 2.1), (-0.4, -0.9)),
        ((-1.0, 1.0), (1.0, 0.0)),
        ((0.8, -0.6), (-0.1, 0.9)),
        ((-1.3, -0.9), (1.2, 1.4)),
    ],
)
def test_sample_equals_interpolation_by_hand(scale, offset):
    image, canvas_hw = picture_of((11, 17)), (20, 13)
    canvas = sample(tf.constant(image), view_of(scale, offset), tf.constant(canvas_hw)).numpy()
    wanted = sampled_by_hand(image, scale, offset, canvas_hw)
    on_the_rim = (canvas == GREY).all(-1) != (wanted == GREY).all(-1)  # where float32 falls on the other side
    assert on_the_rim.mean() < 0.1
    np.testing.assert_allclose(canvas[~on_the_rim], wanted[~on_the_rim], atol=1e-2)


def test_sampling_nothing_else_than_the_picture_changes_nothing():
    image = picture_of((9, 14))
    canvas = sample(tf.constant(image), view_of((1, 1), (0, 0)), tf.constant([9, 14])).numpy()
    np.testing.assert_allclose(canvas[1:-1, 1:-1], image[1:-1, 1:-1], atol=1e-3)
    mirrored = sample(tf.constant(image), view_of((-1, 1), (1, 0)), tf.constant([9, 14])).numpy()
    np.testing.assert_allclose(mirrored[1:-1, 1:-1], image[1:-1, -2:0:-1], atol=1e-3)


def test_training_and_deployment_see_the_same_picture():
    # The letterbox and the sampled view of it are two ways to the same canvas; apart from the rim they agree.
    image = smooth_picture((60, 100)).astype(np.uint8)
    view = letterbox_view(tf.constant([60, 100]), (96, 96))
    boxed = letterbox(tf.constant(image[None]), (96, 96)).numpy()[0]
    sampled = sample(tf.constant(image), view, tf.constant([96, 96])).numpy()
    inside = (abs(sampled - GREY).max(-1) > 0) & (abs(boxed - GREY).max(-1) > 0)
    inside[:, :2] = inside[:, -2:] = False
    inside &= np.roll(inside, 2, 0) & np.roll(inside, -2, 0)
    assert inside.sum() > 3000
    assert abs(sampled - boxed)[inside].max() < 1


@pytest.mark.parametrize(("size_hw", "canvas_hw"), [((1, 1), (8, 8)), ((1, 9), (5, 1)), ((9, 1), (1, 5))])
def test_pictures_and_canvases_of_one_pixel_can_be_sampled(size_hw, canvas_hw):
    canvas = sample(tf.fill((*size_hw, 3), 10), view_of((1, 1), (0, 0)), tf.constant(canvas_hw)).numpy()
    assert canvas.shape == (*canvas_hw, 3)
    assert np.isin(canvas, (10, GREY)).all()


# Boxes


def test_moved_boxes_by_hand():
    boxes = tf.constant([[0.1, 0.2, 0.5, 0.6]])
    np.testing.assert_allclose(move_boxes(boxes, view_of((0.5, 2), (0.25, -0.1))), [[0.3, 0.3, 0.5, 1.1]], atol=1e-6)


def test_a_mirrored_box_keeps_its_corners_in_order():
    boxes = tf.constant([[0.1, 0.2, 0.5, 0.6]])
    np.testing.assert_allclose(move_boxes(boxes, view_of((-1, 1), (1, 0))), [[0.5, 0.2, 0.9, 0.6]], atol=1e-6)
    np.testing.assert_allclose(move_boxes(boxes, view_of((-1, -1), (1, 1))), [[0.5, 0.4, 0.9, 0.8]], atol=1e-6)


def test_no_boxes_move_to_no_boxes():
    assert move_boxes(tf.zeros((0, 4)), view_of((-1, 1), (1, 0))).shape == (0, 4)


def test_boxes_move_with_the_pixels():
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 15:45] = 255
    view = view_of((-0.9, 1.2), (0.97, -0.13))
    canvas = sample(tf.constant(image), view, tf.constant([80, 100])).numpy()[..., 0]
    x0, y0, x1, y1 = (
        move_boxes(tf.constant([[15 / 60, 10 / 40, 45 / 60, 20 / 40]]), view).numpy() * (100, 80, 100, 80)
    )[0]
    rows, columns = np.flatnonzero((canvas > 150).any(1)), np.flatnonzero((canvas > 150).any(0))
    np.testing.assert_allclose([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], [x0, y0, x1, y1], atol=1)


def test_xy_turns_rows_and_columns_round():
    np.testing.assert_array_equal(xy(tf.constant([3, 7])), [7, 3])
