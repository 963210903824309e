"""Result files: one JSON object per frame (.jsonl), or one row per detection (.csv)."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import SinkError, check_writable

_COLUMNS = ("frame", "source", "time_s", "width", "height", "label", "class_id", "confidence",
            "x0_px", "y0_px", "x1_px", "y1_px", "track_id")  # fmt: skip


class RecordSink(Protocol):
    """Takes the results of a run; the file at `path` exists from the start."""

    path: Path

    def write(
        self, frame: Frame, detections: Detections, more: Mapping[str, Any], each: Sequence[Mapping[str, Any]] = ()
    ) -> None: ...

    def close(self) -> None: ...


def open_record_sink(results: str | os.PathLike[str]) -> RecordSink:
    """The sink that `--results` names.

    Raises:
        SinkError: If it is neither .jsonl nor .csv, or cannot be written.
    """
    path = Path(results).expanduser()
    kinds: dict[str, Callable[[Path], RecordSink]] = {".jsonl": JsonlSink, ".csv": CsvSink}
    if path.suffix.lower() not in kinds:
        raise SinkError(
            f"Results file {path} must end in .jsonl (one object per frame) or .csv (one row per detection)."
        )
    return kinds[path.suffix.lower()](path)


def frame_record(
    frame: Frame,
    detections: Detections,
    more: Mapping[str, Any] | None = None,
    each: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """One frame's results as plain numbers and strings, ready for JSON.

    Args:
        frame: The frame.
        detections: What was found in it.
        more: Further keys of the frame.
        each: Further keys of every detection; none at all by default.
    """
    each = each or [{}] * len(detections)
    ids = [None] * len(detections) if detections.track_id is None else detections.track_id.tolist()
    class_ids = detections.class_id.tolist()
    rows = zip(detections.names, class_ids, detections.confidence, detections.xyxy_px, ids, each, strict=True)
    return {
        "frame": frame.index,
        "source": frame.source,
        "time_s": round(frame.time_s, 6),
        "width": frame.image_rgb.shape[1],
        "height": frame.image_rgb.shape[0],
        "detections": [
            {
                "label": label,
                "class_id": class_id,
                "confidence": _shortest(confidence),
                "box_xyxy_px": [_shortest(value) for value in box],
                "track_id": None if track_id is None or track_id < 0 else track_id,
                **further,
            }
            for label, class_id, confidence, box, track_id, further in rows
        ],
        **(more or {}),
    }


class JsonlSink:
    """One JSON object per frame, written immediately: a run that is cut off leaves only whole lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)

    def write(
        self, frame: Frame, detections: Detections, more: Mapping[str, Any], each: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Adds one frame; `more` are further keys of its object, `each` of its detections."""
        self._file.write(json.dumps(frame_record(frame, detections, more, each), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class CsvSink:
    """One row per detection, under a head of column names; frames without detections have no row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(_COLUMNS)

    def write(
        self, frame: Frame, detections: Detections, more: Mapping[str, Any], each: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Adds one frame; `more` and `each` have no place in a table and are left out."""
        record = frame_record(frame, detections)
        head = [record[name] for name in _COLUMNS[:5]]
        for found in record["detections"]:
            tail = [found["label"], found["class_id"], found["confidence"], *found["box_xyxy_px"], found["track_id"]]
            self._rows.writerow(head + tail)
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _opened(path: Path) -> TextIO:
    check_writable(path)
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as fault:
        raise SinkError(f"Cannot write the results file {path}: {fault.strerror}.") from fault


def _shortest(value: np.float32) -> float:
    """The fewest digits that still read back as the same float32."""
    return float(str(value))
