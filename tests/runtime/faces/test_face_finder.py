"""Our own finder of faces: a detector's boxes, points in them, and what is left out."""

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.faces.face_finder import FaceFinder

PICTURE = np.zeros((50, 60, 3), np.uint8)


def boxes(image, confidence=None):
    found = Detections([[0, 0, 9, 9], [10, 0, 30, 20], [40, 0, 50, 10]], [0.6, 0.9, 0.8], [0, 0, 0], ("face",))
    return found[found.confidence >= (confidence or 0)]


def points(image, boxes_px):
    """Five points in every box's corner; the third box is no face."""
    scores = np.where(boxes_px[:, 0] == 40, 0.1, 0.8).astype(np.float32)
    return np.repeat(boxes_px[:, None, :2], 5, axis=1), scores


def test_faces_come_surest_first_with_their_points_and_what_is_none_is_left_out():
    faces = FaceFinder(boxes, points)(PICTURE)
    assert faces.confidence.tolist() == np.float32([0.9, 0.6]).tolist()
    assert faces.xyxy_px[:, 0].tolist() == [10, 0]
    assert faces.points_px[:, 0, 0].tolist() == [10, 0]
    assert faces.largest() == 0


def test_thresholds_are_passed_on():
    assert len(FaceFinder(boxes, points, confidence=0.7)(PICTURE)) == 1
    assert len(FaceFinder(boxes, points, score=0.0)(PICTURE)) == 3


def test_no_boxes_are_no_faces():
    faces = FaceFinder(lambda image, confidence: Detections.empty(), points)(PICTURE)
    assert len(faces) == 0 and faces.points_px.shape == (0, 5, 2)
