"""Augmentation: whatever is done to a picture, its boxes still lie round the same pixels."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_detection import Augmentation
from cnn_suite.data.boxes.augmentation import Example, augment, mosaic
from cnn_suite.data.views import GREY

STILL = Augmentation(mirror=0, scale=(1, 1), aspect=1, shift=0, mosaic=0, keep_visible=0)
WILD = Augmentation(mirror=0.5, flip=0.5, transpose=0.5, scale=(0.6, 1.6), aspect=1.3, shift=0.3, keep_visible=0)
BOXES_PX = np.array([[8, 6, 40, 22], [50, 30, 62, 60], [70, 8, 92, 34]])  # on 64 x 96, apart from one another
SIZE_HW, CANVAS_HW = (64, 96), (96, 128)


def example_of(boxes_px=BOXES_PX, channels=(0, 1, 2), size_hw=SIZE_HW):
    """A black picture with rectangles in pure red, green, blue or yellow (3); the class id is the colour's number."""
    image = np.zeros((*size_hw, 3), np.uint8)
    for (x0, y0, x1, y1), channel in zip(boxes_px, channels):
        image[y0:y1, x0:x1, (0, 1) if channel == 3 else channel] = 255
    unit = np.reshape(boxes_px, (-1, 4)) / np.tile(size_hw[::-1], 2)
    truths = np.concatenate([unit, np.reshape(channels, (-1, 1))], axis=1)
    return Example(tf.constant(image), tf.constant(truths, tf.float32))


def nothing(size_hw=SIZE_HW):
    return Example(tf.zeros((*size_hw, 3), tf.uint8), tf.zeros((0, 5)))


@functools.cache
def compiled(function, settings):
    return tf.function(lambda examples, seed, canvas_hw: function(examples, seed, canvas_hw, settings))


def run(function, examples, seed, settings, canvas_hw=CANVAS_HW):
    """Pixels, boxes in pixels of the canvas, and class ids, as arrays."""
    image, truths = compiled(function, settings)(examples, tf.constant([seed, 1]), tf.constant(canvas_hw))
    boxes_px = truths.numpy()[:, :4] * np.tile(canvas_hw[::-1], 2)
    return image.numpy(), boxes_px, truths.numpy()[:, 4].astype(int)


def seen(image, channel):
    """Tight xyxy of the pixels of one colour, None where there are none. Grey is under half of any colour."""
    bright = image > 127.5
    wanted = {0: (True, False, False), 1: (False, True, False), 2: (False, False, True), 3: (True, True, False)}
    mask = (bright == wanted[channel]).all(-1)
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def assert_boxes_lie_round_their_pixels(image, boxes_px, class_ids, channels):
    """Every box fits its colour to a pixel, and no colour that is to be seen has lost its box."""
    for box, class_id in zip(boxes_px, class_ids):
        np.testing.assert_allclose(seen(image, class_id), box, atol=1.01)
    for channel in channels:
        found = seen(image, channel)
        if found is not None and (found[2:] - found[:2]).min() > 3:
            assert channel in class_ids, f"colour {channel} at {found} has no box"
    assert len(set(class_ids)) == len(class_ids)


# One picture


@pytest.mark.parametrize("seed", range(40))
def test_boxes_of_an_augmented_picture_lie_round_their_pixels(seed):
    image, boxes_px, class_ids = run(augment, example_of(), seed, WILD)
    assert image.shape == (*CANVAS_HW, 3) and image.dtype == np.float32
    assert_boxes_lie_round_their_pixels(image, boxes_px, class_ids, (0, 1, 2))


@pytest.mark.parametrize("settings", [{"mirror": 1.0}, {"flip": 1.0}, {"transpose": 1.0}], ids=str)
def test_mirror_flip_and_transpose_move_boxes_and_pixels_alike(settings):
    image, boxes_px, class_ids = run(augment, example_of(), 0, STILL.model_copy(update=settings), SIZE_HW)
    assert_boxes_lie_round_their_pixels(image, boxes_px, class_ids, (0, 1, 2))
    assert len(class_ids) == 3


def test_a_mirrored_box_by_hand():
    # 8 .. 40 of 96 becomes 56 .. 88; rows stay.
    _, boxes_px, _ = run(augment, example_of(), 0, STILL.model_copy(update={"mirror": 1.0}), SIZE_HW)
    np.testing.assert_allclose(boxes_px[0], [56, 6, 88, 22], atol=1e-3)


def test_a_flipped_box_by_hand():
    _, boxes_px, _ = run(augment, example_of(), 0, STILL.model_copy(update={"flip": 1.0}), SIZE_HW)
    np.testing.assert_allclose(boxes_px[0], [8, 42, 40, 58], atol=1e-3)


def test_a_transposed_picture_has_rows_for_columns():
    # A square picture fills a square canvas either way; x and y change places.
    example = example_of(BOXES_PX[:1], (0,), (96, 96))
    settings = STILL.model_copy(update={"transpose": 1.0})
    image, boxes_px, _ = run(augment, example, 0, settings, (96, 96))
    np.testing.assert_allclose(boxes_px[0], [6, 8, 22, 40], atol=1e-3)
    np.testing.assert_allclose(image[1:-1, 1:-1], np.transpose(example.image, (1, 0, 2))[1:-1, 1:-1], atol=1e-2)


@pytest.mark.parametrize(
    ("setting", "expected"), [({"mirror": 0.3}, 0.3), ({"flip": 0.3}, 0.3), ({"transpose": 0.3}, 0.3)], ids=str
)
def test_probabilities_are_kept(setting, expected):
    settings = STILL.model_copy(update=setting)
    example = example_of(BOXES_PX[:1], (0,), (96, 96))
    moved = [abs(run(augment, example, seed, settings, (96, 96))[1][0] - BOXES_PX[0]).max() > 1 for seed in range(200)]
    assert abs(np.mean(moved) - expected) < 0.1  # 3 standard deviations of 200 tosses


def test_scale_and_aspect_stay_within_their_ranges():
    settings = STILL.model_copy(update={"scale": (0.5, 0.9), "aspect": 1.2})
    wh = np.array([np.diff(run(augment, example_of(), seed, settings, SIZE_HW)[1][0].reshape(2, 2), axis=0)[0]
                   for seed in range(60)]) / (32, 16)  # fmt: skip
    scale, aspect = np.sqrt(wh.prod(axis=1)), wh[:, 0] / wh[:, 1]
    assert 0.5 <= scale.min() < 0.6 and 0.8 < scale.max() <= 0.9
    assert 1 / 1.2 - 1e-3 <= aspect.min() < 0.9 and 1.1 < aspect.max() <= 1.2 + 1e-3


def test_a_picture_on_a_canvas_of_its_own_proportions_stays_as_it_is():
    image, boxes_px, class_ids = run(augment, example_of(), 5, STILL, SIZE_HW)
    np.testing.assert_allclose(boxes_px, BOXES_PX, atol=1e-3)
    np.testing.assert_allclose(image[1:-1, 1:-1], example_of().image[1:-1, 1:-1], atol=1e-2)
    assert class_ids.tolist() == [0, 1, 2]


def test_what_the_picture_does_not_reach_is_grey():
    image, _, _ = run(augment, nothing(), 1, STILL.model_copy(update={"scale": (0.4, 0.4)}))
    assert set(np.unique(image)) == {0, GREY}


def test_a_picture_without_boxes_has_none_afterwards():
    for function, examples in ((augment, nothing()), (mosaic, (nothing(),) * 4)):
        image, boxes_px, class_ids = run(function, examples, 3, WILD)
        assert image.shape == (*CANVAS_HW, 3)
        assert boxes_px.shape == (0, 4) and class_ids.shape == (0,)


# What is left of a box at the edge


@pytest.mark.parametrize("seed", range(20))
def test_keep_visible_drops_what_is_mostly_outside_and_nothing_else(seed):
    # The picture fits the canvas at 4 / 3 its size, so that a whole box has 16 / 9 of its area.
    shifted = STILL.model_copy(update={"mirror": 0.5, "shift": 0.5})
    _, all_px, all_ids = run(augment, example_of(), seed, shifted)
    _, kept_px, kept_ids = run(augment, example_of(), seed, shifted.model_copy(update={"keep_visible": 0.6}))
    whole = np.prod(BOXES_PX[:, 2:] - BOXES_PX[:, :2], axis=1)[all_ids] * 16 / 9
    share = np.prod(all_px[:, 2:] - all_px[:, :2], axis=1) / whole
    np.testing.assert_array_equal(kept_ids, all_ids[share >= 0.6])
    np.testing.assert_array_equal(kept_px, all_px[share >= 0.6])


def test_boxes_are_clipped_to_the_canvas():
    shifted = STILL.model_copy(update={"shift": 0.5})
    boxes = np.concatenate([run(augment, example_of(), seed, shifted)[1] for seed in range(20)])
    assert boxes.min() == 0 and (boxes <= np.tile(CANVAS_HW[::-1], 2)).all()
    assert (boxes[:, 2] == CANVAS_HW[1]).any() and (boxes[:, 3] == CANVAS_HW[0]).any()


def test_a_box_too_small_to_be_seen_is_dropped():
    example = example_of([[10, 10, 11, 40]], (0,))
    assert run(augment, example, 0, STILL, SIZE_HW)[1].shape == (0, 4)  # one pixel wide
    assert run(augment, example, 0, STILL, (128, 192))[1].shape == (1, 4)  # two pixels wide


# Mosaic


def four_pictures():
    """Four pictures of different sizes with one rectangle each, in four colours."""
    sizes = ((64, 96), (96, 64), (50, 50), (120, 200))
    boxes = ([30, 20, 66, 44], [20, 30, 44, 66], [12, 12, 38, 38], [60, 40, 140, 80])
    return tuple(example_of([box], (k,), size) for k, (box, size) in enumerate(zip(boxes, sizes)))


@pytest.mark.parametrize("seed", range(40))
def test_boxes_of_a_mosaic_lie_round_their_pixels(seed):
    image, boxes_px, class_ids = run(mosaic, four_pictures(), seed, WILD)
    assert image.shape == (*CANVAS_HW, 3)
    assert_boxes_lie_round_their_pixels(image, boxes_px, class_ids, range(4))


def test_a_mosaic_shows_all_four_pictures_most_of_the_time():
    classes = [run(mosaic, four_pictures(), seed, STILL)[2] for seed in range(20)]
    assert set(np.concatenate(classes)) == {0, 1, 2, 3}
    assert np.mean([len(c) for c in classes]) > 2


def test_the_middle_of_a_mosaic_lies_in_the_middle_half():
    # Four pictures, each of one colour all over and larger than the canvas: the corner is where the first one ends.
    pictures = tuple(Example(tf.fill((300, 300, 3), 10 * k), tf.zeros((0, 5))) for k in range(4))
    settings = STILL.model_copy(update={"scale": (4.0, 4.0)})
    firsts = [run(mosaic, pictures, seed, settings)[0][..., 0] == 0 for seed in range(30)]
    corners = [(first.any(axis=1).sum(), first.any(axis=0).sum()) for first in firsts]
    share = np.array(corners) / CANVAS_HW
    assert share.min() >= 0.24 and share.max() <= 0.76
    assert share.std(axis=0).min() > 0.08


# Seeds


@pytest.mark.parametrize(("function", "examples"), [(augment, example_of()), (mosaic, four_pictures())])
def test_the_same_seed_gives_the_same_picture_and_another_one_another(function, examples):
    first, again, other = (run(function, examples, seed, WILD) for seed in (7, 7, 8))
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)
    assert abs(first[0] - other[0]).max() > 50
