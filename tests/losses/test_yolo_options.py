"""The YOLOv3 loss beyond Darknet's: IoU box losses, rescoring, neighbour cells, half precision, compiling, saving."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.yolo import YoloLoss

ANCHORS_PX = [[6, 9], [12, 7], [10, 16], [20, 14], [18, 30], [40, 26]]
OWN = [3, 4, 5]


def random_raw(generator, batch=1, anchors=3):
    """Raw output of a head of stride 16 and 2 classes for pictures of 64 x 96 pixels."""
    return generator.normal(size=(batch, 4, 6, anchors, 7)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("box_loss", ["darknet", "ciou"])
def test_predictions_of_half_precision_give_a_finite_float32_loss(dtype, box_loss, random_truths):
    generator = np.random.default_rng(9)
    truths, raw = random_truths(generator, 5, 2)[None], random_raw(generator)
    loss = YoloLoss(ANCHORS_PX, OWN, 16, box_loss=box_loss)
    value = loss(truths, tf.cast(raw, dtype))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(float(loss(truths, raw)), rel=0.02)


@pytest.mark.parametrize("box_loss", ["darknet", "giou", "ciou"])
@pytest.mark.parametrize("extreme", [-120.0, 120.0])
def test_loss_and_gradient_stay_finite_for_extreme_outputs(box_loss, extreme, random_truths, gradient):
    generator = np.random.default_rng(10)
    truths, raw = random_truths(generator, 4, 2)[None], random_raw(generator)
    loss = YoloLoss(ANCHORS_PX, OWN, 16, box_loss=box_loss)
    assert math.isfinite(float(loss(truths, np.full_like(raw, extreme))))
    assert np.isfinite(gradient(loss, truths, np.full_like(raw, extreme))).all()


@pytest.mark.parametrize("box_loss", ["giou", "ciou"])
def test_iou_box_losses_cost_nothing_for_a_perfect_box_and_something_for_a_shifted_one(box_loss):
    loss = YoloLoss([[16, 16]], [0], 32, box_loss=box_loss, objectness_weight=0, class_weight=0)
    truth = np.array([[[0.25, 0.25, 0.75, 0.75, 0]]])
    raw = np.zeros((1, 1, 1, 1, 6), np.float32)
    assert float(loss(truth, raw)) == pytest.approx(0, abs=1e-6)
    raw[..., 0] = math.log(3)  # sigma = .75: the box [.5, .25, 1, .75], IoU 1/3, hull .375: GIoU = 1/3
    # CIoU: centres .25 apart, diagonal^2 of the hull .75^2 + .5^2 = .8125, same proportions
    expected = {"giou": 1 - 1 / 3, "ciou": 1 - (1 / 3 - 0.0625 / 0.8125)}[box_loss]
    assert float(loss(truth, raw)) == pytest.approx(expected, rel=1e-5)


def test_rescore_aims_at_the_overlap_of_the_predicted_box_without_a_gradient_through_it(gradient):
    # As above: predicted [.5, .25, 1, .75] overlaps the truth by 1/3.
    loss = YoloLoss([[16, 16]], [0], 32, rescore=True, box_weight=0, class_weight=0)
    raw = np.array([math.log(3), 0, 0, 0, 0.4, 0], np.float32).reshape(1, 1, 1, 1, 6)
    truth = np.array([[[0.25, 0.25, 0.75, 0.75, 0]]], np.float32)
    expected = [0, 0, 0, 0, 1 / (1 + math.exp(-0.4)) - 1 / 3, 0]
    np.testing.assert_allclose(gradient(loss, truth, raw).reshape(-1), expected, rtol=1e-5, atol=1e-7)


def test_neighbour_cells_answer_too_when_a_centre_lies_nearer_to_them(gradient):
    # 2 x 2 cells; the centre (.3, .3) lies at .6 of cell (0, 0): its right and lower neighbours answer as well.
    loss = YoloLoss([[16, 16]], [0], 32, scale_xy=2.0, neighbour_cells=True, box_loss="ciou", objectness_weight=0)
    got = gradient(loss, np.array([[[0.2, 0.2, 0.4, 0.4, 0]]], np.float32), np.zeros((1, 2, 2, 1, 6), np.float32))
    answering = got[0, :, :, 0, 5] != 0
    np.testing.assert_array_equal(answering, [[True, True], [True, False]])


def test_scale_xy_above_one_reaches_the_border_of_the_cell(gradient):
    # Centre at 0 of its cell: sigma' = 2 * .25 - .5 = 0 for a raw output of ln(1/3): the box costs its minimum there.
    loss = YoloLoss([[32, 32]], [0], 32, scale_xy=2.0, objectness_weight=0, class_weight=0)
    truth = np.array([[[0.25, 0.25, 0.75, 0.75, 0]]], np.float32)
    raw = np.array([math.log(1 / 3), math.log(1 / 3), 0, 0, 0, 0], np.float32).reshape(1, 1, 1, 1, 6)
    raw = np.tile(raw, (1, 2, 2, 1, 1))
    np.testing.assert_allclose(gradient(loss, truth, raw)[0, 1, 1, 0], np.zeros(6), atol=1e-6)


def test_compiled_loss_with_every_size_open_is_the_eager_loss(random_truths):
    generator = np.random.default_rng(11)
    loss = YoloLoss(ANCHORS_PX, OWN, 16, box_loss="ciou")
    signature = [tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None, None, 3, 7))]
    compiled = tf.function(lambda truths, raw: loss(truths, raw), input_signature=signature)
    for batch, count in ((1, 4), (3, 0)):
        raw = random_raw(generator, batch)
        truths = np.stack([random_truths(generator, count, 2) for _ in range(batch)])
        assert float(compiled(truths, raw)) == pytest.approx(float(loss(truths, raw)), rel=1e-6)


def test_loss_without_reduction_is_one_number_a_picture(random_truths):
    generator = np.random.default_rng(12)
    truths = np.stack([random_truths(generator, 5, 2) for _ in range(3)])
    assert YoloLoss(ANCHORS_PX, OWN, 16, reduction="none")(truths, random_raw(generator, 3)).shape == (3,)


def test_config_round_trip_keeps_every_argument(random_truths):
    arguments = {
        "anchors_px": [[10.0, 20.0], [30.0, 15.0]],
        "mask": [1],
        "stride": 16,
        "scale_xy": 2.0,
        "ignore_iou": 0.5,
        "match_iou": 0.4,
        "neighbour_cells": True,
        "box_loss": "giou",
        "rescore": True,
        "box_weight": 2.0,
        "objectness_weight": 3.0,
        "class_weight": 4.0,
        "name": "fine",
    }
    loss = YoloLoss(**arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert {key: again.get_config()[key] for key in arguments} == arguments
    generator = np.random.default_rng(13)
    truths, raw = random_truths(generator, 4, 2)[None], random_raw(generator, anchors=1)
    assert float(again(truths, raw)) == float(loss(truths, raw))


def test_an_unknown_box_loss_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`box_loss` must be one of darknet, giou, ciou. Received 'mse'."):
        YoloLoss(ANCHORS_PX, [0], 8, box_loss="mse")


def test_neighbour_cells_with_the_darknet_box_loss_are_refused():
    with pytest.raises(ValueError, match='Choose "ciou" or "giou" with a `scale_xy` of 2'):
        YoloLoss(ANCHORS_PX, [0], 8, neighbour_cells=True)


def test_a_prediction_with_another_number_of_anchors_is_refused():
    message = r"must have shape \(batch, rows, columns, 3, 5 \+ classes\).*Received shape \(1, 4, 6, 2, 7\)"
    with pytest.raises(ValueError, match=message):
        YoloLoss(ANCHORS_PX, OWN, 16)(np.zeros((1, 0, 5)), np.zeros((1, 4, 6, 2, 7)))
