"""Curves, best confidences, confusions and error counts of a detector, on pictures small enough to count by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from cnn_suite.metrics.detection import Truths, coco_metrics
from cnn_suite.metrics.detection_report import (
    confusion_matrix,
    detection_report,
    picture_outcomes,
    precision_recall_curve,
    worst_pictures,
)

A, B, C = [0, 0, 10, 10], [50, 50, 60, 60], [80, 80, 90, 90]  # three places that do not overlap
NOTHING = np.zeros((0, 4))


def found(boxes, confidence, class_id=None):
    """Detections of one picture; class 0 unless said otherwise."""
    class_id = np.zeros(len(boxes), int) if class_id is None else np.array(class_id)
    return SimpleNamespace(xyxy_px=np.array(boxes, float), confidence=np.array(confidence, float), class_id=class_id)


def test_curve_of_right_false_right_over_two_truths():
    curve = precision_recall_curve([Truths([A, B], [0, 0])], [found([A, C, B], [0.9, 0.8, 0.7])], 1)
    assert curve.confidence.tolist() == [0.9, 0.8, 0.7]
    assert curve.precision.tolist() == [1, 1 / 2, 2 / 3]
    assert curve.recall.tolist() == [1 / 2, 1 / 2, 1]
    assert curve.truths == 2


def test_best_f1_is_the_highest_point_of_the_curve():
    # F1 = 2PR / (P + R): 2/3 at 0.9, 1/2 at 0.8, 4/5 at 0.7.
    best = precision_recall_curve([Truths([A, B], [0, 0])], [found([A, C, B], [0.9, 0.8, 0.7])], 1).best()
    assert (best.confidence, best.recall) == (0.7, 1)
    assert best.f1 == pytest.approx(0.8)


def test_equal_confidences_make_one_point():
    curve = precision_recall_curve([Truths([A, B], [0, 0])], [found([A, C, B], [0.5, 0.5, 0.5])], 1)
    assert curve.confidence.tolist() == [0.5]
    assert curve.precision.tolist() == [2 / 3]


def test_curve_over_all_classes_still_asks_for_the_right_class():
    truths, boxes = [Truths([A, B], [0, 1])], [found([A, B], [0.9, 0.8], [0, 0])]
    assert precision_recall_curve(truths, boxes, 2).recall.tolist() == [0.5, 0.5]
    assert precision_recall_curve(truths, boxes, 2, class_id=1).truths == 1
    assert precision_recall_curve(truths, boxes, 2, class_id=1).best() is None


def test_detections_on_a_crowd_region_are_not_on_the_curve():
    curve = precision_recall_curve([Truths([A, B], [0, 0], [False, True])], [found([B, A], [0.9, 0.8])], 1)
    assert (curve.confidence.tolist(), curve.precision.tolist(), curve.recall.tolist()) == ([0.8], [1], [1])
    assert curve.truths == 1


def test_curve_without_truths_or_detections_has_no_best_point():
    no_boxes = precision_recall_curve([Truths([A], [0])], [found(NOTHING, [])], 1)
    assert (len(no_boxes.confidence), no_boxes.best()) == (0, None)
    no_truths = precision_recall_curve([Truths([], [])], [found([A], [0.5])], 1)
    assert np.isnan(no_truths.recall).all()
    assert no_truths.best() is None


def test_outcomes_tell_right_missed_false_and_wrong_class_apart():
    # A found as itself, B found under the name of class 0, C missed, and one box where nothing is.
    truths = [Truths([A, B, C], [0, 1, 1])]
    boxes = [found([A, B, [30, 0, 40, 10]], [0.9, 0.8, 0.7], [0, 0, 1])]
    outcomes = picture_outcomes(truths, boxes, 2, confidence=0.5)
    assert (outcomes[0].missed, outcomes[0].false, outcomes[0].wrong_class, outcomes[0].errors) == (1, 1, 1, 3)
    # Rows truth, columns found: class 0, class 1, background.
    assert confusion_matrix(outcomes, 2).tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_double_is_false_and_boxes_under_the_confidence_do_not_count():
    outcome = picture_outcomes([Truths([A], [0])], [found([A, A, C], [0.9, 0.8, 0.1])], 1, confidence=0.5)[0]
    assert (outcome.missed, outcome.false, outcome.wrong_class) == (0, 1, 0)
    assert picture_outcomes([Truths([A], [0])], [found([A], [0.5])], 1, confidence=0.5)[0].errors == 0


def test_right_class_is_matched_before_a_more_confident_wrong_one():
    # The confident box of class 1 lies on the truth of class 0 exactly; the truth still belongs to its own class.
    outcome = picture_outcomes([Truths([A], [0])], [found([A, A], [0.9, 0.6], [1, 0])], 2, confidence=0.5)
    assert confusion_matrix(outcome, 2).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_difficult_objects_are_in_no_outcome_and_not_on_the_curve_but_what_is_merely_inside_them_is():
    inside = [52, 52, 55, 55]
    truths = [Truths([A, B], [0, 0], difficult=[False, True])]
    boxes = [found([B, B, inside, A], [0.9, 0.85, 0.8, 0.7])]
    curve = precision_recall_curve(truths, boxes, 1)
    assert (curve.truths, curve.precision.tolist()) == (1, [0, 1 / 2])
    outcome = picture_outcomes(truths, boxes, 1, confidence=0.5)[0]
    assert (outcome.missed, outcome.false, outcome.wrong_class) == (0, 1, 0)


def test_crowd_regions_are_in_no_outcome():
    truths = [Truths([A, B], [0, 0], [True, False])]
    assert picture_outcomes(truths, [found([A, A, B], [0.9, 0.8, 0.7])], 1, confidence=0.5)[0].errors == 0
    assert picture_outcomes(truths, [found(NOTHING, [])], 1, confidence=0.5)[0].missed == 1


def test_worst_pictures_come_first_and_faultless_ones_never():
    truths = [Truths([A], [0]), Truths([A, B], [0, 0]), Truths([A], [0]), Truths([], [])]
    boxes = [found([A], [0.9]), found([C], [0.9]), found(NOTHING, []), found(NOTHING, [])]
    outcomes = picture_outcomes(truths, boxes, 1, confidence=0.5)
    assert [outcome.errors for outcome in outcomes] == [0, 3, 1, 0]
    assert worst_pictures(outcomes, 4) == [1, 2]
    assert worst_pictures(outcomes, 1) == [1]


def test_report_takes_its_confusions_at_the_best_f1_and_is_plain_json():
    report = detection_report([Truths([A, B], [0, 1])], [found([A, C, B], [0.9, 0.2, 0.8], [0, 1, 1])], 2)
    assert report.confidence == 0.8
    assert report.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    numbers = json.loads(json.dumps(report.as_dict(["cell", "dust"]), allow_nan=False))
    assert numbers["best_f1"] == {"confidence": 0.8, "precision": 1, "recall": 1, "f1": 1}
    assert numbers["best_f1_per_class"]["dust"]["confidence"] == 0.8
    assert numbers["confusion_matrix"]["labels"] == ["cell", "dust", "background"]
    assert numbers["errors"] == {"missed": 0, "false": 0, "wrong_class": 0}


def test_report_of_nothing_found_uses_one_half():
    report = detection_report([Truths([A], [0])], [found(NOTHING, [])], 1)
    assert report.confidence == 0.5
    assert report.as_dict(["cell"])["best_f1"] is None
    assert report.confusion.tolist() == [[0, 1], [0, 0]]


def test_given_confidence_is_used():
    assert detection_report([Truths([A], [0])], [found([A], [0.3])], 1, confidence=0.4).outcomes[0].missed == 1


@pytest.mark.parametrize("iou_threshold", [0.0, 1.1])
def test_iou_threshold_outside_its_range_is_refused(iou_threshold):
    with pytest.raises(ValueError, match="`iou_threshold` must be above 0 and at most 1. Received"):
        precision_recall_curve([Truths([A], [0])], [found([A], [0.5])], 1, iou_threshold=iou_threshold)


def test_confusions_agree_with_the_curve_at_every_confidence():
    rng = np.random.default_rng(0)
    truths, boxes = [], []
    for _ in range(6):
        corner = rng.uniform(0, 60, (12, 2))
        truth = np.concatenate([corner, corner + rng.uniform(10, 40, (12, 2))], axis=1)
        truths.append(Truths(truth, rng.integers(0, 3, 12), rng.random(12) < 0.2))
        near = truth[rng.integers(0, 12, 30)] + rng.normal(0, 1.5, (30, 4))
        boxes.append(found(near, rng.integers(1, 20, 30) / 20, rng.integers(0, 3, 30)))
    curve = precision_recall_curve(truths, boxes, 3)
    for confidence, precision, recall in zip(curve.confidence, curve.precision, curve.recall, strict=True):
        counts = confusion_matrix(picture_outcomes(truths, boxes, 3, confidence=confidence), 3)
        right = np.trace(counts[:3, :3])
        assert recall == pytest.approx(right / counts[:3].sum())
        assert precision == pytest.approx(right / counts[:, :3].sum())
    # The end of each class's curve is the recall of the COCO evaluator at IoU 0.5.
    coco = coco_metrics(truths, boxes, 3)
    for k in range(3):
        assert precision_recall_curve(truths, boxes, 3, class_id=k).recall[-1] == pytest.approx(coco.recall[0, k, 0, 2])
