"""`cnn-suite evaluate` without a trained model: a detector that knows the answers, on pictures made in memory."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cnn_suite.data.boxes.annotations import AnnotatedPicture, DataFaultError, DetectionData, Fault
from cnn_suite.evaluate import evaluate_model
from cnn_suite.results import Detections, ModelCard
from cnn_suite.tasks import detection_evaluation

LABELS = ("cell", "dust")
BOXES_PX = [[10, 10, 42, 42], [60, 20, 100, 50]]  # the first is exactly 32 x 32


class KnowsTheAnswers:
    """Finds every box of `BOXES_PX`, but calls what it finds in the last picture by the other class's name."""

    labels = LABELS

    def __init__(self):
        self.confidences = []

    def __call__(self, image_rgb, confidence=None, iou=None, max_detections=None):
        self.confidences.append(confidence)
        class_id = [1, 0] if image_rgb[0, 0, 0] == 2 else [0, 1]  # RGB: the first channel carries the number
        return Detections(np.array(BOXES_PX, float), np.array([0.9, 0.8]), np.array(class_id), LABELS)


def annotated(path, class_ids=(0, 1), size_hw=(80, 120), boxes_px=BOXES_PX):
    height, width = size_hw
    boxes = (np.array(boxes_px, float) / (width, height, width, height)).astype(np.float32)
    return AnnotatedPicture(
        path, size_hw, boxes, np.array(class_ids, np.int32), np.zeros(len(boxes), bool), f"{path}.xml"
    )


@pytest.fixture
def pictures(tmp_path):
    made = []
    for number in range(3):
        image = np.full((80, 120, 3), (0, 0, number), np.uint8)  # BGR on disk
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        made.append(annotated(path))
    return tuple(made)


@pytest.fixture
def model(pictures, monkeypatch, tmp_path):
    """A detector and a data set in place of those on disk; class numbers of data and model differ on purpose."""
    ModelCard("known", "detection", LABELS).write(tmp_path)
    detector = KnowsTheAnswers()
    turned = tuple(annotated(picture.path, (1, 0)) for picture in pictures)
    data = DetectionData(("dust", "cell"), {"test": turned, "val": ()}, ())
    monkeypatch.setattr(detection_evaluation, "load_detector", lambda folder, *, runtime: detector)
    monkeypatch.setattr(detection_evaluation, "read_detection_data", lambda path, format: data)
    return SimpleNamespace(detector=detector, data=data, monkeypatch=monkeypatch)


def test_two_right_pictures_and_one_with_swapped_classes(pictures):
    # Cell, by falling confidence: right, right, false over 3 truths: precision 1 up to recall 2/3, which are the 67
    # recall points 0.00 ... 0.66 of 101. Dust: false, right, right: precision 2/3 at the same points.
    result = detection_evaluation.evaluate_detector(KnowsTheAnswers(), pictures, LABELS)
    assert result["pictures"] == 3
    assert result["objects"] == 6
    assert result["per_class"]["cell"]["ap50"] == pytest.approx(67 / 101)
    assert result["per_class"]["dust"]["ap50"] == pytest.approx(67 / 101 * 2 / 3)
    assert result["ap50"] == pytest.approx(67 / 101 * 5 / 6)
    assert result["ap"] == pytest.approx(67 / 101 * 5 / 6)
    assert result["errors"] == {"missed": 0, "false": 0, "wrong_class": 2}
    assert result["confusion_matrix"]["rows_truth"] == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert 0 < result["latency_ms"]["median"] <= result["latency_ms"]["p90"]
    assert json.dumps(result, allow_nan=False)


def test_whole_pixel_areas_survive_the_unit_boxes(pictures):
    # A box of exactly 32 x 32 px is small and medium; one float32 step less and it would be small only.
    odd = [annotated(picture.path, (0,), boxes_px=[BOXES_PX[0]]) for picture in pictures]
    first_only = lambda image, confidence: KnowsTheAnswers()(image)[:1]  # noqa: E731
    result = detection_evaluation.evaluate_detector(first_only, odd[:2], LABELS)
    assert (result["ap_small"], result["ap_medium"]) == (1, 1)


def test_detector_is_asked_for_unsure_boxes_and_warmed_up_once(pictures):
    detector = KnowsTheAnswers()
    detection_evaluation.evaluate_detector(detector, pictures, LABELS)
    assert detector.confidences == [0.001] * 4


def test_report_folder_gets_metrics_and_plots(model, tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n0,2.0\n1,1.0\n")
    folder = tmp_path / "deep" / "report"
    result = evaluate_model(tmp_path, "data", report_folder=folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion_matrix.png",
        "metrics.json",
        "precision_recall.png",
        "training_curves.png",
        "worst_pictures.png",
    ]
    assert json.loads((folder / "metrics.json").read_text()) == result


def test_classes_are_matched_by_name(model, tmp_path):
    result = evaluate_model(tmp_path, "data", runtime="saved_model")
    assert result["ap50"] == pytest.approx(67 / 101 * 5 / 6)
    assert (result["split"], result["runtime"], result["task"]) == ("test", "saved_model", "detection")


def test_limit_takes_the_first_pictures(model, tmp_path):
    assert evaluate_model(tmp_path, "data", limit=2)["ap"] == 1


def test_limit_of_none_at_all_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="`limit` must be at least 1 picture. Received 0"):
        evaluate_model(tmp_path, "data", limit=0)


def test_class_that_the_model_does_not_know_is_refused(pictures):
    with pytest.raises(ValueError, match="unknown to the model: bubble. The model's labels are cell, dust. Rename"):
        detection_evaluation.in_model_classes(pictures, ("bubble", "cell"), LABELS)


def test_class_without_any_object_need_not_be_known(pictures):
    # Roboflow writes a parent of all classes first, which no object is of.
    (moved,) = detection_evaluation.in_model_classes(
        [annotated(pictures[0].path, (2, 1))], ("all", "dust", "cell"), LABELS
    )
    assert moved.class_ids.tolist() == [0, 1] and moved.class_ids.dtype == np.int32


def test_pictures_without_objects_ask_for_no_class(pictures):
    empty = annotated(pictures[0].path, (), boxes_px=np.zeros((0, 4)))
    (moved,) = detection_evaluation.in_model_classes([empty], ("bubble",), LABELS)
    assert moved.class_ids.shape == (0,)


def test_class_that_the_data_lacks_has_no_metric(pictures):
    only_cells = detection_evaluation.in_model_classes([annotated(pictures[0].path, (0, 0))], ("cell",), LABELS)
    result = detection_evaluation.evaluate_detector(KnowsTheAnswers(), only_cells, LABELS)
    assert result["per_class"]["dust"]["ap"] is None
    assert result["best_f1_per_class"]["dust"] is None


def test_unknown_split_lists_the_known_ones(model, tmp_path):
    with pytest.raises(ValueError, match="Unknown split 'holiday' .* Known splits: test, val"):
        evaluate_model(tmp_path, "data", split="holiday")


def test_empty_split_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="There are no pictures to evaluate on. Choose a split"):
        evaluate_model(tmp_path, "data", split="val")


def test_faulty_data_stops_the_evaluation(model, tmp_path):
    fault = Fault("a.xml", 3, "zero_area", "box has no area", "Remove it.")
    faulty = DetectionData(LABELS, model.data.splits, (fault,))
    model.monkeypatch.setattr(detection_evaluation, "read_detection_data", lambda path, format: faulty)
    with pytest.raises(DataFaultError, match="a.xml:3: box has no area"):
        evaluate_model(tmp_path, "data")


def test_picture_of_another_size_than_annotated_is_refused(pictures):
    with pytest.raises(ValueError, match="0.png is 120 x 80 pixels, but its annotation was read for 60 x 40"):
        wrong = annotated(pictures[0].path, size_hw=(40, 60))
        detection_evaluation.evaluate_detector(KnowsTheAnswers(), [wrong], LABELS)


def test_report_without_matplotlib_is_refused_before_the_work_starts(model, tmp_path):
    model.monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"cnn_suite\[plots\]"):
        evaluate_model(tmp_path, "data", report_folder=tmp_path / "report")
    assert model.detector.confidences == []


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "quiet", "seen"), [(_Terminal, False, True), (_Terminal, True, False), (io.StringIO, False, False)]
)
def test_progress_is_shown_only_on_a_terminal(pictures, monkeypatch, capsys, stream, quiet, seen):
    stderr = stream()
    monkeypatch.setattr(sys, "stderr", stderr)
    detection_evaluation.evaluate_detector(KnowsTheAnswers(), pictures, LABELS, quiet=quiet)
    assert ("Evaluating" in stderr.getvalue()) is seen
    assert capsys.readouterr().out == ""
