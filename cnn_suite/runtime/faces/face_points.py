"""An exported face landmark network: from picture and boxes to points in the picture's pixels."""

from __future__ import annotations

import os

import numpy as np

from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_crop import crop, crop_matrix, moved_back
from cnn_suite.runtime.model_files.model_folder import Graph, check_picture, open_graph

ROUND_POINTS = 1.25  # half a side of the box round five points, in the larger of eye distance and eyes to mouth


class FacePoints:
    """Points of the faces in a detector's boxes.

    A detector's box is imprecise. The points found in it give a better box, in which the network is run a second time;
    the result is the mean of both.

    Args:
        model: The exported graph on some runtime.
        card: The card of its folder: the names of the points.
        looks: Number of passes: 1 for the detector's box only, 2 with the second pass.
    """

    def __init__(self, model: Graph, card: ModelCard, *, looks: int = 2) -> None:
        if looks not in (1, 2):
            raise ValueError(f"`looks` must be 1 or 2. Received {looks}.")
        self.card = card
        self.names = card.labels
        self._model = model
        self._size = int(card.input["network_size_hw"][0])
        self._looks = looks

    def __call__(self, image_rgb: np.ndarray, boxes_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points of every face.

        Args:
            image_rgb: `uint8 (height, width, 3)`, any size.
            boxes_px: Boxes of faces `(n, 4)` xyxy in its pixels.

        Returns:
            Points float32 `(n, k, 2)` in pixels of the picture, and for each face the probability that there is one,
            `(n,)`.

        Raises:
            ValueError: If the picture is not of its kind, or the boxes have another shape.
        """
        check_picture(image_rgb)
        boxes_px = np.asarray(boxes_px, np.float64)
        if boxes_px.ndim != 2 or boxes_px.shape[1] != 4:
            raise ValueError(f"`boxes_px` must have shape (n, 4), xyxy. Received shape {boxes_px.shape}.")
        points = np.zeros((len(boxes_px), len(self.names), 2), np.float32)
        scores = np.zeros(len(boxes_px), np.float32)
        for number, box in enumerate(boxes_px):
            points[number], scores[number] = self._look(image_rgb, box)
            if self._looks == 2:
                points[number] = (points[number] + self._look(image_rgb, box_round(points[number]))[0]) / 2
        return points, scores

    def _look(self, image_rgb: np.ndarray, box_px: np.ndarray) -> tuple[np.ndarray, float]:
        matrix = crop_matrix(box_px, self._size)
        found = self._model.run("serving_default", crop(image_rgb, matrix, self._size)[None])
        return moved_back(found["points"][0], matrix), float(found["score"][0])


def box_round(points: np.ndarray) -> np.ndarray:
    """The box `(4,)` that a detector would give around a face with these five points `(5, 2)`."""
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    half = ROUND_POINTS * max(np.linalg.norm(points[1] - points[0]), np.linalg.norm(mouth - eyes))
    middle = points.mean(axis=0)
    return np.concatenate([middle - half, middle + half])


def load_face_points(folder: str | os.PathLike[str], *, runtime: str = "litert", threads: int = 2) -> FacePoints:
    """The network in a model folder.

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If a file is damaged, the model is for another task, or the runtime is unknown.
    """
    return FacePoints(*open_graph(folder, "landmarks", runtime=runtime, threads=threads))
