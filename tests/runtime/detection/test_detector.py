from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import Candidates, Detector, load_detector, suppressed

CARD = ModelCard("m", "detection", ("a", "b"), thresholds={"confidence": 0.3, "iou": 0.5, "max_detections": 3})


@pytest.fixture(scope="module")
def detector(colour_model):
    return load_detector(colour_model)


def test_boxes_come_in_pixels_of_the_picture_with_labels(detector, picture_of):
    found = detector(picture_of((0, 10, 20, 50, 60), (2, 90, 30, 130, 80)))
    assert found.names == ["red", "blue"] and found.labels == detector.labels == ("red", "green", "blue")
    assert found.xyxy_px.tolist() == [[10, 20, 50, 60], [90, 30, 130, 80]]
    np.testing.assert_allclose(found.confidence, [0.9, 0.7], atol=1e-6)


@pytest.mark.parametrize("size_hw", [(120, 160), (77, 201), (64, 64), (120, 160)])
def test_pictures_of_any_size_follow_each_other(detector, picture_of, size_hw):
    assert detector(picture_of((1, 3, 4, 50, 60), size_hw=size_hw)).xyxy_px.tolist() == [[3, 4, 50, 60]]


def test_an_empty_picture_gives_empty_detections(detector, picture_of):
    assert len(detector(picture_of())) == 0


def test_a_view_that_is_not_contiguous_is_read_rightly(detector, picture_of):
    mirrored = picture_of((0, 10, 20, 50, 60))[:, ::-1]
    assert detector(mirrored).xyxy_px.tolist() == [[110, 20, 150, 60]]


def test_confidence_and_number_are_filtered_afterwards(detector, picture_of):
    image = picture_of((0, 10, 20, 50, 60), (1, 60, 10, 80, 20), (2, 90, 30, 130, 80))
    assert detector(image, confidence=0.75).names == ["red", "green"]
    assert detector(image, max_detections=1).names == ["red"]
    assert len(detector(image, confidence=1)) == 0


def test_another_iou_starts_from_the_candidates(detector, picture_of):
    image = picture_of((0, 10, 20, 50, 60))
    # the double is shifted by 1 of 40 columns: IoU 39 / 41 = 0.951
    assert len(detector(image, iou=0.95)) == 1
    assert len(detector(image, iou=0.96)) == 2


def test_more_detections_than_the_graph_returns_start_from_the_candidates(detector, picture_of):
    image = picture_of((0, 10, 20, 50, 60), (1, 60, 10, 80, 20), (2, 90, 30, 130, 80))
    assert len(detector(image, confidence=0.05)) == 3
    assert len(detector(image, confidence=0.05, max_detections=10)) == 4


def test_both_ways_agree(detector, picture_of):
    image = picture_of((0, 10, 20, 50, 60), (2, 90, 30, 130, 80))
    fast, slow = detector(image), detector(image, max_detections=99)
    np.testing.assert_array_equal(fast.xyxy_px, slow.xyxy_px)
    np.testing.assert_allclose(fast.confidence, slow.confidence, atol=1e-6)
    assert fast.names == slow.names


def test_candidates_are_everything_before_any_filter(detector, picture_of):
    candidates = detector.candidates(picture_of((0, 10, 20, 50, 60)))
    assert [part.shape for part in candidates] == [(5, 4), (5,), (5, 3)]
    np.testing.assert_allclose(candidates.scores, [0.9, 0, 0, 0.6, 0.1], atol=1e-6)
    assert candidates.class_id.tolist() == [0, 1, 2, 0, 0]


def test_candidates_without_area_are_no_detections():
    boxes = np.array([[0, 9, 9, 9], [3, 3, 3, 8], [1, 1, 9, 9]], np.float32)
    found = suppressed(Candidates(boxes, np.ones(3), np.ones((3, 1))), ("a",), 0.1, 0.5, 9)
    assert found.xyxy_px.tolist() == [[1, 1, 9, 9]]


def test_no_candidates_leave_no_detections():
    assert len(suppressed(Candidates(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 2))), ("a", "b"), 0.1, 0.5, 9)) == 0


@pytest.mark.slow
def test_the_saved_model_says_the_same(colour_model, detector, picture_of):
    image = picture_of((0, 10, 20, 50, 60), (2, 90, 30, 130, 80))
    other = load_detector(colour_model, runtime="saved_model")
    np.testing.assert_array_equal(other(image).xyxy_px, detector(image).xyxy_px)
    np.testing.assert_allclose(other.candidates(image).objectness, detector.candidates(image).objectness, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "must be uint8.*Received float32"),
        (np.zeros((4, 4), np.uint8), r"of shape \(height, width, 3\).*\(4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), r"Received uint8 of shape \(0, 4, 3\)"),
        ("street.jpg", "Received an object of type str. Read a file with .*read_picture"),
        ([np.zeros((4, 4, 3), np.uint8)], "must be one array, .* Received an object of type list"),
    ],
)
def test_what_is_no_rgb_picture_is_refused(detector, image, message):
    with pytest.raises(ValueError, match=message):
        detector(image)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"confidence": 1.5}, r"`confidence` must be in \[0, 1\]. Received 1.5"),
        ({"iou": -0.1}, r"`iou` must be in \[0, 1\]"),
        ({"max_detections": 0}, "`max_detections` must be at least 1"),
    ],
)
def test_impossible_thresholds_are_refused(detector, picture_of, thresholds, message):
    with pytest.raises(ValueError, match=message):
        detector(picture_of(), **thresholds)


class Model:
    """A graph that answers with what it was given."""

    def __init__(self, **outputs):
        self.outputs = outputs

    def run(self, signature, images):
        return self.outputs


def test_a_graph_without_the_outputs_of_a_detector_is_named():
    with pytest.raises(ValueError, match="Model 'm' is not a detector: its signature 'serving_default' lacks scores"):
        Detector(Model(boxes=0, classes=0, count=0), CARD)(np.zeros((4, 4, 3), np.uint8))


def test_a_card_without_thresholds_is_refused():
    with pytest.raises(ValueError, match="The card of 'm' lacks the thresholds iou, max_detections"):
        Detector(Model(), dataclasses.replace(CARD, thresholds={"confidence": 0.1}))


def test_an_unknown_runtime_and_a_model_of_another_task_are_refused(tmp_path):
    with pytest.raises(ValueError, match="`runtime` must be 'litert' or 'saved_model'. Received 'onnx'"):
        load_detector(tmp_path, runtime="onnx")
    dataclasses.replace(CARD, task="style").write(tmp_path)
    with pytest.raises(ValueError, match="is for style, not for detection"):
        load_detector(tmp_path)


def test_a_folder_without_or_with_damaged_model_files_is_refused(tmp_path):
    CARD.write(tmp_path)
    with pytest.raises(
        FileNotFoundError, match="model.tflite does not exist. Export the model with `cnn-suite export`"
    ):
        load_detector(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no saved_model.pb in"):
        load_detector(tmp_path, runtime="saved_model")
    (tmp_path / "model.tflite").write_bytes(b"junk")
    with pytest.raises(ValueError, match="model.tflite is damaged or not a LiteRT model"):
        load_detector(tmp_path)


def test_a_graph_without_the_candidates_signature_says_which_it_has(colour_model, picture_of):
    detector = load_detector(colour_model)
    with pytest.raises(ValueError, match="has no signature 'nothing', only candidates, serving_default"):
        detector._model.run("nothing", picture_of()[None])


def test_loading_says_nothing_on_stderr(colour_model, picture_of, capfd):
    load_detector(colour_model)(picture_of())
    assert capfd.readouterr().err == ""


def test_the_card_on_disk_names_the_labels(colour_model, tmp_path):
    folder = shutil.copytree(colour_model, tmp_path / "m")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"labels": ["r", "g", "b"]}))
    assert load_detector(folder).labels == ("r", "g", "b")
