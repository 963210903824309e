"""Faces with five points from the included models: a detector's boxes, then a landmark network in each."""

from __future__ import annotations

import numpy as np

from cnn_suite.runtime.detection.detector import Detector
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_points import FacePoints


class FaceFinder:
    """Finds faces and their points, like YuNet, but without a download.

    Args:
        detector: A detector of faces, such as saved_models/face_yolo.
        points: A network for five points, such as saved_models/face_points.
        confidence: Minimum confidence of a box; defaults to the detector's.
        score: Minimum probability, by the landmark network, that the crop shows a face.
    """

    def __init__(
        self, detector: Detector, points: FacePoints, *, confidence: float | None = None, score: float = 0.2
    ) -> None:
        self._detector = detector
        self._points = points
        self._confidence = confidence
        self._score = score

    def __call__(self, image_rgb: np.ndarray) -> Faces:
        """The faces of a picture, uint8 `(height, width, 3)`, the most confident first.

        Raises:
            ValueError: If the picture is not of its kind.
        """
        boxes = self._detector(image_rgb, confidence=self._confidence)
        points, scores = self._points(image_rgb, boxes.xyxy_px)
        kept = np.flatnonzero(scores >= self._score)
        kept = kept[np.argsort(-boxes.confidence[kept], kind="stable")]
        return Faces(boxes.xyxy_px[kept], boxes.confidence[kept], points[kept])
