"""Faces from landmark points: a CSV with the columns image, person, x0, y0, x1, y1, … beside a folder images/.

The box of a face is the bounding box of all its points, widened by margins, because points stop at the eyebrows and a
detector's box does not. Several rows of one picture and person annotate the same face again: where their boxes agree
the mean of the points is taken, where they do not nobody knows which is right and the picture is a fault. Splits are
made by person, from a hash of the name, so that nobody stands in two of them.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData, Fault
from cnn_suite.data.boxes.box_checks import RawBox, annotated_picture, picture_size_or_fault
from cnn_suite.data.boxes.leaks import take_out_leaks
from cnn_suite.ops.numpy_boxes import iou

# Left, top, right, bottom, as fractions of the points' width and height: the medians by which the boxes of OpenCV's
# FaceDetectorYN exceed the 68 points of 557 training pictures.
FACE_MARGINS = (-0.02, 0.33, -0.03, -0.03)
AGREEMENT_IOU = 0.6  # the least overlap of two annotations of one face that are taken together

_SPLIT_ENDS = (("train", 80), ("val", 90), ("test", 100))


def is_landmarks_csv(path: Path) -> bool:
    """Whether a CSV file, or the only CSV file of a folder, has the columns image, person, x0, y0."""
    file = csv_file(path)
    if file is None or not file.is_file():
        return False
    with open(file, encoding="utf-8-sig", errors="replace") as lines:
        return lines.readline().strip().split(",")[:4] == ["image", "person", "x0", "y0"]


def read_landmarks_csv(
    path: Path | str,
    labels: Sequence[str] | None = None,
    *,
    margins: tuple[float, float, float, float] = FACE_MARGINS,
) -> DetectionData:
    """Read a landmarks CSV as detection data with one class.

    Args:
        path: The CSV file, or the folder that holds it (and images/).
        labels: The one class name; None means ("face",).
        margins: How far the box reaches beyond the points on the left, top, right and bottom, as fractions of the
            points' own width (left, right) and height (top, bottom).

    Returns:
        Data with the splits train, val and test (80, 10 and 10 in 100 of the people).

    Raises:
        ValueError: If `labels` names more than one class, or there is no such CSV.
    """
    labels = tuple(labels or ("face",))
    if len(labels) != 1:
        raise ValueError(f"Landmarks describe one class. Received {len(labels)} labels: {', '.join(labels)}.")
    file = csv_file(Path(path))
    if file is None or not is_landmarks_csv(file):
        raise ValueError(f"{path} contains no CSV whose columns start with image, person, x0, y0. Check the path.")
    rows, faults = face_rows(file)
    splits: dict[str, list[AnnotatedPicture]] = {name: [] for name, _ in _SPLIT_ENDS}
    places: dict[tuple[str, Path], tuple[str, int | None]] = {}
    for name, faces in rows.items():
        picture, found = _picture(file, name, faces, labels, margins)
        faults += found
        if picture is not None:
            split = split_of_person(faces[0].person)
            splits[split].append(picture)
            places[split, picture.path] = (str(file), faces[0].line)
    done, leaks = take_out_leaks(splits, places)
    faults += leaks
    notes = ["Splits are made by person, from a hash of the name: 80 % train, 10 % val, 10 % test."]
    again = sum(len(faces) > len({row.person for row in faces}) for faces in rows.values())
    if again:
        notes.append(f"{again} pictures annotate the same face more than once: points that agree are averaged.")
    return DetectionData(labels, done, tuple(faults), "landmarks_csv", file.parent, tuple(notes))


def split_of_person(person: str) -> str:
    """Split of a person, the same on every machine: SHA-256 of the name modulo 100."""
    share = int.from_bytes(hashlib.sha256(person.encode("utf-8")).digest()[:8], "big") % 100
    return next(name for name, end in _SPLIT_ENDS if share < end)


def box_of_points(
    points_px: np.ndarray, margins: tuple[float, float, float, float], size_hw: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Bounding box of points `(k, 2)`, widened by margins and clipped to the picture, xyxy in pixels."""
    x0, y0, x1, y1 = _bounds(points_px)
    left, top, right, bottom = margins
    height, width = size_hw
    return (
        float(max(x0 - left * (x1 - x0), 0.0)),
        float(max(y0 - top * (y1 - y0), 0.0)),
        float(min(x1 + right * (x1 - x0), width)),
        float(min(y1 + bottom * (y1 - y0), height)),
    )


@dataclass(frozen=True)
class FaceRow:
    """One row of the CSV; `points` is None if they cannot be read."""

    person: str
    line: int
    points: np.ndarray | None


def csv_file(path: Path) -> Path | None:
    """The CSV that a path names: itself, landmarks.csv in it, or the only one in it."""
    if path.is_file():
        return path if path.suffix.lower() == ".csv" else None
    if (path / "landmarks.csv").is_file():
        return path / "landmarks.csv"
    found = sorted(path.glob("*.csv")) if path.is_dir() else []
    return found[0] if len(found) == 1 else None


def face_rows(file: Path) -> tuple[dict[str, list[FaceRow]], list[Fault]]:
    """Rows by picture, in file order."""
    rows: dict[str, list[FaceRow]] = {}
    faults: list[Fault] = []
    with open(file, encoding="utf-8-sig", errors="replace", newline="") as text:
        lines = csv.reader(text)
        columns = len(next(lines))
        for cells in filter(None, lines):  # an empty line is not a row
            points, found = _points(cells, columns, str(file), lines.line_num)
            faults += found
            if len(cells) > 1:
                rows.setdefault(cells[0], []).append(FaceRow(cells[1], lines.line_num, points))
    return rows, faults


def _points(cells: list[str], columns: int, file: str, line: int) -> tuple[np.ndarray | None, list[Fault]]:
    fix = "Correct the row or remove it."
    if len(cells) != columns or columns % 2:
        message = f"the row has {len(cells)} columns, the header {columns}; expected image, person and pairs x, y"
        return None, [Fault(file, line, "malformed", message, fix)]
    try:
        points = np.array([float(value) for value in cells[2:]]).reshape(-1, 2)
    except ValueError as error:
        return None, [Fault(file, line, "malformed", f"a coordinate is not a number ({error})", fix)]
    if not np.isfinite(points).all():
        return None, [Fault(file, line, "not_finite", "a coordinate is not finite", fix)]
    return points, []


def _picture(
    file: Path, name: str, rows: Sequence[FaceRow], labels: tuple[str, ...], margins: tuple[float, float, float, float]
) -> tuple[AnnotatedPicture | None, list[Fault]]:
    """All rows of one picture as a picture, or None, with its faults."""
    path = file.parent / "images" / name
    size_hw, faults = picture_size_or_fault(path, str(file), rows[0].line)
    faults += _two_splits(name, rows, str(file))
    boxes = []
    for person in dict.fromkeys(row.person for row in rows):
        same_face = [row for row in rows if row.person == person]
        points, found = agreed_points(name, same_face, str(file))
        faults += found
        if size_hw is not None and points is not None:
            boxes.append(RawBox(0, box_of_points(points, margins, size_hw), same_face[0].line))
    if size_hw is None:
        return None, faults
    picture, faults = annotated_picture(path, size_hw, boxes, labels, str(file), faults)
    return (None if any(row.points is None for row in rows) else picture), faults


def _two_splits(name: str, rows: Sequence[FaceRow], file: str) -> list[Fault]:
    first = rows[0]
    for row in rows[1:]:
        if split_of_person(row.person) != split_of_person(first.person):
            message = (
                f"the picture {name} shows {first.person} of the split {split_of_person(first.person)!r} and "
                f"{row.person} of the split {split_of_person(row.person)!r}"
            )
            return [Fault(file, row.line, "people_of_two_splits", message, "Remove the picture.")]
    return []


def agreed_points(name: str, rows: Sequence[FaceRow], file: str) -> tuple[np.ndarray | None, list[Fault]]:
    """Mean of the annotations of one face, or the fault that they disagree."""
    points = [row.points for row in rows if row.points is not None]
    if len(points) < len(rows):
        return None, []
    first = rows[0]
    for row, again in zip(rows[1:], points[1:]):
        overlap = float(iou([_bounds(points[0])], [_bounds(again)])[0, 0])
        if overlap < AGREEMENT_IOU:
            message = (
                f"the face of {row.person} in {name} is already annotated on line {first.line} and the two boxes "
                f"overlap by only {overlap:.2f} (IoU; expected at least {AGREEMENT_IOU:g})"
            )
            return None, [Fault(file, row.line, "disputed", message, "Keep only the correct row.")]
    return np.mean(points, axis=0), []


def _bounds(points: np.ndarray) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
