"""Box conversions and overlaps: by hand, then NumPy loops and Keras's own bounding boxes as oracles."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from pycocotools import mask

from cnn_suite.ops import boxes as box_ops


def random_boxes(seed, shape):
    corners = np.sort(np.random.default_rng(seed).uniform(size=(*shape, 2, 2)), axis=-2)
    return corners.reshape(*shape, 4).astype(np.float32)


def naive_iou(a, b):
    overlap = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap
    return overlap / union if union > 0 else 0.0


def naive_hull(a, b):
    return max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1])


def naive_giou(a, b):
    overlap = naive_iou(a, b)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    union = areas / (1 + overlap)  # IoU = (areas - union) / union
    width, height = naive_hull(a, b)
    return overlap - (width * height - union) / (width * height)


def naive_ciou(a, b):
    overlap, (width, height) = naive_iou(a, b), naive_hull(a, b)
    centres = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    angles = [math.atan((box[2] - box[0]) / (box[3] - box[1])) for box in (a, b)]
    v = 4 / math.pi**2 * (angles[1] - angles[0]) ** 2
    return overlap - centres / (width**2 + height**2) - v * v / (1 - overlap + v)


def test_iou_of_two_boxes_that_share_one_of_seven_squares():
    # Two 2 x 2 boxes shifted by (1, 1): 1 square shared, 4 + 4 - 1 = 7 together.
    assert float(box_ops.iou([[0, 0, 2, 2]], [[1, 1, 3, 3]])[0, 0]) == pytest.approx(1 / 7)


def test_iou_of_one_half_counts_as_correct_by_the_notes_convention():
    # A box and its left half: 1 / 2, which the convention IoU >= 0.5 calls a correct detection; less of it does not.
    truth = [[0.0, 0.0, 1.0, 1.0]]
    overlaps = np.asarray(box_ops.iou([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.49, 1.0]], truth))[:, 0]
    assert (overlaps >= 0.5).tolist() == [True, False]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], 1.0),
        ([0, 0, 1, 1], [1, 0, 2, 1], 0.0),  # they touch
        ([0, 0, 1, 1], [3, 3, 4, 4], 0.0),
        ([0, 0, 2, 2], [0.5, 0.5, 1.5, 1.5], 0.25),  # one inside the other
        ([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], 0.0),  # two empty ones
        ([0.5, 0.5, 0.5, 0.5], [0, 0, 1, 1], 0.0),
    ],
)
def test_iou_of_special_boxes(a, b, expected):
    assert float(box_ops.paired_iou(a, b)) == pytest.approx(expected)
    assert float(box_ops.iou([a], [b])[0, 0]) == pytest.approx(expected)


def test_iou_equals_a_double_loop_and_keras():
    a, b = random_boxes(0, (17,)), random_boxes(1, (11,))
    expected = [[naive_iou(one, other) for other in b.astype(np.float64)] for one in a.astype(np.float64)]
    np.testing.assert_allclose(box_ops.iou(a, b), expected, rtol=1e-5, atol=1e-6)
    oracle = keras.utils.bounding_boxes.compute_iou(a, b, "xyxy")
    np.testing.assert_allclose(box_ops.iou(a, b), oracle, rtol=1e-3, atol=1e-5)  # Keras adds 1e-7 to small unions


def test_iou_is_symmetric_lies_in_0_1_and_is_1_with_itself():
    a, b = random_boxes(2, (2, 9)), random_boxes(3, (2, 6))
    forth, back = np.asarray(box_ops.iou(a, b)), np.asarray(box_ops.iou(b, a))
    assert forth.shape == (2, 9, 6)
    np.testing.assert_allclose(forth, back.transpose(0, 2, 1), rtol=1e-6)
    assert forth.min() >= 0 and forth.max() <= 1
    np.testing.assert_allclose(np.diagonal(box_ops.iou(a, a), axis1=1, axis2=2), 1, rtol=1e-6)


def test_iou_with_no_boxes_is_empty():
    assert box_ops.iou(np.zeros((0, 4)), random_boxes(0, (3,))).shape == (0, 3)
    assert box_ops.iou(random_boxes(0, (3,)), np.zeros((0, 4))).shape == (3, 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_whatever_type_comes_in_float32_comes_out(dtype):
    boxes = np.array([[0, 0, 2, 4]], dtype)
    assert box_ops.iou(boxes, [[0, 0, 2, 2]]).dtype == tf.float32
    np.testing.assert_array_equal(box_ops.iou(boxes, [[0, 0, 2, 2]]), [[0.5]])
    np.testing.assert_array_equal(box_ops.xyxy_to_cxcywh(boxes), [[1, 2, 2, 4]])


def test_giou_of_two_separate_boxes_worked_by_hand():
    # Unit squares two apart: hull 3 x 1, union 2, IoU 0: GIoU = -(3 - 2) / 3.
    assert float(box_ops.paired_giou([0, 0, 1, 1], [2, 0, 3, 1])) == pytest.approx(-1 / 3)


def test_ciou_of_two_separate_squares_worked_by_hand():
    # Same proportions, so v = 0; centres 2 apart, hull 3 x 1: -4 / 10.
    assert float(box_ops.paired_ciou([0, 0, 1, 1], [2, 0, 3, 1])) == pytest.approx(-0.4)


def test_ciou_of_two_concentric_boxes_counts_their_proportions():
    # 4 x 1 and 1 x 4 round one centre: IoU 1 / 7, no distance, v = 4 / pi^2 (atan 1/4 - atan 4)^2.
    v = 4 / math.pi**2 * (math.atan(0.25) - math.atan(4)) ** 2
    expected = 1 / 7 - v * v / (1 - 1 / 7 + v)
    assert float(box_ops.paired_ciou([0, 1.5, 4, 2.5], [1.5, 0, 2.5, 4])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("paired", "naive"), [("paired_giou", naive_giou), ("paired_ciou", naive_ciou)])
def test_giou_and_ciou_equal_the_formula_on_random_boxes(paired, naive):
    a, b = random_boxes(4, (40,)), random_boxes(5, (40,))
    expected = [naive(one, other) for one, other in zip(a.astype(np.float64), b.astype(np.float64))]
    np.testing.assert_allclose(getattr(box_ops, paired)(a, b), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(getattr(box_ops, paired)(a, a), np.ones(40), rtol=1e-5)


def test_ciou_equals_keras():
    a, b = 100 * random_boxes(6, (30,)), 100 * random_boxes(7, (30,))
    np.testing.assert_allclose(
        box_ops.paired_ciou(a, b), keras.utils.bounding_boxes.compute_ciou(a, b, "xyxy"), rtol=1e-4, atol=1e-5
    )


def test_alpha_of_ciou_counts_as_a_constant_for_the_gradient():
    a, b = random_boxes(8, (6,)), random_boxes(9, (6,))
    boxes = tf.Variable(a)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(box_ops.paired_ciou(boxes, b))
    got, step = tape.gradient(value, boxes).numpy(), 1e-6
    for row, axis in [(0, 0), (3, 2), (5, 3)]:
        one, other = a[row].astype(np.float64), b[row].astype(np.float64)
        angle_b = math.atan((other[2] - other[0]) / (other[3] - other[1]))
        v = 4 / math.pi**2 * (angle_b - math.atan((one[2] - one[0]) / (one[3] - one[1]))) ** 2
        alpha = v / (1 - naive_iou(one, other) + v)

        def with_constant_alpha(box, other=other, angle_b=angle_b, alpha=alpha):
            v = 4 / math.pi**2 * (angle_b - math.atan((box[2] - box[0]) / (box[3] - box[1]))) ** 2
            return naive_ciou(box, other) + v * v / (1 - naive_iou(box, other) + v) - alpha * v

        shift = np.eye(4)[axis] * step
        expected = (with_constant_alpha(one + shift) - with_constant_alpha(one - shift)) / (2 * step)
        assert got[row, axis] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_ciou_has_a_finite_gradient_at_a_box_without_sides():
    boxes = tf.Variable([[0.5, 0.5, 0.5, 0.5], [0.2, 0.2, 0.4, 0.4]])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(box_ops.paired_ciou(boxes, [0.1, 0.1, 0.9, 0.7]))
    assert np.isfinite(tape.gradient(value, boxes)).all()


def test_shape_iou_compares_sizes_as_if_centred():
    # 2 x 4 against 4 x 2 share 2 x 2 of 8 + 8 - 4; against itself 1; against 1 x 1 an eighth.
    np.testing.assert_allclose(box_ops.shape_iou([[2, 4]], [[4, 2], [2, 4], [1, 1]]), [[1 / 3, 1, 1 / 8]], rtol=1e-6)
    np.testing.assert_array_equal(box_ops.shape_iou([[0, 0]], [[0, 0], [1, 1]]), [[0, 0]])


def test_centre_form_and_corner_form_are_each_others_inverse():
    np.testing.assert_allclose(box_ops.xyxy_to_cxcywh([[1, 2, 5, 4]]), [[3, 3, 4, 2]])
    np.testing.assert_allclose(box_ops.cxcywh_to_xyxy([[3, 3, 4, 2]]), [[1, 2, 5, 4]])
    boxes = random_boxes(10, (2, 3, 5))
    np.testing.assert_allclose(box_ops.cxcywh_to_xyxy(box_ops.xyxy_to_cxcywh(boxes)), boxes, atol=1e-6)


def test_area_of_a_box_with_swapped_corners_is_0():
    np.testing.assert_array_equal(box_ops.area([[0, 0, 2, 3], [2, 0, 0, 3], [1, 1, 1, 1]]), [6, 0, 0])


@pytest.mark.parametrize("function", ["area", "xyxy_to_cxcywh", "cxcywh_to_xyxy"])
def test_boxes_with_a_fifth_number_are_refused(function):
    with pytest.raises(
        ValueError, match=r"`boxes` must have shape \(..., 4\). Received shape \(8, 5\). Pass class and"
    ):
        getattr(box_ops, function)(np.zeros((8, 5)))


@pytest.mark.parametrize("function", ["iou", "paired_iou", "paired_giou", "paired_ciou"])
def test_the_wrong_one_of_two_arguments_is_named(function):
    with pytest.raises(ValueError, match=r"`b` must have shape \(..., 4\). Received shape \(2, 3\)"):
        getattr(box_ops, function)(np.zeros((2, 4)), np.zeros((2, 3)))


def test_overlap_with_a_crowd_is_the_share_of_the_box_inside_as_pycocotools_has_it():
    generator = np.random.default_rng(5)
    corners = generator.uniform(0, 50, (2, 9, 2))
    a, b = (np.concatenate([c, c + generator.uniform(1, 50, c.shape)], axis=-1) for c in corners)
    crowd = np.arange(9) % 2 == 0
    xywh_a, xywh_b = (np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], axis=1) for x in (a, b))
    expected = mask.iou(xywh_a, xywh_b, crowd.astype(np.uint8))
    np.testing.assert_allclose(np.asarray(box_ops.iou(a, b, crowd)), expected, atol=1e-6)
