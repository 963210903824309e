"""The report of `cnn-suite doctor`: all faults of a data set, and statistics that matter for training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.data.boxes import statistics
from cnn_suite.data.boxes.annotations import REPAIRS, AnnotatedPicture, DetectionData, Fault
from cnn_suite.data.boxes.sources import read_detection_data
from cnn_suite.data.boxes.statistics import AnchorFit, Collisions
from cnn_suite.data.picture_files import decode_problem
from cnn_suite.progress import OnProgress

ANCHORS_PER_HEAD = 3  # as in YOLOv3, when none are given
_DECODING_THREADS = 4


@dataclass(frozen=True)
class DoctorReport:
    """Everything the doctor found; `data` contains the valid pictures.

    Dictionaries go from split to label to count (`classes`), from name to value, or from name to quantiles
    (`statistics.QUANTILES`). `anchor_fit` and `collisions` are None if there are too few boxes for anchors.
    """

    path: str
    data: DetectionData
    classes: dict[str, dict[str, int]]
    pictures: dict[str, int]
    picture_sizes: dict[str, int]
    box_sizes: dict[str, int]
    box_quantiles: dict[str, list[float]]
    boxes_per_picture: dict[str, float]
    crowd: int
    difficult: int
    image_size_hw: tuple[int, int]
    strides: tuple[int, ...]
    anchor_fit: AnchorFit | None
    collisions: Collisions | None

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.data.faults

    @property
    def leaks(self) -> tuple[Fault, ...]:
        """The faults that are leaks between splits."""
        return tuple(fault for fault in self.faults if fault.kind in ("leak", "people_of_two_splits"))

    @property
    def fault_counts(self) -> dict[str, int]:
        """Number of faults of each kind found."""
        kinds = [fault.kind for fault in self.faults]
        return {kind: kinds.count(kind) for kind in REPAIRS if kind in kinds}

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        content = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("data", "anchor_fit", "collisions")
        }
        content |= {"format": self.data.format, "labels": list(self.data.labels), "notes": list(self.data.notes)}
        content |= {"faults": [dataclasses.asdict(fault) for fault in self.faults], "fault_counts": self.fault_counts}
        content["image_size_hw"], content["strides"] = list(self.image_size_hw), list(self.strides)
        content["anchor_fit"] = content["collisions"] = None
        if self.anchor_fit is not None:
            anchors = np.round(self.anchor_fit.anchors_px, 2).tolist()
            content["anchor_fit"] = dataclasses.asdict(self.anchor_fit) | {"anchors_px": anchors}
        if self.collisions is not None:
            by_stride = {str(stride): count for stride, count in self.collisions.by_stride.items()}
            content["collisions"] = dataclasses.asdict(self.collisions) | {"by_stride": by_stride}
        return content


def examine(
    path: Path | str,
    *,
    format: str = "auto",
    labels: Sequence[str] | None = None,
    anchors: Sequence | np.ndarray | None = None,
    image_size_hw: tuple[int, int] = (416, 416),
    strides: Sequence[int] = (8, 16, 32),
    on_progress: OnProgress | None = None,
) -> DoctorReport:
    """Read a data set, decode every picture, and collect all faults and statistics.

    Args:
        path: Folder (or data.yaml, JSON or CSV file) of the data set.
        format: A format of `sources.FORMATS`, or "auto".
        labels: Class names in order; None takes them from the data.
        anchors: Widths and heights in pixels of the network's input, `(k, 2)` or `(heads, k / heads, 2)`; None finds
            three per head with k-means.
        image_size_hw: Height and width of the network's input.
        strides: Input pixels per grid cell of each head.
        on_progress: Called with the number of pictures decoded and their total.

    Returns:
        The report.

    Raises:
        FileNotFoundError: If `path` does not exist.
        ValueError: If the format cannot be detected, or anchors and strides do not match.
    """
    given = _checked_anchors(anchors, strides)
    data = with_decoding_faults(read_detection_data(path, format, labels), on_progress)
    everything = data.pictures(data.splits)
    learned = data.pictures("train") if data.splits.get("train") else everything
    fit = statistics.fit_anchors(learned, given, image_size_hw, ANCHORS_PER_HEAD * len(strides))
    collisions = None
    if fit is not None:
        collisions = statistics.count_collisions(everything, fit.anchors_px, image_size_hw, strides)
    return DoctorReport(
        path=str(path),
        data=data,
        classes=statistics.class_histogram(data.splits, data.labels),
        pictures={split: len(pictures) for split, pictures in data.splits.items()},
        picture_sizes=statistics.picture_sizes(everything),
        box_sizes=statistics.size_histogram(everything),
        box_quantiles=statistics.size_quantiles(everything),
        boxes_per_picture=statistics.boxes_per_picture(everything),
        crowd=int(sum(picture.crowd.sum() for picture in everything)),
        difficult=int(sum(picture.difficult.sum() for picture in everything)),
        image_size_hw=image_size_hw,
        strides=tuple(strides),
        anchor_fit=fit,
        collisions=collisions,
    )


def with_decoding_faults(data: DetectionData, on_progress: OnProgress | None = None) -> DetectionData:
    """The data without the pictures that cannot be fully decoded, each of them reported as a fault."""
    paths = list(dict.fromkeys(picture.path for picture in data.pictures(data.splits)))
    problems: dict[Path, str] = {}
    with ThreadPoolExecutor(_DECODING_THREADS) as pool:
        for done, (path, problem) in enumerate(zip(paths, pool.map(decode_problem, paths)), start=1):
            if problem is not None:
                problems[path] = problem
            if on_progress is not None:
                on_progress(done, len(paths))
    fix = "Replace the picture or remove it from the data."
    found = [Fault(str(path), None, "unreadable_picture", problem, fix) for path, problem in problems.items()]
    splits = {split: _without(pictures, problems) for split, pictures in data.splits.items()}
    return dataclasses.replace(data, splits=splits, faults=(*data.faults, *found))


def _without(pictures: Sequence[AnnotatedPicture], problems: dict[Path, str]) -> tuple[AnnotatedPicture, ...]:
    return tuple(picture for picture in pictures if picture.path not in problems)


def _checked_anchors(anchors: Sequence | np.ndarray | None, strides: Sequence[int]) -> np.ndarray | None:
    if not len(strides) or min(strides) < 1:
        raise ValueError(f"`strides` must contain at least one positive number. Received {tuple(strides)}.")
    if anchors is None:
        return None
    given = np.asarray(anchors, np.float64)
    if given.size == 0 or given.shape[-1] != 2 or not (given > 0).all():
        raise ValueError(f"`anchors` must be positive widths and heights, shape (k, 2). Received {given.tolist()}.")
    given = given.reshape(-1, 2)
    if len(given) % len(strides):
        raise ValueError(
            f"Each stride must have the same number of `anchors`. Received {len(given)} anchors for {len(strides)} "
            "strides. Give the strides of your network."
        )
    return given
