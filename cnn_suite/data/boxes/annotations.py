"""The internal representation of detection data: pictures with unit boxes, named splits, and the faults found.

Every reader (VOC XML, YOLO txt, COCO JSON, landmarks CSV) returns `DetectionData`. A reader never stops half-way:
it collects faults and keeps in `splits` only what is sound, so that a caller can stop (`checked`), list everything
(`cnn-suite doctor`) or write a repaired copy.

Boxes are float32 `(n, 4)` xyxy in [0, 1] of the decoded picture (the one `cv2.imread` gives, EXIF orientation applied).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_suite.ops.numpy_boxes import areas

# Whole pixels that went through float32 unit boxes come back to 1e-4 px; rounding makes them whole again, so that a box
# of 32 x 32 falls into the area ranges that the annotation's own numbers say.
DECIMALS_PX = 3

PICTURE_LEFT_OUT = "picture omitted"

# What a repaired copy does about each kind of fault. The keys are the only kinds there are.
REPAIRS = {
    "zero_area": "box omitted",
    "out_of_picture": "box clipped to the picture",
    "outside": "box omitted",
    "duplicate_box": "second box omitted",
    "not_finite": PICTURE_LEFT_OUT,
    "unknown_class": PICTURE_LEFT_OUT,
    "malformed": PICTURE_LEFT_OUT,
    "missing_picture": PICTURE_LEFT_OUT,
    "unreadable_picture": PICTURE_LEFT_OUT,
    "too_small": PICTURE_LEFT_OUT,
    "size_mismatch": PICTURE_LEFT_OUT,
    "size_not_filled_in": "size corrected",
    "class_names": "class named by its number",
    "missing_annotation": PICTURE_LEFT_OUT,
    "repeated_picture": "duplicate entry removed",
    "disputed": PICTURE_LEFT_OUT,
    "people_of_two_splits": PICTURE_LEFT_OUT,
    "leak": "picture removed from the earlier split",
}


@dataclass(frozen=True)
class Fault:
    """One fault of a data set: where it is, what is wrong, and what to do about it."""

    file: str
    line: int | None
    kind: str
    message: str
    fix: str

    def __post_init__(self) -> None:
        if self.kind not in REPAIRS:
            raise ValueError(f"`kind` must be one of {', '.join(REPAIRS)}. Received {self.kind!r}.")

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}. {self.fix}"


class DataFaultError(ValueError):
    """Raised if faulty data would be used. `faults` contains all faults; the message lists the first ten."""

    def __init__(self, faults: Sequence[Fault], path: Path | str = "PATH") -> None:
        self.faults = tuple(faults)
        shown = [f"  {fault}" for fault in self.faults[:10]]
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        more = len(self.faults) - len(shown)
        rest = [f"  … and {more} more."] if more else []
        advice = (
            f"Run `cnn-suite doctor {path}` to list all of them, or "
            f"`cnn-suite doctor {path} --repair FOLDER` to write a repaired copy."
        )
        super().__init__("\n".join([f"{count} in the data at {path}:", *shown, *rest, advice]))


@dataclass(frozen=True, eq=False)
class AnnotatedPicture:
    """One picture and its annotations.

    Args:
        path: The picture file.
        size_hw: Height and width of the decoded picture in pixels.
        boxes: Float32 `(n, 4)`, unit xyxy; n may be 0 (a background picture).
        class_ids: Int32 `(n,)`, indices into `DetectionData.labels`.
        crowd: Bool `(n,)`; COCO's `iscrowd`, regions that hold many objects and forgive what is found inside them.
        source: The annotation file, for messages.
        pixels: Uint8 `(height, width, 3)` RGB of a picture made in memory, whose `path` is then only its name; None
            for a picture on disk. `picture_files.load_pixels` gives the pixels of either.
        difficult: Bool `(n,)`; VOC's `difficult`, single objects that nobody is asked to find. None for none.
        area_px: Float `(n,)`; COCO's `area`, that of the outline, by which objects are small, medium or large. None for
            the boxes' own areas.

    Raises:
        ValueError: If the arrays disagree in length, `boxes` is not `(n, 4)`, or `pixels` are not of `size_hw`.
    """

    path: Path
    size_hw: tuple[int, int]
    boxes: np.ndarray
    class_ids: np.ndarray
    crowd: np.ndarray
    source: str
    pixels: np.ndarray | None = None
    difficult: np.ndarray = None  # type: ignore[assignment]  # an array from __post_init__ on
    area_px: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        count = len(self.class_ids)
        if self.difficult is None:
            object.__setattr__(self, "difficult", np.zeros(count, bool))
        shapes = [array.shape for array in (self.boxes, self.class_ids, self.crowd, self.difficult)]
        if shapes != [(count, 4), (count,), (count,), (count,)]:
            raise ValueError(
                "`boxes`, `class_ids`, `crowd` and `difficult` must have shapes (n, 4), (n,), (n,) and (n,). Received "
                f"{', '.join(map(str, shapes))} for {self.path}."
            )
        if self.area_px is None:
            object.__setattr__(self, "area_px", areas(np.round(self.boxes_px, DECIMALS_PX)))
        if self.area_px.shape != (count,):
            raise ValueError(
                f"`area_px` must have shape ({count},), one area for each box. Received {self.area_px.shape} for "
                f"{self.path}."
            )
        if self.pixels is not None and (self.pixels.shape, self.pixels.dtype) != ((*self.size_hw, 3), np.uint8):
            raise ValueError(
                f"`pixels` must be uint8 of shape {(*self.size_hw, 3)}. Received {self.pixels.dtype} of shape "
                f"{self.pixels.shape} for {self.path}."
            )

    @property
    def ignored(self) -> np.ndarray:
        """Bool `(n,)`: crowds and difficult objects, neither trained on nor counted as missed."""
        return self.crowd | self.difficult

    @property
    def boxes_px(self) -> np.ndarray:
        """Boxes as float64 `(n, 4)` xyxy in pixels of the decoded picture."""
        height, width = self.size_hw
        return self.boxes.astype(np.float64) * (width, height, width, height)


@dataclass(frozen=True, eq=False)
class DetectionData:
    """Labels, splits and faults of one data set, independent of its format.

    Args:
        labels: Class names, indexed by class id.
        splits: Maps split names to their valid pictures.
        faults: Everything found wrong, in file order.
        format: The format it was read from ("voc", "yolo_txt", "coco", "landmarks_csv").
        root: The folder it was read from.
        notes: Decisions made by the reader (inferred labels, background pictures), one sentence each.
    """

    labels: tuple[str, ...]
    splits: dict[str, tuple[AnnotatedPicture, ...]]
    faults: tuple[Fault, ...] = ()
    format: str = ""
    root: Path | None = None
    notes: tuple[str, ...] = ()

    def pictures(self, split_names: str | Iterable[str]) -> tuple[AnnotatedPicture, ...]:
        """Pictures of one split or of several, in the order asked for.

        Raises:
            KeyError: If a split is unknown; the text lists the known ones.
        """
        names = [split_names] if isinstance(split_names, str) else list(split_names)
        for name in names:
            if name not in self.splits:
                known = ", ".join(self.splits) or "none"
                raise KeyError(f"Unknown split {name!r} of the data at {self.root}. Known splits: {known}.")
        return tuple(picture for name in names for picture in self.splits[name])

    def checked(self) -> DetectionData:
        """Returns this data if it has no faults.

        Raises:
            DataFaultError: If there is any fault.
        """
        if self.faults:
            raise DataFaultError(self.faults, self.root or "PATH")
        return self
