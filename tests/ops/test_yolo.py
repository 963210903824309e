"""The YOLO grid: decoding and assignment by hand, then decode(encode(x)) == x for every kind of head."""

import math

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.ops import yolo

# Heads of stride 8, 16 and 32 for a picture of 64 x 96 pixels.
ANCHORS_PX = [[6, 9], [12, 7], [10, 16], [20, 14], [18, 30], [40, 26], [30, 48], [60, 40], [80, 56]]
MASKS = {8: [0, 1, 2], 16: [3, 4, 5], 32: [6, 7, 8]}
SIZE_HW = (64, 96)


def logit(p):
    return np.log(p) - np.log1p(-p)


def random_truths(generator, count, classes=3, batch=1):
    wh = np.exp(generator.uniform(np.log(0.06), np.log(0.9), (batch, count, 2)))
    x0y0 = generator.uniform(0, 1, (batch, count, 2)) * (1 - wh)
    class_ids = generator.integers(0, classes, (batch, count, 1))
    return np.concatenate([x0y0, x0y0 + wh, class_ids], axis=-1).astype(np.float32)


def assign_one(truths, grid_hw=(2, 3), anchors=((16, 16),), mask=None, stride=32, classes=3, **options):
    """Assignment of one picture as NumPy: positive, boxes, classes without the batch axis."""
    mask = range(len(anchors)) if mask is None else mask
    truths = np.array(truths, np.float32).reshape(1, -1, 5)
    return [np.asarray(part[0]) for part in yolo.assign(truths, grid_hw, anchors, mask, stride, classes, **options)]


def test_offsets_are_column_and_row_of_every_cell():
    offsets = np.asarray(yolo.cell_offsets((2, 3)))
    assert offsets.shape == (2, 3, 1, 2)
    assert offsets[:, :, 0].tolist() == [[[0, 0], [1, 0], [2, 0]], [[0, 1], [1, 1], [2, 1]]]


def test_decoding_zeros_gives_the_anchor_at_the_middle_of_every_cell():
    # 2 x 3 cells of 32 px (64 x 96): centre of cell (row 1, column 2) = (2.5 / 3, 1.5 / 2), anchor 24 x 16 px.
    found = yolo.decode(np.zeros((1, 2, 3, 1, 7), np.float32), [[24, 16]], 32)
    x, y, w, h = 2.5 / 3, 0.75, 24 / 96, 16 / 64
    np.testing.assert_allclose(found.boxes[0, 1, 2, 0], [x - w / 2, y - h / 2, x + w / 2, y + h / 2], rtol=1e-6)
    np.testing.assert_allclose(found.objectness, np.full((1, 2, 3, 1), 0.5))
    np.testing.assert_allclose(found.classes, np.full((1, 2, 3, 1, 2), 0.5))


def test_decoding_one_cell_worked_by_hand():
    # sigma(ln 3) = .75, exp(ln 2) = 2, one cell of 32 px, anchor 8 x 4 px: centre (.75, .5), size 16 / 32 and 4 / 32.
    raw = np.array([math.log(3), 0, math.log(2), 0, math.log(4), 0.0]).reshape(1, 1, 1, 1, 6)
    found = yolo.decode(raw, [[8, 4]], 32)
    np.testing.assert_allclose(found.boxes[0, 0, 0, 0], [0.5, 0.4375, 1.0, 0.5625], rtol=1e-6)
    assert float(found.objectness[0, 0, 0, 0]) == pytest.approx(0.8)


def test_scale_xy_stretches_the_centre_about_the_middle_of_the_cell():
    # s = 2 at sigma = .75: 2 * .75 - .5 = 1, the right border; at sigma = .5 nothing changes.
    raw = np.array([math.log(3), 0, 0, 0, 0, 0.0]).reshape(1, 1, 1, 1, 6)
    boxes = np.asarray(yolo.decode(raw, [[8, 8]], 32, scale_xy=2.0).boxes).reshape(4)
    np.testing.assert_allclose((boxes[:2] + boxes[2:]) / 2, [1.0, 0.5], rtol=1e-6)


def test_softmax_classes_add_up_to_one_and_sigmoid_classes_stand_alone():
    raw = np.random.default_rng(0).normal(size=(1, 2, 3, 1, 9)).astype(np.float32)
    joint = yolo.decode(raw, [[8, 8]], 32, class_activation="softmax").classes
    np.testing.assert_allclose(np.sum(joint, axis=-1), 1, rtol=1e-6)
    alone = yolo.decode(raw, [[8, 8]], 32).classes
    np.testing.assert_allclose(alone, 1 / (1 + np.exp(-raw[..., 5:])), rtol=1e-5)


def test_a_single_softmax_class_has_probability_one_without_a_warning(recwarn):
    raw = np.full((1, 1, 1, 1, 6), -5, np.float32)
    assert np.ravel(yolo.decode(raw, [[8, 8]], 32, class_activation="softmax").classes).tolist() == [1]
    assert len(recwarn) == 0


@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_outputs_decode_to_finite_boxes_in_half_precision_too(value):
    found = yolo.decode(tf.fill((1, 2, 3, 1, 7), tf.constant(value, tf.float16)), [[24, 16]], 32)
    assert all(part.dtype == tf.float32 and np.isfinite(part).all() for part in found)


def test_a_truth_belongs_to_the_cell_of_its_centre():
    # Centre (.5, .75) of 2 x 3 cells: row 1, column 1.
    positive, boxes, classes = assign_one([[0.4, 0.6, 0.6, 0.9, 2]])
    assert np.argwhere(positive).tolist() == [[1, 1, 0]]
    np.testing.assert_allclose(boxes[1, 1, 0], [0.5, 0.75, 0.2, 0.3], rtol=1e-6)
    assert classes[1, 1, 0].tolist() == [0, 0, 1]
    assert classes.sum() == 1 and np.count_nonzero(boxes) == 4


def test_a_tall_and_a_wide_object_in_one_cell_go_to_the_tall_and_the_wide_anchor():
    anchors = [[10, 40], [40, 10]]
    tall, wide = [0.45, 0.4, 0.55, 0.9, 0], [0.3, 0.55, 0.7, 0.7, 1]
    positive, _, classes = assign_one([wide, tall], anchors=anchors)
    assert np.argwhere(positive).tolist() == [[1, 1, 0], [1, 1, 1]]
    assert classes[1, 1].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_best_anchor_over_all_heads_decides_which_head_answers():
    # 20 x 14 px of 64 x 96: exactly anchor 3, which belongs to stride 16. The other heads stay empty.
    truth = [0.5, 0.5, 0.5 + 20 / 96, 0.5 + 14 / 64, 1]
    for stride, mask in MASKS.items():
        grid_hw = (SIZE_HW[0] // stride, SIZE_HW[1] // stride)
        positive, _, _ = assign_one([truth], grid_hw, ANCHORS_PX, mask, stride)
        expected = [[int((0.5 + 7 / 64) * 4), int((0.5 + 10 / 96) * 6), 0]] if stride == 16 else []
        assert np.argwhere(positive).tolist() == expected


def test_of_two_truths_in_one_cell_with_the_same_anchor_the_last_one_wins_and_classes_add_up():
    first, last = [0.4, 0.6, 0.6, 0.9, 2], [0.42, 0.6, 0.62, 0.9, 0]
    positive, boxes, classes = assign_one([first, last])
    assert positive.sum() == 1
    np.testing.assert_allclose(boxes[1, 1, 0], [0.52, 0.75, 0.2, 0.3], rtol=1e-6)
    assert classes[1, 1, 0].tolist() == [1, 0, 1]
    _, boxes, classes = assign_one([first, last], several_classes=False)
    np.testing.assert_allclose(boxes[1, 1, 0], [0.52, 0.75, 0.2, 0.3], rtol=1e-6)
    assert classes[1, 1, 0].tolist() == [1, 0, 0]


def test_match_iou_lets_further_anchors_answer():
    # 16 x 16 px against anchors 16 x 16, 16 x 12 (IoU .75) and 8 x 8 (IoU .25).
    anchors = [[16, 16], [16, 12], [8, 8]]
    truth = [0.5, 0.5, 0.5 + 16 / 96, 0.75, 0]
    answering = {
        match_iou: assign_one([truth], anchors=anchors, match_iou=match_iou)[0].sum(axis=(0, 1)).tolist()
        for match_iou in (1.0, 0.8, 0.7, 0.2)
    }
    assert answering == {1.0: [1, 0, 0], 0.8: [1, 0, 0], 0.7: [1, 1, 0], 0.2: [1, 1, 1]}


@pytest.mark.parametrize(
    ("centre", "cells"),
    [
        ((0.4, 0.4), [[0, 0], [0, 1], [1, 0]]),  # at (.8, .8) of cell (0, 0) of 2 x 2: right and below
        ((0.6, 0.6), [[0, 1], [1, 0], [1, 1]]),  # at (.2, .2) of cell (1, 1): left and above
        ((0.1, 0.4), [[0, 0], [1, 0]]),  # at (.2, .8) of cell (0, 0): outside on the left, below
        ((0.9, 0.9), [[1, 1]]),  # both neighbours lie outside
    ],
)
def test_neighbour_cells_nearest_to_the_centre_answer_as_well(centre, cells):
    x, y = centre
    truth = [x - 0.1, y - 0.1, x + 0.1, y + 0.1, 0]
    positive, boxes, _ = assign_one([truth], (2, 2), neighbour_cells=True)
    assert np.argwhere(positive[..., 0]).tolist() == cells
    np.testing.assert_allclose(boxes[positive > 0], np.tile([[x, y, 0.2, 0.2]], (len(cells), 1)), rtol=1e-5)


@pytest.mark.parametrize(
    "row",
    [
        [-1, -1, -1, -1, -1],  # padding
        [0, 0, 0, 0, -1],
        [0.2, 0.2, 0.6, 0.6, -2],  # a crowd
        [0.3, 0.3, 0.3, 0.8, 0],  # no width
        [0.6, 0.6, 0.2, 0.2, 0],  # corners swapped
    ],
)
def test_rows_that_name_no_object_are_given_to_no_cell(row):
    positive, boxes, classes = assign_one([row])
    assert not positive.any() and not boxes.any() and not classes.any()


def test_a_picture_without_rows_has_an_empty_assignment():
    positive, boxes, classes = assign_one(np.zeros((0, 5)))
    assert positive.shape == (2, 3, 1) and boxes.shape == (2, 3, 1, 4) and classes.shape == (2, 3, 1, 3)
    assert not positive.any()


def test_a_centre_on_the_last_border_belongs_to_the_last_cell():
    positive, _, _ = assign_one([[0.9, 0.9, 1.1, 1.1, 0]])
    assert np.argwhere(positive).tolist() == [[1, 2, 0]]


def test_pictures_of_a_batch_keep_their_own_truths():
    generator = np.random.default_rng(1)
    truths = random_truths(generator, 7, batch=3)
    truths[1, 2:] = -1
    together = yolo.assign(truths, (4, 6), ANCHORS_PX, MASKS[16], 16, 3)
    for k in range(3):
        alone = yolo.assign(truths[k : k + 1], (4, 6), ANCHORS_PX, MASKS[16], 16, 3)
        for part, single in zip(together, alone):
            np.testing.assert_array_equal(part[k], single[0])


def test_forty_objects_over_all_heads_are_all_assigned_once_or_replaced_by_a_later_one():
    truths = random_truths(np.random.default_rng(2), 40)[0]
    taken = {}
    for row in truths.astype(np.float64):
        w, h = (row[2] - row[0]) * SIZE_HW[1], (row[3] - row[1]) * SIZE_HW[0]
        fits = [min(w, a) * min(h, b) / (w * h + a * b - min(w, a) * min(h, b)) for a, b in ANCHORS_PX]
        anchor = int(np.argmax(fits))
        stride = next(s for s, mask in MASKS.items() if anchor in mask)
        j, i = int((row[1] + row[3]) / 2 * SIZE_HW[0] / stride), int((row[0] + row[2]) / 2 * SIZE_HW[1] / stride)
        taken[stride, j, i, MASKS[stride].index(anchor)] = row
    for stride, mask in MASKS.items():
        grid_hw = (SIZE_HW[0] // stride, SIZE_HW[1] // stride)
        positive, boxes, _ = assign_one(truths, grid_hw, ANCHORS_PX, mask, stride)
        own = {key[1:]: row for key, row in taken.items() if key[0] == stride}
        assert sorted(own) == sorted(map(tuple, np.argwhere(positive).tolist()))
        for place, (x0, y0, x1, y1, _) in own.items():
            np.testing.assert_allclose(boxes[place], [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], atol=1e-6)


@pytest.mark.parametrize(
    ("masks", "scale_xy", "class_activation"),
    [
        (MASKS, 1.0, "sigmoid"),  # v3: three scales
        ({16: [0, 1, 2], 32: [3, 4, 5]}, 1.05, "sigmoid"),  # v4-tiny: two scales
        ({32: list(range(9))}, 1.0, "softmax"),  # v2: one scale
    ],
)
@pytest.mark.parametrize("size_hw", [(64, 96), (96, 32), (128, 128)])
def test_decoding_what_was_encoded_gives_every_box_and_class_back(masks, scale_xy, class_activation, size_hw):
    # Few objects on fine grids: none meet, so every one must come back from exactly one head.
    truths = random_truths(np.random.default_rng(3), 4)
    anchors, back = np.array(ANCHORS_PX[: sum(map(len, masks.values()))], float), []
    for stride, mask in masks.items():
        grid_hw = (size_hw[0] // stride, size_hw[1] // stride)
        target = yolo.assign(truths, grid_hw, anchors, mask, stride, 3)
        wanted = np.asarray(yolo.regression_targets(target.boxes, anchors[mask], stride, scale_xy=scale_xy))
        positive = np.asarray(target.positive) == 1
        centre = np.where(positive[..., None], wanted[..., :2], 0.5)
        named = 40 * np.asarray(target.classes) - 20
        parts = [logit(centre), wanted[..., 2:4], logit(0.001 + 0.998 * positive)[..., None], named]
        found = yolo.decode(
            np.concatenate(parts, axis=-1), anchors[mask], stride, scale_xy=scale_xy, class_activation=class_activation
        )
        np.testing.assert_array_equal(np.asarray(found.objectness) > 0.5, positive)
        class_ids = np.argmax(found.classes, axis=-1)[positive]
        back.append(np.concatenate([np.asarray(found.boxes)[positive], class_ids[:, None]], axis=-1))
    back = np.concatenate(back)
    assert len(back) == 4
    by_position = [rows[np.lexsort(rows.T[::-1])] for rows in (back.round(5), truths[0].round(5))]
    np.testing.assert_allclose(*by_position, atol=2e-5)


def test_regression_targets_of_empty_cells_are_finite():
    assert np.isfinite(yolo.regression_targets(tf.zeros((1, 2, 3, 1, 4)), [[8, 8]], 32)).all()


def test_best_overlap_looks_at_the_truths_of_its_own_picture_alone():
    # Two pictures with one cell each that predict the same box; only the second has a truth there.
    boxes = np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), (2, 1, 1, 1, 1))
    truths = np.array([[[-1, -1, -1, -1, -1], [0.8, 0.8, 0.9, 0.9, 0]], [[0.25, 0.25, 0.5, 0.75, 0], [0, 0, 0, 0, -1]]])
    np.testing.assert_allclose(np.reshape(yolo.best_overlap(truths, boxes), (2,)), [0, 0.5], rtol=1e-6)


def test_best_overlap_without_any_row_is_0():
    assert not np.asarray(yolo.best_overlap(np.zeros((2, 0, 5)), np.ones((2, 2, 3, 1, 4), np.float32))).any()


@pytest.mark.parametrize("shape", [(1, 2, 3, 2, 7), (1, 2, 3, 7)])
def test_raw_output_with_other_anchors_or_axes_is_refused(shape):
    with pytest.raises(ValueError, match=r"`raw` must have shape \(batch, rows, columns, 1, 5 \+ classes\)"):
        yolo.decode(np.zeros(shape), [[8, 8]], 32)
