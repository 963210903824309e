from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.ops.numpy_boxes import areas, iou, nms


def slow_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def slow_nms(boxes, scores, classes, threshold, limit):
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = [k for k in kept if classes is None or classes[k] == classes[i]]
        if len(kept) < limit and all(slow_iou(boxes[i], boxes[k]) <= threshold for k in rivals):
            kept.append(i)
    return kept


def random_boxes(random, count):
    corners = random.uniform(0, 1, (count, 2))
    return np.hstack([corners, corners + random.uniform(0, 0.5, (count, 2))])


def test_iou_of_boxes_worked_by_hand():
    # 2 x 2 and 2 x 2 share 1 x 1: 1 / (4 + 4 - 1)
    assert iou([[0, 0, 2, 2]], [[1, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2]]).tolist() == [[1 / 7, 1.0, 0.0]]


def test_iou_equals_a_naive_loop_and_is_symmetric():
    random = np.random.default_rng(0)
    a, b = random_boxes(random, 17), random_boxes(random, 9)
    expected = [[slow_iou(x, y) for y in b] for x in a]
    np.testing.assert_allclose(iou(a, b), expected, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(iou(a, b), iou(b, a).T)


def test_iou_of_boxes_without_area_and_of_no_boxes():
    assert iou([[1, 1, 1, 1]], [[1, 1, 1, 1]]).tolist() == [[0.0]]
    assert iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou(np.zeros((0, 4)), []).shape == (0, 0)


def test_in_a_crowd_the_covered_share_of_the_box_counts():
    # 2 x 2, of which 1 x 2 lies in the region of 9 x 9: 2 / 4 as a crowd, 2 / (4 + 81 - 2) as an object
    region = [0, 0, 9, 9]
    assert iou([[8, 0, 10, 2]], [region, region], [True, False]).tolist() == [[2 / 4, 2 / 83]]
    assert iou([[1, 1, 1, 1]], [region], [True]).tolist() == [[0.0]]


def test_areas_by_hand():
    assert areas([[0, 0, 2, 3], [1, 1, 1, 4]]).tolist() == [6, 0] and areas([]).shape == areas([[]]).shape == (0,)


def test_iou_works_in_float64_whatever_it_is_given():
    boxes = np.array([[0, 0, 200, 200]], np.uint8)
    assert iou(boxes, boxes).dtype == np.float64 and iou(boxes, boxes)[0, 0] == 1


@pytest.mark.parametrize("with_classes", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_nms_equals_a_naive_loop_with_ties(with_classes, threshold):
    random = np.random.default_rng(1)
    for count in (1, 7, 60):
        boxes, scores = random_boxes(random, count), random.integers(0, 8, count) / 8
        classes = random.integers(0, 3, count) if with_classes else None
        for limit in (0, 3, count):
            assert nms(boxes, scores, classes, threshold, limit).tolist() == slow_nms(
                boxes, scores, classes, threshold, limit
            )


def test_nms_keeps_overlapping_boxes_of_different_classes():
    boxes = [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert nms(boxes, [0.5, 0.9], [0, 1]).tolist() == [1, 0]
    assert nms(boxes, [0.5, 0.9]).tolist() == [1]


def test_nms_keeps_a_box_that_overlaps_by_exactly_the_threshold():
    # 4 x 2 and 2 x 2 inside it: IoU 4 / 8
    boxes = [[0, 0, 4, 2], [0, 0, 2, 2]]
    assert nms(boxes, [0.9, 0.8], iou_threshold=0.5).tolist() == [0, 1]
    assert nms(boxes, [0.9, 0.8], iou_threshold=0.49).tolist() == [0]


def test_nms_of_nothing_is_nothing():
    assert nms([], []).tolist() == []


@pytest.mark.slow
def test_nms_equals_tensorflow():
    tf = pytest.importorskip("tensorflow")
    random = np.random.default_rng(2)
    boxes, scores = random_boxes(random, 200).astype(np.float32), random.permutation(200).astype(np.float32)
    expected = tf.image.non_max_suppression(boxes[:, [1, 0, 3, 2]], scores, 50, 0.4).numpy()
    np.testing.assert_array_equal(nms(boxes, scores, None, 0.4, 50), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0, 1]], [1]), r"`xyxy` must have shape \(n, 4\).*\(1, 3\)"),
        (([[0, 0, 1, 1]], [1, 2]), r"`scores` must have shape \(1,\)"),
        (([[0, 0, 1, 1]], [1], [1, 2]), r"`class_ids` must have shape \(1,\)"),
        (([[0, 0, 1, 1]], [1], None, 1.5), r"`iou_threshold` must lie in \[0, 1\]"),
        (([[0, 0, 1, 1]], [1], None, 0.5, -1), "`max_detections` must be 0 or more"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        nms(*arguments)
