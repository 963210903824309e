"""YOLO txt: one text file per picture, one line per object: `class cx cy w h`, fractions of the picture.

An empty or missing text file means a background picture. If no picture of a split has a text file, the labels
are assumed to be in the wrong place, which is a fault. Layouts: see yolo_layout.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData, Fault
from cnn_suite.data.boxes.box_checks import (
    RawBox,
    annotated_picture,
    picture_size_or_fault,
    repeated_picture_fault,
    unknown_class_fault,
)
from cnn_suite.data.boxes.leaks import take_out_leaks
from cnn_suite.data.boxes.yolo_layout import Layout, ListedPicture, find_layout, label_file
from cnn_suite.file_names import PICTURE_SUFFIXES

_LARGEST_FRACTION = 1.5  # beyond this a number is not an overhanging box but a pixel


def read_yolo_txt(path: Path | str, labels: Sequence[str] | None = None) -> DetectionData:
    """Read a YOLO data set in the Ultralytics or darknet layout.

    Args:
        path: Its folder, or its data.yaml or obj.data.
        labels: Class names in order; None takes those of data.yaml or obj.names, and without such a file numbers the
            classes ("class_0", …) and says so in `notes`.

    Returns:
        Data with one split for each of train, val and test that is given.

    Raises:
        ValueError: If `path` has none of the known layouts.
    """
    root, layout = find_layout(Path(path))
    read = {listed.path: _read_lines(label_file(listed.path)) for split in layout.splits.values() for listed in split}
    names = _class_names(layout, labels, read)
    labels = tuple(labels) if labels is not None else tuple(names.values())
    faults = list(layout.faults)
    pictures: dict[Path, AnnotatedPicture | None] = {}
    splits: dict[str, tuple[AnnotatedPicture, ...]] = {}
    places: dict[tuple[str, Path], tuple[str, int | None]] = {}
    for split, listed in layout.splits.items():
        kept = []
        for entry in listed:
            if (split, entry.path) in places:
                faults.append(repeated_picture_fault(str(entry.path), split, entry.file, entry.line))
                continue
            places[split, entry.path] = (entry.file, entry.line)
            if entry.path not in pictures:
                pictures[entry.path], found = _picture(entry, read[entry.path], names, labels)
                faults += found
            kept.append(pictures[entry.path])
        unlabelled = _no_labels_faults(split, listed)
        splits[split] = () if unlabelled else tuple(picture for picture in kept if picture is not None)
        faults += unlabelled
    splits, leaks = take_out_leaks(splits, places)
    faults += _labels_without_picture(layout) + leaks
    layout.notes += _background_notes(splits)
    return DetectionData(labels, splits, tuple(faults), "yolo_txt", root, tuple(layout.notes))


@dataclass(frozen=True)
class _Line:
    """One object line: class number, box centre and size as fractions, line number."""

    class_number: int
    cxcywh: tuple[float, float, float, float]
    line: int


_Read = tuple[list[_Line], list[Fault]]


def _read_lines(file: Path) -> _Read:
    lines: list[_Line] = []
    faults: list[Fault] = []
    if not file.is_file():
        return lines, faults
    for number, text in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if text.strip():
            parsed = _parsed(text, number)
            if isinstance(parsed, _Line):
                lines.append(parsed)
            else:
                fix = "Write `class cx cy w h` with a whole class number and fractions of the picture."
                faults.append(Fault(str(file), number, "malformed", parsed, fix))
    return lines, faults


def _parsed(text: str, number: int) -> _Line | str:
    """The object of a line, or what is wrong with it."""
    fields = text.split()
    if len(fields) != 5:
        polygon = " (more than six look like a polygon of a segmentation set)" if len(fields) > 6 else ""
        return f"expected 5 numbers, received {len(fields)} fields{polygon}"
    try:
        class_number, values = float(fields[0]), [float(field) for field in fields[1:]]
    except ValueError as error:
        return f"expected 5 numbers ({error})"
    if not class_number.is_integer():  # also no for nan and inf
        return f"the class number {fields[0]} is not a whole number"
    if any(math.isfinite(value) and value > _LARGEST_FRACTION for value in values):
        return f"expected fractions of the picture, {' '.join(fields[1:])} look like pixels"
    return _Line(int(class_number), (values[0], values[1], values[2], values[3]), number)


def _class_names(layout: Layout, labels: Sequence[str] | None, read: dict[Path, _Read]) -> dict[int, str]:
    """Class number to name: from the data's own file, else from `labels`, else numbered."""
    if layout.names is not None:
        return layout.names
    if labels is not None:
        return dict(enumerate(labels))
    highest = max((line.class_number for lines, _ in read.values() for line in lines), default=-1)
    names = {number: f"class_{number}" for number in range(highest + 1)}
    layout.notes.append(f"No file lists the class names: labels inferred as {', '.join(names.values()) or 'none'}.")
    return names


def _picture(
    entry: ListedPicture, read: _Read, names: dict[int, str], labels: Sequence[str]
) -> tuple[AnnotatedPicture | None, list[Fault]]:
    lines, faults = read
    file = str(label_file(entry.path))
    known, unknown = _with_class_ids(lines, names, labels, file)
    size_hw, missing = picture_size_or_fault(entry.path, entry.file, entry.line)
    if size_hw is None:
        return None, missing + faults + unknown
    boxes = [RawBox(class_id, _xyxy_px(line, size_hw), line.line) for class_id, line in known]
    return annotated_picture(entry.path, size_hw, boxes, labels, file, faults + unknown)


def _with_class_ids(
    lines: Iterable[_Line], names: dict[int, str], labels: Sequence[str], file: str
) -> tuple[list[tuple[int, _Line]], list[Fault]]:
    """The lines whose class is among `labels`, each with its class id; a fault for every other line."""
    known, faults = [], []
    for line in lines:
        name = names.get(line.class_number)
        if name is None:
            message = f"unknown class number {line.class_number}, expected {_numbers(names)}"
            fix = "Correct the number, or give that class a name."
            faults.append(Fault(file, line.line, "unknown_class", message, fix))
        elif name not in labels:
            faults.append(unknown_class_fault(name, labels, file, line.line))
        else:
            known.append((list(labels).index(name), line))
    return known, faults


def _numbers(names: dict[int, str]) -> str:
    """Class numbers in words; a mapping in data.yaml may leave some out."""
    if len(names) > 1 and list(names) == list(range(len(names))):
        return f"0 to {len(names) - 1}"
    return ("one of " if len(names) > 1 else "") + (", ".join(map(str, names)) or "none")


def _xyxy_px(line: _Line, size_hw: tuple[int, int]) -> tuple[float, float, float, float]:
    cx, cy, w, h = line.cxcywh
    height, width = size_hw
    return (cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height


def _no_labels_faults(split: str, listed: Sequence[ListedPicture]) -> list[Fault]:
    if not listed or any(label_file(entry.path).is_file() for entry in listed):
        return []
    message = (
        f"none of the {len(listed)} pictures of the split {split!r} has a text file; the first one is expected at "
        f"{label_file(listed[0].path)}"
    )
    fix = "Add the text files, or an empty one for at least one background picture."
    return [Fault(listed[0].file, listed[0].line, "missing_annotation", message, fix)]


def _labels_without_picture(layout: Layout) -> list[Fault]:
    """Text files in `labels` folders of the splits that no picture belongs to."""
    by_folder = [entry for split in layout.splits.values() for entry in split if entry.line is None]
    expected = {label_file(entry.path) for entry in by_folder}
    faults = []
    for folder in sorted({file.parent for file in expected if "labels" in file.parts}):
        for file in sorted(folder.glob("*.txt")):
            if file not in expected and file.name != "classes.txt":
                message = f"there is no picture {file.stem} with one of the suffixes {', '.join(PICTURE_SUFFIXES)}"
                fix = "Restore the picture or remove this file."
                faults.append(Fault(str(file), 1, "missing_picture", message, fix))
    return faults


def _background_notes(splits: dict[str, tuple[AnnotatedPicture, ...]]) -> list[str]:
    counts = {split: sum(not len(picture.class_ids) for picture in pictures) for split, pictures in splits.items()}
    return [f"{count} pictures of {split!r} are background." for split, count in counts.items() if count]
