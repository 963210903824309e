"""Checks shared by all formats: boxes inside their picture, valid pictures, known classes, no leak between splits.

Readers turn each object into a `RawBox` in pixels with the line it stands on, and `annotated_picture` does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_suite.data.boxes.annotations import DECIMALS_PX, PICTURE_LEFT_OUT, REPAIRS, AnnotatedPicture, Fault
from cnn_suite.data.picture_files import picture_size_hw
from cnn_suite.nearest_names import did_you_mean
from cnn_suite.ops.numpy_boxes import areas

EDGE_TOLERANCE_PX = 1.0  # rounding of annotation tools; up to here a box is clipped without a word


@dataclass(frozen=True)
class RawBox:
    """One object as its file gives it: class id, edges x0, y0, x1, y1 in pixels, and where it stands.

    `area_px` is the area that the file gives; None for that of the box.
    """

    class_id: int
    xyxy_px: tuple[float, float, float, float]
    line: int | None = None
    crowd: bool = False
    difficult: bool = False
    area_px: float | None = None
    where: str = ""  # what to call it in a format without lines, such as "annotation 17: "


def picture_size_or_fault(path: Path, file: str, line: int | None) -> tuple[tuple[int, int] | None, list[Fault]]:
    """Size of the decoded picture, or None with the fault that says why there is none."""
    if not path.is_file():
        fix = "Restore the picture or remove its annotation."
        return None, [Fault(file, line, "missing_picture", f"the picture {path} does not exist", fix)]
    try:
        return picture_size_hw(path), []
    except (OSError, ValueError) as error:
        fix = "Replace the picture or remove it from the data."
        return None, [Fault(file, line, "unreadable_picture", str(error), fix)]


def annotated_picture(
    path: Path,
    size_hw: tuple[int, int],
    raw_boxes: Sequence[RawBox],
    labels: Sequence[str],
    file: str,
    found: Sequence[Fault] = (),
) -> tuple[AnnotatedPicture | None, list[Fault]]:
    """Check the objects of one picture and convert them to unit coordinates.

    Args:
        path: The picture file.
        size_hw: Size of the decoded picture; see `drawn_on_hw` for one that is left out anyway.
        raw_boxes: Its objects, as far as they could be read.
        labels: Class names; the index is the class id.
        file: The annotation file, for messages.
        found: What was already wrong when they were read.

    Returns:
        The picture with its sound boxes, or None where `REPAIRS` says that it is left out because its truth is not
        wholly known, and all faults in order of their lines.
    """
    faults = list(found)
    kept: list[tuple[RawBox, tuple[float, float, float, float]]] = []
    first_lines: dict[tuple, int | None] = {}
    for raw in raw_boxes:
        wrong, box_px = _checked_box(raw, size_hw, labels, file)
        if box_px is not None:
            key = (raw.class_id, *(round(edge, 2) for edge in box_px))
            if key in first_lines:
                wrong.append(_duplicate(raw, first_lines[key], labels, file))
            else:
                first_lines[key] = raw.line
                kept.append((raw, box_px))
        faults += wrong
    faults.sort(key=lambda fault: fault.line or 0)
    if any(REPAIRS[fault.kind] == PICTURE_LEFT_OUT for fault in faults):
        return None, faults
    height, width = size_hw
    boxes = np.array([box_px for _, box_px in kept], np.float64).reshape(-1, 4) / (width, height, width, height)
    picture = AnnotatedPicture(
        path,
        size_hw,
        boxes.astype(np.float32),
        class_ids=np.array([raw.class_id for raw, _ in kept], np.int32),
        crowd=np.array([raw.crowd for raw, _ in kept], bool),
        difficult=np.array([raw.difficult for raw, _ in kept], bool),
        source=Path(file).name,
        area_px=np.array([_area_px(raw, box_px) for raw, box_px in kept], np.float64),
    )
    return picture, faults


def unknown_class_fault(label: str, labels: Sequence[str], file: str, line: int | None, where: str = "") -> Fault:
    """Fault for a class that is not among `labels`, naming the nearest one."""
    hint = did_you_mean(label, labels, cutoff=0.5)
    message = f"{where}unknown class {label!r}, expected one of {', '.join(labels)}"
    return Fault(file, line, "unknown_class", message, f"Correct the name or add it to the labels.{hint}")


def size_faults(
    claimed_hw: tuple[int, int], size_hw: tuple[int, int] | None, file: str, line: int | None, where: str = ""
) -> list[Fault]:
    """Compare the size an annotation claims with the decoded picture's; without a picture there is nothing to say."""
    if size_hw is None or claimed_hw == size_hw:
        return []
    (claimed_height, claimed_width), (height, width) = claimed_hw, size_hw
    if claimed_hw == (0, 0):
        message = f"{where}the annotation gives the size 0x0 while the picture is {width}x{height}"
        return [Fault(file, line, "size_not_filled_in", message, "Correct the size.")]
    message = (
        f"{where}the annotation gives the size {claimed_width}x{claimed_height} (width x height) while the decoded "
        f"picture is {width}x{height}"
    )
    fix = "Annotate the current picture, or restore the annotated one."
    if claimed_hw == (width, height):
        fix = (
            "The picture is rotated by its EXIF orientation: save it upright without the orientation tag, or "
            "annotate it as it is shown."
        )
    return [Fault(file, line, "size_mismatch", message, fix)]


def drawn_on_hw(claimed_hw: tuple[int, int], size_hw: tuple[int, int] | None) -> tuple[int, int] | None:
    """Size of the picture that boxes were drawn on: what the annotation claims, or else the decoded picture's.

    Where the two differ, or there is no picture, this is what the boxes can still be checked against.
    """
    return claimed_hw if min(claimed_hw) > 0 else size_hw


def repeated_picture_fault(picture: str, split: str, file: str, line: int | None) -> Fault:
    """Fault for a picture that one split lists twice."""
    message = f"the picture {picture} is listed in the split {split!r} more than once"
    return Fault(file, line, "repeated_picture", message, "Keep one of the entries.")


def _area_px(raw: RawBox, box_px: tuple[float, float, float, float]) -> float:
    return float(areas(np.round([box_px], DECIMALS_PX))[0]) if raw.area_px is None else raw.area_px


def _checked_box(
    raw: RawBox, size_hw: tuple[int, int], labels: Sequence[str], file: str
) -> tuple[list[Fault], tuple[float, float, float, float] | None]:
    """Faults of one box and its edges clipped to the picture, None where nothing sound remains."""
    shown = f"{raw.where}box of {labels[raw.class_id]!r} ({', '.join(f'{edge:g}' for edge in raw.xyxy_px)})"
    if not all(math.isfinite(edge) for edge in raw.xyxy_px):
        message = f"{shown} contains a value that is not finite"
        return [Fault(file, raw.line, "not_finite", message, "Correct the numbers.")], None
    x0, y0, x1, y1 = raw.xyxy_px
    if x1 <= x0 or y1 <= y0:
        message = f"{shown} has no area: it is {x1 - x0:g} px wide and {y1 - y0:g} px high"
        return [Fault(file, raw.line, "zero_area", message, "Remove it or draw it again.")], None
    height, width = size_hw
    beyond = max(-x0, -y0, x1 - width, y1 - height)
    clipped = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    empty = clipped[2] <= clipped[0] or clipped[3] <= clipped[1]
    if empty:
        message = f"{shown} is completely outside its picture of {width}x{height}"
        return [Fault(file, raw.line, "outside", message, "Remove it or draw it again.")], None
    if beyond > EDGE_TOLERANCE_PX:
        message = f"{shown} extends {beyond:g} px beyond its picture of {width}x{height}"
        return [Fault(file, raw.line, "out_of_picture", message, "Clip it to the picture.")], clipped
    return [], clipped


def _duplicate(raw: RawBox, first_line: int | None, labels: Sequence[str], file: str) -> Fault:
    seen = "" if first_line is None else f", first on line {first_line}"
    edges = ", ".join(f"{edge:g}" for edge in raw.xyxy_px)
    message = f"{raw.where}duplicate box of {labels[raw.class_id]!r} ({edges}) in this picture{seen}"
    return Fault(file, raw.line, "duplicate_box", message, "Remove one of them.")
