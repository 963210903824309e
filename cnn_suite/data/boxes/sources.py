"""Entry point for detection data of any format: `read_detection_data`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn_suite.data.boxes.annotations import DetectionData
from cnn_suite.data.boxes.coco import is_coco, read_coco
from cnn_suite.data.boxes.landmarks_csv import is_landmarks_csv, read_landmarks_csv
from cnn_suite.data.boxes.voc import is_voc, read_voc
from cnn_suite.data.boxes.yolo_layout import is_yolo_txt
from cnn_suite.data.boxes.yolo_txt import read_yolo_txt


@dataclass(frozen=True)
class Format:
    """How a format is recognised and read, and a description of its folder."""

    looks_like: Callable[[Path], bool]
    read: Callable[..., DetectionData]
    holds: str


FORMATS = {
    "voc": Format(is_voc, read_voc, "Annotations/ and JPEGImages/"),
    "coco": Format(is_coco, read_coco, "instances_*.json, in annotations/ or next to the pictures"),
    "yolo_txt": Format(is_yolo_txt, read_yolo_txt, "data.yaml, or images/ and labels/, or train.txt and obj.names"),
    "landmarks_csv": Format(
        is_landmarks_csv, read_landmarks_csv, "a CSV with the columns image, person, x0, y0, … next to images/"
    ),
}

_log = logging.getLogger(__name__)


def read_detection_data(
    path: Path | str, format: str = "auto", labels: Sequence[str] | None = None, **options: Any
) -> DetectionData:
    """Read pictures and boxes in any known format.

    Args:
        path: Folder (or the data.yaml, JSON or CSV file) of the data set.
        format: One of `FORMATS`, or "auto" to detect it from the folder's contents.
        labels: Class names in order; None infers them from the data and adds a note to `notes`.
        **options: Passed to the format's own reader, such as `margins` for landmarks_csv.

    Returns:
        The data with every fault collected; call `.checked()` to stop at faults.

    Raises:
        FileNotFoundError: If `path` does not exist.
        ValueError: If `format` is unknown, or "auto" cannot tell it, or two of `labels` are the same.
    """
    doubled = [label for label in labels or () if list(labels or ()).count(label) > 1]
    if doubled:
        raise ValueError(f"`labels` must name every class once. Received {doubled[0]!r} more than once.")
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"The data set {root} does not exist. Check the path.")
    name = detect_format(root) if format == "auto" else format
    if name not in FORMATS:
        raise ValueError(f"Unknown data format {name!r}. Expected 'auto' or one of: {', '.join(FORMATS)}.")
    data = FORMATS[name].read(root, labels, **options)
    for note in data.notes:
        _log.info("%s: %s", root, note)
    return data


def detect_format(path: Path) -> str:
    """Name of the format that a folder or file is in.

    Raises:
        ValueError: If it matches none of them or more than one.
    """
    found = formats_of(path)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"{path} could be read as {' or '.join(found)}. Set the format to one of them instead of 'auto'."
        )
    looked = "; ".join(f"{name}: {known.holds}" for name, known in FORMATS.items())
    nearer = [f"{child.name} ({kinds[0]})" for child, kinds in _sub_folders(path) if len(kinds) == 1]
    advice = f" Its sub-folder {', '.join(nearer)} does: use that path." if nearer else " Check the path."
    raise ValueError(f"{path} does not match any known data format. Looked for {looked}.{advice}")


def formats_of(path: Path) -> list[str]:
    """Names of the formats for detection that a folder or file looks like."""
    return [name for name, known in FORMATS.items() if known.looks_like(path)]


def _sub_folders(path: Path) -> list[tuple[Path, list[str]]]:
    folders = [child for child in sorted(path.iterdir()) if child.is_dir()] if path.is_dir() else []
    return [(child, formats_of(child)) for child in folders[:20]]
