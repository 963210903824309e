"""The COCO evaluator: numbers worked by hand, then pycocotools as the oracle on random and on adversarial sets."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cnn_suite.metrics.detection import Truths, coco_metrics


def found(boxes, confidence, class_id=None):
    """Detections of one picture; class 0 unless said otherwise."""
    class_id = np.zeros(len(boxes), np.int32) if class_id is None else class_id
    return SimpleNamespace(
        xyxy_px=np.array(boxes, np.float32).reshape(-1, 4),
        confidence=np.array(confidence, np.float32),
        class_id=np.array(class_id, np.int32),
    )


def pycocotools_evaluation(truths, detections, classes, max_detections=(1, 10, 100)):
    """The reference program run on the same pictures."""
    annotations, results = [], []
    for picture, (truth, boxes) in enumerate(zip(truths, detections, strict=True), start=1):
        for (x0, y0, x1, y1), k, crowd, area in zip(
            truth.xyxy_px.tolist(), truth.class_id, truth.crowd, truth.area_px, strict=True
        ):
            place = {"image_id": picture, "category_id": int(k) + 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            annotations.append(place | {"id": len(annotations) + 1, "iscrowd": int(crowd), "area": float(area)})
        for (x0, y0, x1, y1), k, score in zip(boxes.xyxy_px.tolist(), boxes.class_id, boxes.confidence, strict=True):
            place = {"image_id": picture, "category_id": int(k) + 1, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            results.append(place | {"score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {
            "images": [{"id": picture} for picture in range(1, len(truths) + 1)],
            "categories": [{"id": k + 1, "name": str(k)} for k in range(classes)],
            "annotations": annotations,
            "info": {},
        }
        reference.createIndex()
        if results:
            loaded = reference.loadRes(results)
        else:  # loadRes refuses an empty list
            loaded = COCO()
            loaded.dataset = reference.dataset | {"annotations": []}
            loaded.createIndex()
        evaluation = COCOeval(reference, loaded, "bbox")
        evaluation.params.maxDets = list(max_detections)
        evaluation.evaluate()
        evaluation.accumulate()
        if len(max_detections) == 3 and max_detections[-1] == 100:  # its summary knows no other last maximum
            evaluation.summarize()
    return evaluation


def assert_equal_to_pycocotools(truths, detections, classes, max_detections=(1, 10, 100)):
    """Every array the reference makes, and its twelve summary numbers, to 1e-6."""
    ours = coco_metrics(truths, detections, classes, max_detections=max_detections)
    theirs = pycocotools_evaluation(truths, detections, classes, max_detections)
    for name in ("precision", "recall", "scores"):
        array = getattr(ours, name)
        np.testing.assert_allclose(np.where(np.isnan(array), -1, array), theirs.eval[name], atol=1e-6, rtol=0)
    if len(theirs.stats):
        stats = [ours.ap, ours.ap50, ours.ap75, ours.ap_small, ours.ap_medium, ours.ap_large]
        stats += [*ours.ar.values(), ours.ar_small, ours.ar_medium, ours.ar_large]
        np.testing.assert_allclose(np.nan_to_num(stats, nan=-1.0), theirs.stats, atol=1e-6, rtol=0)
    return ours


def random_set(seed, *, pictures=12, classes=3, most_truths=15, most_detections=40, integers=False, score_steps=None):
    """Pictures with truths of every size, and detections that are jittered truths, their doubles and noise."""
    rng = np.random.default_rng(seed)
    truths, detections = [], []
    for _ in range(pictures):
        n, m = rng.integers(0, most_truths + 1), rng.integers(0, most_detections + 1)
        boxes = random_boxes(rng, n)
        copies = boxes[rng.integers(0, n, m)] if n else random_boxes(rng, m)
        near = np.where(rng.random((m, 1)) < 0.7, copies, random_boxes(rng, m))
        side = np.maximum(near[:, 2:] - near[:, :2], 1)
        near = near + np.tile(side, 2) * rng.normal(0, 0.06, (m, 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        class_id = rng.integers(0, classes, n)
        likely = class_id[rng.integers(0, n, m)] if n else rng.integers(0, classes, m)
        confidence = rng.random(m) if score_steps is None else rng.integers(0, score_steps, m) / score_steps
        if integers:
            boxes, near = np.round(boxes), np.round(near)
        crowd = rng.random(n) < 0.15
        truths.append(Truths(boxes.astype(np.float32), class_id, crowd))
        detections.append(found(near, confidence, likely))
    return truths, detections


def random_boxes(rng, n):
    """Boxes from a few pixels to some hundred, so that all three area ranges are met."""
    corner, side = rng.uniform(0, 400, (n, 2)), np.exp(rng.uniform(np.log(4), np.log(250), (n, 2)))
    return np.concatenate([corner, corner + side], axis=1)


def test_perfect_detections_have_average_precision_one():
    truths = [Truths([[0, 0, 50, 50], [100, 100, 250, 250]], [0, 1])]
    metrics = coco_metrics(truths, [found([[100, 100, 250, 250], [0, 0, 50, 50]], [0.9, 0.8], [1, 0])], 2)
    assert (metrics.ap, metrics.ap50, metrics.ap75, metrics.ap_medium, metrics.ap_large) == (1, 1, 1, 1, 1)
    assert np.isnan(metrics.ap_small)
    assert metrics.per_class_ap.tolist() == [1, 1]
    assert metrics.truths.tolist() == [1, 1]


def test_overlap_of_062_counts_at_three_of_the_ten_thresholds():
    # Intersection 62 x 100 over union 100 x 100 = 0.62: right at 0.50, 0.55, 0.60 and wrong at the other seven.
    metrics = coco_metrics([Truths([[0, 0, 100, 100]], [0])], [found([[0, 0, 62, 100]], [0.5])], 1)
    assert metrics.ap == pytest.approx(0.3)
    assert metrics.ap50 == 1
    assert metrics.ap75 == 0


def test_one_false_box_between_two_right_ones():
    # Right, false, right over two truths: precision 1 up to recall 1/2, then 2/3.
    # 51 recall points lie in [0, 0.5] and 50 above: (51 * 1 + 50 * 2/3) / 101.
    truths = [Truths([[0, 0, 10, 10], [50, 50, 60, 60]], [0, 0])]
    boxes = found([[0, 0, 10, 10], [80, 80, 90, 90], [50, 50, 60, 60]], [0.9, 0.8, 0.7])
    metrics = coco_metrics(truths, [boxes], 1)
    assert metrics.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert metrics.ar == {1: 0.5, 10: 1.0, 100: 1.0}


def test_second_box_on_the_same_truth_is_false():
    # By falling confidence over both pictures: right, double and so false, right.
    truths = [Truths([[0, 0, 10, 10]], [0]), Truths([[0, 0, 10, 10]], [0])]
    boxes = [found([[0, 0, 10, 10], [0, 0, 10, 10]], [0.9, 0.8]), found([[0, 0, 10, 10]], [0.7])]
    assert coco_metrics(truths, boxes, 1).ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_boxes_inside_a_crowd_region_are_neither_right_nor_false():
    truths = [Truths([[0, 0, 10, 10], [100, 100, 200, 200]], [0, 0], [False, True])]
    boxes = found([[110, 110, 120, 120], [130, 130, 140, 140], [0, 0, 10, 10]], [0.9, 0.8, 0.7])
    metrics = coco_metrics(truths, [boxes], 1)
    assert metrics.ap == 1
    assert metrics.truths.tolist() == [1]


def test_a_difficult_object_forgives_what_lies_on_it_by_its_overlap_and_nothing_else():
    # Two boxes on the difficult object with IoU 0.81 are ignored up to that threshold; the box inside it with IoU 0.01
    # is false, and before the right one: precision 1/2 at every recall. A crowd forgives all three.
    on_it, in_it, right = [105, 105, 195, 195], [110, 110, 120, 120], [0, 0, 10, 10]
    boxes = found([on_it, on_it, in_it, right], [0.9, 0.8, 0.7, 0.6])
    truths = Truths([[0, 0, 10, 10], [100, 100, 200, 200]], [0, 0], difficult=[False, True])
    metrics = coco_metrics([truths], [boxes], 1)
    assert (metrics.ap50, metrics.truths.tolist()) == (pytest.approx(1 / 2), [1])
    assert metrics.precision[-1, 0, 0, 0, -1] == pytest.approx(1 / 4)  # at 0.95 the other two are false as well
    crowd = Truths(truths.xyxy_px, truths.class_id, truths.difficult)
    assert coco_metrics([crowd], [boxes], 1).ap50 == 1


@pytest.mark.parametrize("seed", range(4))
def test_difficult_objects_equal_pycocotools_without_any_size_that_counts(seed):
    # The reference ignores a truth whose area lies in no range, by its IoU, but lets it forgive one box alone: it is
    # given one copy of each for every box.
    rng = np.random.default_rng(seed)
    ours, theirs = [], []
    truths, detections = random_set(200 + seed, pictures=6, most_truths=10, most_detections=20)
    for one in truths:
        difficult = rng.random(len(one)) < 0.3
        ours.append(Truths(one.xyxy_px, one.class_id, one.crowd & ~difficult, difficult=difficult))
        times = np.where(difficult, 20, 1)
        area = np.where(difficult, 1e11, one.area_px)
        theirs.append(Truths(*(np.repeat(a, times, axis=0) for a in (one.xyxy_px, one.class_id, ours[-1].crowd, area))))
    metrics = coco_metrics(ours, detections, 3)
    expected = pycocotools_evaluation(theirs, detections, 3).eval
    for name in ("precision", "recall", "scores"):
        array = getattr(metrics, name)
        np.testing.assert_allclose(np.where(np.isnan(array), -1, array), expected[name], atol=1e-6, rtol=0)


def test_box_of_exactly_32_by_32_is_small_and_medium():
    metrics = coco_metrics([Truths([[0, 0, 32, 32]], [0])], [found([[0, 0, 32, 32]], [0.5])], 1)
    assert (metrics.ap_small, metrics.ap_medium) == (1, 1)
    assert np.isnan(metrics.ap_large)


def test_given_area_decides_the_size_and_not_the_box():
    truths = [Truths([[0, 0, 100, 100]], [0], area_px=[500.0])]
    metrics = coco_metrics(truths, [found([[0, 0, 100, 100]], [0.5])], 1)
    assert metrics.ap_small == 1
    assert np.isnan(metrics.ap_large)


def test_class_without_truths_is_nan_and_left_out_of_the_mean():
    metrics = coco_metrics([Truths([[0, 0, 9, 9]], [0])], [found([[0, 0, 9, 9]] * 2, [0.5, 0.9], [0, 1])], 3)
    assert metrics.ap == 1
    np.testing.assert_array_equal(metrics.per_class_ap, [1, np.nan, np.nan])


def test_no_detections_score_zero_and_no_truths_score_nan():
    nothing = found(np.zeros((0, 4)), [])
    assert coco_metrics([Truths([[0, 0, 9, 9]], [0])], [nothing], 1).ap == 0
    assert np.isnan(coco_metrics([Truths([], [])], [found([[0, 0, 9, 9]], [0.5])], 1).ap)
    assert np.isnan(coco_metrics([Truths([], [])], [nothing], 1).ap)
    assert np.isnan(coco_metrics([], [], 1).ap)


@pytest.mark.parametrize("seed", range(8))
def test_equals_pycocotools_on_random_sets(seed):
    metrics = assert_equal_to_pycocotools(*random_set(seed), 3)
    assert 0 < metrics.ap < 1


@pytest.mark.parametrize("seed", range(4))
def test_equals_pycocotools_with_ties_in_score_and_whole_pixel_boxes(seed):
    assert_equal_to_pycocotools(*random_set(100 + seed, integers=True, score_steps=4), 3)


def test_equals_pycocotools_when_all_scores_are_equal():
    assert_equal_to_pycocotools(*random_set(7, score_steps=1), 3)


def test_equals_pycocotools_with_more_detections_than_the_maximum():
    truths, detections = random_set(3, pictures=4, classes=1, most_truths=60, most_detections=400)
    assert max(len(one.confidence) for one in detections) > 150
    assert_equal_to_pycocotools(truths, detections, 1)


@pytest.mark.parametrize("max_detections", [(1, 2, 3), (5,), (1, 10, 300)])
def test_equals_pycocotools_with_other_maxima(max_detections):
    assert_equal_to_pycocotools(*random_set(11), 3, max_detections)


def test_equals_pycocotools_with_empty_classes_and_empty_pictures():
    truths, detections = random_set(5, pictures=6)
    nothing = found(np.zeros((0, 4)), [])
    truths = [*truths, Truths([], []), truths[0], Truths([], [])]
    detections = [*detections, detections[0], nothing, nothing]
    assert_equal_to_pycocotools(truths, detections, 6)
    assert_equal_to_pycocotools(truths, [nothing] * len(truths), 3)


def test_equals_pycocotools_when_everything_is_crowd():
    truths, detections = random_set(6)
    truths = [Truths(one.xyxy_px, one.class_id, np.ones(len(one), bool)) for one in truths]
    assert np.isnan(assert_equal_to_pycocotools(truths, detections, 3).ap)


def test_equals_pycocotools_with_crowd_regions_over_single_objects():
    # A truth inside a crowd, detections on both, a crowd that overlaps more than the truth, doubles in the crowd.
    truths = [Truths([[0, 0, 200, 200], [20, 20, 60, 60], [100, 100, 150, 150]], [0, 0, 0], [True, False, False])]
    boxes = [
        [20, 20, 60, 60],
        [20, 20, 60, 60],
        [24, 20, 60, 60],
        [100, 100, 140, 150],
        [150, 150, 220, 220],
        [5, 5, 9, 9],
    ]
    for seed in range(10):
        confidence = np.random.default_rng(seed).integers(1, 4, len(boxes)) / 4
        assert_equal_to_pycocotools(truths, [found(boxes, confidence)], 1)


def test_equals_pycocotools_with_areas_exactly_on_the_borders():
    sides = np.array([31, 32, 33, 95, 96, 97])
    corner = np.arange(6) * 120
    truth = np.stack([corner, corner * 0, corner + sides, sides], axis=1)
    shorter = truth - [0, 0, 0, 1]
    for boxes in (truth, shorter, truth + [0, 0, 0, 1], np.concatenate([shorter, truth])):
        confidence = np.linspace(0.9, 0.1, len(boxes))
        assert_equal_to_pycocotools([Truths(truth, np.zeros(6, int))], [found(boxes, confidence)], 1)


def test_equals_pycocotools_with_areas_that_differ_from_the_boxes():
    truths, detections = random_set(8)
    rng = np.random.default_rng(0)
    truths = [
        Truths(one.xyxy_px, one.class_id, one.crowd, one.area_px * rng.uniform(0.3, 1, len(one))) for one in truths
    ]
    assert_equal_to_pycocotools(truths, detections, 3)


def test_equals_pycocotools_with_doubled_truths_and_equal_overlaps():
    # Two equal truths, and boxes half-way between two neighbours: which truth is taken decides what is left.
    truth = [[0, 0, 40, 40], [0, 0, 40, 40], [10, 0, 50, 40], [20, 0, 60, 40], [100, 0, 133, 33], [100, 0, 133, 31]]
    boxes = [[5, 0, 45, 40], [0, 0, 40, 40], [15, 0, 55, 40], [0, 0, 40, 40], [100, 0, 133, 32], [100, 0, 133, 32]]
    rng = np.random.default_rng(0)
    for _ in range(20):
        truths = [Truths(rng.permutation(truth), np.zeros(6, int), rng.random(6) < 0.2)]
        assert_equal_to_pycocotools(truths, [found(boxes, rng.integers(1, 4, 6) / 4)], 1)


def test_equals_pycocotools_with_boxes_without_area():
    truths = [Truths([[0, 0, 40, 40], [5, 5, 5, 30]], [0, 0])]
    assert_equal_to_pycocotools(truths, [found([[5, 5, 5, 30], [7, 7, 7, 7], [0, 0, 40, 38]], [0.9, 0.8, 0.7])], 1)


def test_order_of_pictures_does_not_matter_without_ties():
    truths, detections = random_set(9)
    whole, turned = coco_metrics(truths, detections, 3), coco_metrics(truths[::-1], detections[::-1], 3)
    assert turned.ap == pytest.approx(whole.ap, abs=1e-12)


def test_as_dict_is_plain_json_with_none_for_nan():
    metrics = coco_metrics([Truths([[0, 0, 9, 9]], [0])], [found([[0, 0, 9, 9]], [0.5])], 2)
    numbers = json.loads(json.dumps(metrics.as_dict(["cell", "dust"]), allow_nan=False))
    assert numbers["ap"] == 1
    assert numbers["ap_large"] is None
    assert numbers["ar_100"] == 1
    assert numbers["per_class"]["cell"] == {"ap": 1, "ap50": 1, "ap75": 1, "ar": 1, "truths": 1}
    assert numbers["per_class"]["dust"]["ap"] is None
    assert set(metrics.as_dict()["per_class"]) == {"0", "1"}


def test_as_dict_refuses_a_wrong_number_of_labels():
    metrics = coco_metrics([Truths([[0, 0, 9, 9]], [0])], [found([[0, 0, 9, 9]], [0.5])], 1)
    with pytest.raises(ValueError, match="must name all 1 classes. Received 2"):
        metrics.as_dict(["a", "b"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"truths": []}, "one entry for each picture, in the same order. Received 0 and 1"),
        ({"classes": 0}, "`classes` must be at least 1. Received 0"),
        ({"truths": [Truths([[0, 0, 9, 9]], [1])]}, "`truths` of picture 0 has class 1; expected 0 to 0"),
        ({"detections": [found([[0, 0, 9, 9]], [0.5], [3])]}, "`detections` of picture 0 has class 3; expected 0 to 0"),
        ({"detections": [found([[0, 0, 9, 9]], [np.nan])]}, "`confidence` must not hold NaN"),
        ({"detections": [found([[0, 0, 9, 9]], [0.5, 0.6], [0])]}, r"`confidence` must have shape \(1,\), one value"),
        ({"max_detections": (10, 1)}, r"`max_detections` must be rising whole numbers above 0. Received \(10, 1\)"),
    ],
)
def test_wrong_arguments_are_refused_with_the_reason(arguments, message):
    right = {"truths": [Truths([[0, 0, 9, 9]], [0])], "detections": [found([[0, 0, 9, 9]], [0.5])], "classes": 1}
    with pytest.raises(ValueError, match=message):
        coco_metrics(**(right | arguments))


def test_truths_refuse_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`xyxy_px` must have shape \(n, 4\) in xyxy order. Received shape \(1, 5\)"):
        Truths([[0, 0, 9, 9, 1]], [0])
    with pytest.raises(ValueError, match=r"`class_id` must have shape \(1,\), one value for each box"):
        Truths([[0, 0, 9, 9]], [0, 1])
