"""The YOLOv3 loss: its gradient is Darknet's delta, written down again here as plain loops over yolo_layer.c."""

import itertools
import math

import numpy as np
import pytest

from cnn_suite.losses.yolo import YoloLoss

# Three heads for a picture of 64 x 96 pixels: stride 8 (8 x 12 cells), 16 (4 x 6), 32 (2 x 3).
ANCHORS_PX = [[6, 9], [12, 7], [10, 16], [20, 14], [18, 30], [40, 26], [30, 48], [60, 40], [80, 56]]
MASKS = {8: [0, 1, 2], 16: [3, 4, 5], 32: [6, 7, 8]}
HEIGHT, WIDTH = 64, 96


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def box_iou(a, b):
    """Darknet's box_iou of two centre boxes."""
    sides = [
        min(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2) - max(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2) for k in (0, 1)
    ]
    overlap = max(sides[0], 0) * max(sides[1], 0)
    return overlap / (a[2] * a[3] + b[2] * b[3] - overlap)


def centre_form(truths):
    """(x, y, w, h, class) of the rows that name a class, in float64."""
    return [
        ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, int(k))
        for x0, y0, x1, y1, k in np.asarray(truths, np.float64)
        if k >= 0
    ]


def darknet_deltas(raw, truths, anchors_px, mask, stride, *, ignore_iou=0.7, match_iou=1.0):
    """-dL/do of one picture: forward_yolo_layer, cell by cell, then truth by truth.

    `raw` is `(rows, columns, anchors, 5 + classes)`, `truths` unit xyxy and class.
    """
    raw = np.asarray(raw, np.float64)
    rows, columns, _, channels = raw.shape
    width, height = columns * stride, rows * stride
    objects = centre_form(truths)
    delta = np.zeros_like(raw)
    for j, i, n in itertools.product(range(rows), range(columns), range(len(mask))):
        out = raw[j, i, n]
        w, h = anchors_px[mask[n]]
        x, y = (i + sigmoid(out[0])) / columns, (j + sigmoid(out[1])) / rows
        predicted = (x, y, w * math.exp(out[2]) / width, h * math.exp(out[3]) / height)
        best_iou = max((box_iou(predicted, t) for t in objects), default=0)
        delta[j, i, n, 4] = 0 if best_iou > ignore_iou else 0 - sigmoid(out[4])
    for x, y, w, h, class_id in objects:
        i, j = int(x * columns), int(y * rows)
        fits = [box_iou((0, 0, w, h), (0, 0, pw / width, ph / height)) for pw, ph in anchors_px]
        answering = [n for n, a in enumerate(mask) if a == int(np.argmax(fits)) or fits[a] > match_iou]
        for n in answering:
            out, d = raw[j, i, n], delta[j, i, n]
            pw, ph = anchors_px[mask[n]]
            scale = 2 - w * h
            d[0] = scale * (x * columns - i - sigmoid(out[0]))
            d[1] = scale * (y * rows - j - sigmoid(out[1]))
            d[2] = scale * (math.log(w * width / pw) - out[2])
            d[3] = scale * (math.log(h * height / ph) - out[3])
            d[4] = 1 - sigmoid(out[4])
            if d[5:].any():  # an object is here already: its classes stay, this one joins them
                d[5 + class_id] = 1 - sigmoid(out[5 + class_id])
            else:
                d[5:] = [(k == class_id) - sigmoid(out[5 + k]) for k in range(channels - 5)]
    return delta


def random_raw(generator, stride, classes, batch=1, mask=None):
    anchors = len(MASKS[stride] if mask is None else mask)
    return generator.normal(size=(batch, HEIGHT // stride, WIDTH // stride, anchors, 5 + classes)).astype(np.float32)


def three_pictures(random_truths, generator, classes, counts=(6, 0, 3)):
    """A padded batch, and the truths of every picture by themselves."""
    each = [random_truths(generator, count, classes) for count in counts]
    padded = np.full((len(each), max(counts), 5), -1, np.float32)
    for row, truths in zip(padded, each):
        row[: len(truths)] = truths
    return padded, each


def test_loss_of_one_object_in_one_cell_worked_by_hand():
    # One cell of 32 px, one anchor of 16 x 16 px, one class; object [.25, .25, .75, .75]: t_xy = .5, t_wh = ln 1 = 0.
    # Raw output 0 throughout: sigma = .5. Every BCE is ln 2: two of the centre, scaled by 2 - .25; one of the
    # objectness; one of the class. The size is exact. Loss: (2 * 1.75 + 1 + 1) ln 2.
    loss = YoloLoss([[16, 16]], [0], 32)
    value = loss(np.array([[[0.25, 0.25, 0.75, 0.75, 0]]]), np.zeros((1, 1, 1, 1, 6)))
    assert float(value) == pytest.approx(5.5 * math.log(2), rel=1e-6)


def test_loss_of_an_empty_picture_worked_by_hand():
    # Two cells, nothing in them, objectness 0: two times -ln(1 - .5); box and classes cost nothing.
    loss = YoloLoss([[16, 16]], [0], 32)
    raw = np.zeros((1, 1, 2, 1, 7), np.float32)
    raw[..., [0, 1, 2, 3, 5, 6]] = 3.0
    assert float(loss(np.zeros((1, 0, 5)), raw)) == pytest.approx(2 * math.log(2), rel=1e-6)


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("classes", [1, 3])
def test_gradient_is_darknets_delta_for_every_head(stride, classes, random_truths, gradient):
    generator = np.random.default_rng(stride + classes)
    truths, each = three_pictures(random_truths, generator, classes)
    raw = random_raw(generator, stride, classes, batch=3)
    loss = YoloLoss(ANCHORS_PX, MASKS[stride], stride)
    expected = [darknet_deltas(r, t, ANCHORS_PX, MASKS[stride], stride) for r, t in zip(raw, each)]
    # Darknet sums over the batch, the loss is a mean.
    np.testing.assert_allclose(-3 * gradient(loss, truths, raw), expected, rtol=1e-5, atol=1e-5)


def test_gradient_is_darknets_delta_for_one_head_with_a_mask_out_of_order(random_truths, gradient):
    generator = np.random.default_rng(5)
    truths, raw = random_truths(generator, 8, 2)[None], random_raw(generator, 16, 2, mask=[4, 0])
    expected = darknet_deltas(raw[0], truths[0], ANCHORS_PX, [4, 0], 16)
    loss = YoloLoss(ANCHORS_PX, [4, 0], 16)
    np.testing.assert_allclose(-gradient(loss, truths, raw)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows_of_truths", [0, 3])
def test_gradient_is_darknets_delta_without_any_object(rows_of_truths, gradient):
    raw = random_raw(np.random.default_rng(0), 16, 3, batch=2)
    truths = np.full((2, rows_of_truths, 5), -1, np.float32)
    expected = [darknet_deltas(r, np.zeros((0, 5)), ANCHORS_PX, MASKS[16], 16) for r in raw]
    got = -2 * gradient(YoloLoss(ANCHORS_PX, MASKS[16], 16), truths, raw)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert not got[..., [0, 1, 2, 3, 5, 6, 7]].any()


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_gradient_is_darknets_delta_for_forty_objects(stride, random_truths, gradient):
    generator = np.random.default_rng(40)
    truths, raw = random_truths(generator, 40, 3), random_raw(generator, stride, 3)
    expected = darknet_deltas(raw[0], truths, ANCHORS_PX, MASKS[stride], stride)
    got = -gradient(YoloLoss(ANCHORS_PX, MASKS[stride], stride), truths[None], raw)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("classes", [(0, 2), (2, 0, 1), (1, 1), (0, 1, 0)])
def test_gradient_is_darknets_delta_where_objects_of_several_classes_meet_in_one_cell_and_anchor(classes, gradient):
    # Nearly equal boxes: one cell, one anchor. The last box counts, the classes add up.
    boxes = [[0.30 + 0.01 * k, 0.20, 0.85 + 0.01 * k, 0.80, c] for k, c in enumerate(classes)]
    truths, raw = np.array(boxes, np.float32), random_raw(np.random.default_rng(1), 32, 3)
    expected = darknet_deltas(raw[0], truths, ANCHORS_PX, MASKS[32], 32)
    assert (np.abs(expected[..., 0]) > 0).sum() == 1
    got = -gradient(YoloLoss(ANCHORS_PX, MASKS[32], 32), truths[None], raw)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal((expected[..., 5:] > 0).any(axis=(0, 1, 2)), np.isin([0, 1, 2], classes))


@pytest.mark.parametrize("ignore_iou", [0.1, 0.4])
def test_gradient_is_darknets_delta_where_the_ignore_threshold_lets_many_cells_off(ignore_iou, random_truths, gradient):
    generator = np.random.default_rng(2)
    truths, raw = random_truths(generator, 12, 2), random_raw(generator, 16, 2)
    raw[..., 2:4] *= 0.3
    expected = darknet_deltas(raw[0], truths, ANCHORS_PX, MASKS[16], 16, ignore_iou=ignore_iou)
    assert (expected[..., 4] == 0).sum() > 3
    got = -gradient(YoloLoss(ANCHORS_PX, MASKS[16], 16, ignore_iou=ignore_iou), truths[None], raw)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_gradient_is_darknets_delta_where_several_anchors_answer_for_an_object(stride, random_truths, gradient):
    generator = np.random.default_rng(3)
    truths, raw = random_truths(generator, 10, 3), random_raw(generator, stride, 3)
    options = {"match_iou": 0.213, "ignore_iou": 0.5}  # the constants of Darknet's later configurations
    expected = darknet_deltas(raw[0], truths, ANCHORS_PX, MASKS[stride], stride, **options)
    alone = darknet_deltas(raw[0], truths, ANCHORS_PX, MASKS[stride], stride, ignore_iou=0.5)
    assert (expected[..., 0] != 0).sum() > (alone[..., 0] != 0).sum()
    got = -gradient(YoloLoss(ANCHORS_PX, MASKS[stride], stride, **options), truths[None], raw)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_weights_scale_their_terms_of_the_gradient(random_truths, gradient):
    generator = np.random.default_rng(4)
    truths, raw = random_truths(generator, 6, 2)[None], random_raw(generator, 16, 2)
    plain = gradient(YoloLoss(ANCHORS_PX, MASKS[16], 16), truths, raw)
    weighted = YoloLoss(ANCHORS_PX, MASKS[16], 16, box_weight=0.5, objectness_weight=2, class_weight=4)
    factors = np.array([0.5, 0.5, 0.5, 0.5, 2, 4, 4])
    np.testing.assert_allclose(gradient(weighted, truths, raw), plain * factors, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("box_loss", ["darknet", "giou", "ciou"])
def test_loss_of_a_batch_of_two_is_the_mean_of_the_two_single_losses(box_loss, random_truths):
    # With a low threshold a prediction of one picture that overlaps a truth of the other would be let off.
    generator = np.random.default_rng(6)
    truths, each = three_pictures(random_truths, generator, 2, counts=(9, 2))
    raw = random_raw(generator, 16, 2, batch=2)
    loss = YoloLoss(ANCHORS_PX, MASKS[16], 16, box_loss=box_loss, ignore_iou=0.2)
    singles = [float(loss(t[None], r[None])) for t, r in zip(each, raw)]
    assert float(loss(truths, raw)) == pytest.approx(np.mean(singles), rel=1e-6)


@pytest.mark.parametrize("padding", [[-1, -1, -1, -1, -1], [0, 0, 0, 0, -1], [0.5, 0.5, 0.5, 0.5, -1]])
def test_padding_rows_change_nothing_wherever_they_stand(padding, random_truths, gradient):
    generator = np.random.default_rng(7)
    truths, raw = random_truths(generator, 5, 2), random_raw(generator, 16, 2)
    loss = YoloLoss(ANCHORS_PX, MASKS[16], 16, match_iou=0.3)
    padded = np.insert(truths, [0, 2, 2, 5], np.array(padding, np.float32), axis=0)
    assert len(padded) == 9
    np.testing.assert_array_equal(gradient(loss, padded[None], raw), gradient(loss, truths[None], raw))


def test_a_truth_without_area_changes_nothing(random_truths, gradient):
    generator = np.random.default_rng(8)
    truths, raw = random_truths(generator, 3, 2), random_raw(generator, 16, 2)
    loss = YoloLoss(ANCHORS_PX, MASKS[16], 16)
    flat = np.concatenate([truths, np.array([[0.2, 0.3, 0.2, 0.6, 1]], np.float32)])
    np.testing.assert_array_equal(gradient(loss, flat[None], raw), gradient(loss, truths[None], raw))


def test_a_crowd_lifts_the_punishment_of_predictions_that_match_it_and_asks_for_nothing(gradient):
    # Raw 0: every cell predicts the anchor at its middle; the crowd is exactly the prediction of cell (0, 1).
    loss = YoloLoss([[16, 16]], [0], 32)
    raw = np.zeros((1, 2, 2, 1, 6), np.float32)
    crowd = np.array([[[0.625, 0.125, 0.875, 0.375, -2]]], np.float32)
    assert float(loss(np.zeros((1, 0, 5)), raw)) == pytest.approx(4 * math.log(2), rel=1e-6)
    assert float(loss(crowd, raw)) == pytest.approx(3 * math.log(2), rel=1e-6)
    got = gradient(loss, crowd, raw)
    assert got[0, 0, 1, 0].tolist() == [0, 0, 0, 0, 0, 0]
    # A crowd over the right half is much larger than the two predictions inside it, and lets both off.
    half = np.array([[[0.5, 0, 1, 1, -2]]], np.float32)
    assert float(loss(half, raw)) == pytest.approx(2 * math.log(2), rel=1e-6)
