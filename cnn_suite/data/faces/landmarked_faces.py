"""Faces with their points and people, from the landmarks CSV of `landmarks_csv.py`.

The 68 points are numbered as in Multi-PIE: 36..41 the left eye in the picture (the person's right eye), 42..47
the other one, 30 the tip of the nose, 48 and 54 the corners of the mouth.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_suite.data.boxes.landmarks_csv import agreed_points, csv_file, face_rows, split_of_person

FIVE_MIRRORED = (1, 0, 2, 4, 3)  # which of `face_alignment.FIVE` each becomes in the mirror


@dataclass(frozen=True)
class LandmarkedFace:
    """One face: its picture, its person, and its points `(k, 2)` in pixels of the picture."""

    path: Path
    person: str
    points_px: np.ndarray

    @property
    def split(self) -> str:
        """The split of its person: train, val or test."""
        return split_of_person(self.person)


def read_landmarked_faces(path: Path | str) -> tuple[LandmarkedFace, ...]:
    """Every face of a landmarks CSV whose annotations agree, in file order.

    Args:
        path: The CSV file, or the folder that holds it and images/.

    Raises:
        FileNotFoundError: If the CSV does not exist.
    """
    file = csv_file(Path(path))
    if file is None or not file.is_file():
        raise FileNotFoundError(f"{path} contains no landmarks CSV (image, person, x0, y0, ...). Check the path.")
    faces = []
    rows, _ = face_rows(file)
    for name, of_picture in rows.items():
        for person in dict.fromkeys(row.person for row in of_picture):
            points, _ = agreed_points(name, [row for row in of_picture if row.person == person], str(file))
            picture = file.parent / "images" / name
            if points is not None and picture.is_file():
                faces.append(LandmarkedFace(picture, person, points))
    return tuple(faces)


def five_points(points_px: np.ndarray) -> np.ndarray:
    """The eyes' middles, the nose and the mouth's corners `(5, 2)` of 68 points, in `face_alignment.FIVE`'s order.

    Raises:
        ValueError: If they are not 68.
    """
    if points_px.shape != (68, 2):
        raise ValueError(f"`points_px` must be the 68 points of a face, (68, 2). Received shape {points_px.shape}.")
    eyes = points_px[36:42].mean(axis=0), points_px[42:48].mean(axis=0)
    return np.stack([*eyes, points_px[30], points_px[48], points_px[54]])
