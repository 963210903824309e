"""Errors of face landmarks: the normalised mean error and the failure rate.

NME of a face = mean over points of |p - g| / d, with d the distance between the eyes' middles ("inter-pupil"). With
the outer corners of the eyes ("inter-ocular") d is about 1.4 times as long and the error by as much smaller: figures of
both kinds must not be compared.
"""

from typing import NamedTuple

import numpy as np

FAILURE = 0.1  # a face whose error is above it counts as failed


class LandmarkFigures(NamedTuple):
    """Mean error of all faces, of each point `(k,)`, and the fraction of failed faces."""

    nme: float
    per_point: np.ndarray
    failures: float


def landmark_figures(found: np.ndarray, truth: np.ndarray, eyes: tuple[int, int] = (0, 1)) -> LandmarkFigures:
    """Errors of points.

    Args:
        found: `(faces, k, 2)`.
        truth: `(faces, k, 2)`, in the same pixels.
        eyes: Which of the points are the eyes' middles.

    Raises:
        ValueError: If the shapes differ or there is no face.
    """
    if found.shape != truth.shape or found.ndim != 3 or not len(found):
        raise ValueError(
            "`found` and `truth` must have the same shape (faces, points, 2), with at least one face. "
            f"Received {found.shape} and {truth.shape}."
        )
    between = np.linalg.norm(truth[:, eyes[0]] - truth[:, eyes[1]], axis=-1)
    errors = np.linalg.norm(found - truth, axis=-1) / between[:, None]
    of_faces = errors.mean(axis=1)
    return LandmarkFigures(float(of_faces.mean()), errors.mean(axis=0), float((of_faces > FAILURE).mean()))
