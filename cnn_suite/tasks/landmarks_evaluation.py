"""Evaluation of landmark networks: the normalised mean error on faces with known points."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.config_landmarks import LandmarksConfig
from cnn_suite.data.boxes.landmarks_csv import FACE_MARGINS, box_of_points
from cnn_suite.data.faces.landmarked_faces import five_points, read_landmarked_faces
from cnn_suite.data.picture_files import read_rgb
from cnn_suite.metrics.landmarks import landmark_figures
from cnn_suite.progress import shown
from cnn_suite.runtime.faces.face_points import load_face_points
from cnn_suite.tasks.evaluation_request import Asked, Timed

PROTOCOL = "NME by the distance of the eyes' middles, boxes from the points"
RECORDED = ("faces", "nme", "failures", "per_point")
HEADLINE = ("nme", "failures")


def evaluate_folder(folder: str | Path, data_path: str | Path, asked: Asked) -> dict[str, Any]:
    """Evaluates a network's model folder; `Asked` describes the request.

    Returns:
        `faces`, `nme`, `failures` (fraction of faces with an error above 0.1), `per_point`, and the latency per face.

    Raises:
        FileNotFoundError: If there is no landmarks CSV.
        ValueError: If the split has no face.
    """
    return _figures(folder, data_path, (asked.split_or_test,), asked)


def _figures(folder: str | Path, data_path: str | Path, splits: Sequence[str], asked: Asked) -> dict[str, Any]:
    faces = [face for face in read_landmarked_faces(data_path) if face.split in splits][: asked.limit]
    if not faces:
        raise ValueError(f"There is no face of {' or '.join(splits)} in {data_path}. Choose train, val or test.")
    network = load_face_points(folder, runtime=asked.runtime)
    timed, found = Timed(network), []
    for face in shown(faces, "Evaluating", asked.quiet):
        picture = read_rgb(face.path)
        box = box_of_points(face.points_px, FACE_MARGINS, picture.shape[:2])
        found.append(timed(picture, np.array([box]))[0][0])
    figures = landmark_figures(np.stack(found), np.stack([five_points(face.points_px) for face in faces]))
    return {
        "faces": len(faces),
        "nme": figures.nme,
        "failures": figures.failures,
        "per_point": dict(zip(network.names, figures.per_point.tolist())),
        "latency_ms": timed.latency_ms(),
    }


def evaluate_validation(
    folder: Path, config: LandmarksConfig, *, runtime: str, report_folder: Path | None, history: Path, quiet: bool
) -> dict[str, Any]:
    """Measures a model folder on the validation faces of its configuration; an empty dictionary without any."""
    if not config.data.validation:
        return {}
    return _figures(folder, config.data.path, config.data.validation, Asked(runtime=runtime, quiet=quiet))
