"""The YOLOv2 loss: its gradient is Darknet's delta, written down again here as plain loops over region_layer.c."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.yolo_v2 import YoloV2Loss

STRIDE = 32
ANCHORS_CELLS = [[0.6, 0.7], [1.9, 2.1], [3.3, 1.4]]
ANCHORS_PX = (np.array(ANCHORS_CELLS) * STRIDE).tolist()
ROWS, COLUMNS = 3, 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def box_iou(a, b):
    """Darknet's box_iou of two centre boxes."""
    sides = [
        min(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2) - max(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2) for k in (0, 1)
    ]
    overlap = max(sides[0], 0) * max(sides[1], 0)
    return overlap / (a[2] * a[3] + b[2] * b[3] - overlap)


def region_box(out, anchor, i, j, columns, rows):
    """get_region_box, anchors in cells (DOABS)."""
    x, y = (i + sigmoid(out[0])) / columns, (j + sigmoid(out[1])) / rows
    return x, y, math.exp(out[2]) * anchor[0] / columns, math.exp(out[3]) * anchor[1] / rows


def region_box_delta(out, anchor, truth, i, j, columns, rows, scale):
    """delta_region_box: the deltas of x, y, w, h and the IoU of the predicted box."""
    sx, sy = sigmoid(out[0]), sigmoid(out[1])
    delta = [
        scale * (truth[0] * columns - i - sx) * sx * (1 - sx),
        scale * (truth[1] * rows - j - sy) * sy * (1 - sy),
        scale * (math.log(truth[2] * columns / anchor[0]) - out[2]),
        scale * (math.log(truth[3] * rows / anchor[1]) - out[3]),
    ]
    return delta, box_iou(region_box(out, anchor, i, j, columns, rows), truth)


def darknet_deltas(
    raw,
    truths,
    *,
    noobject_scale=1.0,
    object_scale=5.0,
    coord_scale=1.0,
    class_scale=1.0,
    ignore_iou=0.6,
    rescore=True,
    prior_scale=0.0,
):
    """-dL/do of one picture: forward_region_layer. `raw` is `(rows, columns, anchors, 5 + classes)`."""
    raw = np.asarray(raw, np.float64)
    rows, columns, _, channels = raw.shape
    rows64 = np.asarray(truths, np.float64)
    objects = [((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, int(k)) for x0, y0, x1, y1, k in rows64 if k >= 0]
    delta = np.zeros_like(raw)
    for j, i, n in itertools.product(range(rows), range(columns), range(len(ANCHORS_CELLS))):
        out, anchor = raw[j, i, n], ANCHORS_CELLS[n]
        best_iou = max((box_iou(region_box(out, anchor, i, j, columns, rows), t) for t in objects), default=0)
        p = sigmoid(out[4])
        delta[j, i, n, 4] = 0 if best_iou > ignore_iou else noobject_scale * (0 - p) * p * (1 - p)
        prior = ((i + 0.5) / columns, (j + 0.5) / rows, anchor[0] / columns, anchor[1] / rows)
        delta[j, i, n, 0:4] = region_box_delta(out, anchor, prior, i, j, columns, rows, prior_scale)[0]
    for truth in objects:
        i, j = int(truth[0] * columns), int(truth[1] * rows)
        fits = [box_iou((0, 0, truth[2], truth[3]), (0, 0, w / columns, h / rows)) for w, h in ANCHORS_CELLS]
        n = int(np.argmax(fits))
        out, d = raw[j, i, n], delta[j, i, n]
        d[0:4], iou = region_box_delta(out, ANCHORS_CELLS[n], truth, i, j, columns, rows, coord_scale)
        p = sigmoid(out[4])
        d[4] = object_scale * ((iou if rescore else 1) - p) * p * (1 - p)
        softmax = np.exp(out[5:]) / np.exp(out[5:]).sum()
        d[5:] = class_scale * ((np.arange(channels - 5) == truth[4]) - softmax)
    return delta


def random_raw(generator, classes, batch=1):
    return generator.normal(size=(batch, ROWS, COLUMNS, len(ANCHORS_PX), 5 + classes)).astype(np.float32)


@pytest.fixture
def assert_gradient_is_delta(gradient):
    """Function that compares the two for a batch and returns the deltas."""

    def compare(truths, raw, **options):
        expected = [darknet_deltas(r, t, **options) for r, t in zip(raw, truths)]
        got = -len(raw) * gradient(YoloV2Loss(ANCHORS_PX, STRIDE, **options), truths, raw)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        return np.array(expected)

    return compare


def test_loss_of_one_object_in_one_cell_worked_by_hand():
    # One cell of 32 px, an anchor of 16 px, object [.25, .25, .75, .75], raw 0: centre and size are exact, IoU 1.
    # Objectness 5 * (1 - .5)^2 / 2 = .625; class softmax of two equal logits: ln 2.
    loss = YoloV2Loss([[16, 16]], 32)
    value = loss(np.array([[[0.25, 0.25, 0.75, 0.75, 1]]]), np.zeros((1, 1, 1, 1, 7)))
    assert float(value) == pytest.approx(0.625 + math.log(2), rel=1e-6)


def test_loss_of_an_empty_picture_worked_by_hand():
    # Two cells with p = .5: 2 * .5^2 / 2.
    assert float(YoloV2Loss([[16, 16]], 32)(np.zeros((1, 0, 5)), np.zeros((1, 1, 2, 1, 7)))) == pytest.approx(0.25)


@pytest.mark.parametrize("classes", [1, 4])
def test_gradient_is_darknets_delta_on_a_batch_with_padding(classes, random_truths, assert_gradient_is_delta):
    generator = np.random.default_rng(classes)
    truths = np.stack([random_truths(generator, 5, classes) for _ in range(3)])
    truths[1], truths[2, 3:] = -1, -1
    expected = assert_gradient_is_delta(truths, random_raw(generator, classes, batch=3))
    assert (expected[..., 0] != 0).any(axis=(1, 2, 3)).tolist() == [True, False, True]


def test_gradient_is_darknets_delta_for_other_scales_and_thresholds(random_truths, assert_gradient_is_delta):
    generator = np.random.default_rng(1)
    options = {"noobject_scale": 0.5, "object_scale": 2.0, "coord_scale": 3.0, "class_scale": 0.7, "ignore_iou": 0.1}
    raw = random_raw(generator, 3)
    raw[..., 2:4] *= 0.3
    expected = assert_gradient_is_delta(random_truths(generator, 6, 3)[None], raw, **options)
    assert (expected[..., 4] == 0).sum() > 3  # the threshold lets cells off


def test_gradient_is_darknets_delta_without_rescore(random_truths, assert_gradient_is_delta):
    generator = np.random.default_rng(2)
    truths, raw = random_truths(generator, 6, 3)[None], random_raw(generator, 3)
    one = assert_gradient_is_delta(truths, raw, rescore=False)
    assert np.abs(one - assert_gradient_is_delta(truths, raw)).max() > 0.1


def test_gradient_is_darknets_delta_with_the_pull_of_the_first_pictures(random_truths, assert_gradient_is_delta):
    generator = np.random.default_rng(3)
    truths, raw = random_truths(generator, 4, 3)[None], random_raw(generator, 3)
    expected = assert_gradient_is_delta(truths, raw, prior_scale=0.01)
    assert (expected[..., 0:4] != 0).all()


def test_gradient_is_darknets_delta_for_forty_objects(random_truths, assert_gradient_is_delta):
    # More objects than cells: wherever two meet in one cell and anchor the last one stays, with its class alone.
    generator = np.random.default_rng(4)
    expected = assert_gradient_is_delta(random_truths(generator, 40, 3)[None], random_raw(generator, 3))
    assert 0 < (expected[..., 0] != 0).sum() < 40
    assert (expected[..., 5:] > 0).sum(axis=-1).max() == 1


@pytest.mark.parametrize("rows_of_truths", [0, 2])
def test_gradient_is_darknets_delta_without_any_object(rows_of_truths, assert_gradient_is_delta):
    raw = random_raw(np.random.default_rng(5), 3, batch=2)
    expected = assert_gradient_is_delta(np.full((2, rows_of_truths, 5), -1, np.float32), raw)
    assert not expected[..., [0, 1, 2, 3, 5, 6, 7]].any()


def test_loss_of_a_batch_of_two_is_the_mean_of_the_two_single_losses(random_truths):
    generator = np.random.default_rng(6)
    truths = np.stack([random_truths(generator, 6, 2), random_truths(generator, 6, 2)])
    raw = random_raw(generator, 2, batch=2)
    loss = YoloV2Loss(ANCHORS_PX, STRIDE, ignore_iou=0.2)
    singles = [float(loss(t[None], r[None])) for t, r in zip(truths, raw)]
    assert float(loss(truths, raw)) == pytest.approx(np.mean(singles), rel=1e-6)


def test_padding_rows_change_nothing_and_a_crowd_lets_matching_predictions_off():
    loss = YoloV2Loss([[16, 16]], 32)
    raw = np.zeros((1, 2, 2, 1, 6), np.float32)
    crowd = np.array([[[0.625, 0.125, 0.875, 0.375, -2], [-1, -1, -1, -1, -1]]], np.float32)
    assert float(loss(np.full((1, 3, 5), -1.0), raw)) == pytest.approx(4 * 0.125)
    assert float(loss(crowd, raw)) == pytest.approx(3 * 0.125)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_predictions_of_half_precision_give_a_finite_float32_loss(dtype, random_truths):
    generator = np.random.default_rng(7)
    truths, raw = random_truths(generator, 5, 2)[None], random_raw(generator, 2)
    loss = YoloV2Loss(ANCHORS_PX, STRIDE)
    value = loss(truths, tf.cast(raw, dtype))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(float(loss(truths, raw)), rel=0.02)


def test_config_round_trip_keeps_every_argument(random_truths):
    arguments = {
        "anchors_px": [[10.0, 20.0], [30.0, 15.0]],
        "stride": 16,
        "noobject_scale": 0.5,
        "object_scale": 4.0,
        "coord_scale": 2.0,
        "class_scale": 3.0,
        "ignore_iou": 0.4,
        "rescore": False,
        "prior_scale": 0.01,
        "name": "region",
    }
    loss = YoloV2Loss(**arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert {key: again.get_config()[key] for key in arguments} == arguments
    generator = np.random.default_rng(8)
    truths, raw = random_truths(generator, 3, 2)[None], random_raw(generator, 2)[:, :, :, :2]
    assert float(again(truths, raw)) == float(loss(truths, raw))


def test_a_negative_scale_is_refused():
    with pytest.raises(ValueError, match="`object_scale` must be at least 0. Received -1"):
        YoloV2Loss(ANCHORS_PX, STRIDE, object_scale=-1)


def test_a_prediction_with_another_number_of_anchors_is_refused():
    with pytest.raises(ValueError, match="Use the same anchors for the head and its loss"):
        YoloV2Loss(ANCHORS_PX, STRIDE)(np.zeros((1, 0, 5)), np.zeros((1, 4, 6, 2, 7)))
