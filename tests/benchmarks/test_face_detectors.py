"""Tests of benchmarks/face_detectors.py: matching, the square both detectors see, and the box format."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from face_detectors import agreement, matches, picture_files, square, yunet_boxes

from cnn_suite.results import Detections

FACE = [10.0, 10.0, 30.0, 30.0]


def test_two_boxes_on_one_reference_are_one_match() -> None:
    assert matches(np.array([FACE, FACE]), np.array([FACE])) == 1


def test_a_box_takes_its_best_free_reference() -> None:
    shifted = [12.0, 10.0, 32.0, 30.0]  # IoU with FACE 18 * 20 / (800 - 360) = 0.82
    assert matches(np.array([FACE, shifted]), np.array([shifted, FACE])) == 2


def test_less_than_half_in_common_is_no_match() -> None:
    assert matches(np.array([[20.0, 10.0, 40.0, 30.0]]), np.array([FACE])) == 0  # IoU 200 / 600
    assert matches(np.zeros((0, 4)), np.array([FACE])) == matches(np.array([FACE]), np.zeros((0, 4))) == 0


def test_a_picture_lies_in_the_middle_of_a_grey_square() -> None:
    fitted = square(np.zeros((100, 200, 3), np.uint8), 64)
    assert fitted.shape == (64, 64, 3)
    assert (fitted[:16] == 114).all() and (fitted[48:] == 114).all() and (fitted[16:48] == 0).all()


def test_width_and_height_become_corners_and_no_face_is_no_box() -> None:
    found = np.array([[10, 20, 30, 40, *range(11)]], np.float32)
    assert yunet_boxes(SimpleNamespace(detect=lambda image: (1, found)), np.zeros((8, 8, 3))).tolist() == [
        [10, 20, 40, 60]
    ]
    assert yunet_boxes(SimpleNamespace(detect=lambda image: (1, None)), np.zeros((8, 8, 3))).shape == (0, 4)


def test_recall_and_false_boxes_are_counted_over_all_pictures() -> None:
    reference = SimpleNamespace(detect=lambda image: (1, np.array([[10, 10, 20, 20]], np.float32)))
    answers = iter([[FACE], [FACE, [40.0, 40.0, 60.0, 60.0]], []])

    def ours(image: np.ndarray, confidence: float | None) -> Detections:
        boxes = np.array(next(answers)).reshape(-1, 4)
        return Detections(boxes, np.ones(len(boxes)), np.zeros(len(boxes), int))

    result = agreement(ours, reference, dict.fromkeys("abc", np.zeros((64, 64, 3), np.uint8)), None)
    assert result["reference_boxes"] == 3
    assert result["recall"] == pytest.approx(2 / 3)
    assert result["false_boxes_a_picture"] == pytest.approx(1 / 3)
    assert (result["pictures_with_a_miss"], result["pictures_with_a_false_box"]) == (["c"], ["b"])


def test_a_folder_without_pictures_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No pictures"):
        picture_files(tmp_path)
