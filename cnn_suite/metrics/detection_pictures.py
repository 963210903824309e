"""Input of a detector's evaluation: ground truth and detections of pictures, as validated arrays.

Boxes are xyxy in pixels; both sequences have one entry per picture, in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cnn_suite.data.boxes.annotations import DECIMALS_PX, AnnotatedPicture
from cnn_suite.ops.numpy_boxes import areas, checked_boxes


class DetectionsLike(Protocol):
    """The evaluator's interface to one picture's detections; `cnn_suite.results.Detections` has it."""

    @property
    def xyxy_px(self) -> np.ndarray:
        """Boxes, float `(n, 4)`."""

    @property
    def confidence(self) -> np.ndarray:
        """Float `(n,)`."""

    @property
    def class_id(self) -> np.ndarray:
        """Int `(n,)`."""


@dataclass(frozen=True)
class Truths:
    """The annotated objects of one picture.

    Args:
        xyxy_px: Boxes, `(n, 4)` xyxy in pixels.
        class_id: Int `(n,)`.
        crowd: Bool `(n,)`: regions that need not be found and that forgive what is found inside them (COCO's iscrowd).
            None for none.
        area_px: Float `(n,)`, the area that decides between small, medium and large. None for the boxes' own areas.
        difficult: Bool `(n,)`: objects that need not be found and that forgive what is found on them, by its overlap as
            of any object (PASCAL VOC's difficult). None for none.

    Raises:
        ValueError: If the shapes do not fit one another.
    """

    xyxy_px: np.ndarray
    class_id: np.ndarray
    crowd: np.ndarray = None  # type: ignore[assignment]  # an array from __post_init__ on
    area_px: np.ndarray = None  # type: ignore[assignment]
    difficult: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Turns every field into an array of its type and checks the shapes."""
        boxes = checked_boxes("xyxy_px", self.xyxy_px)
        crowd = np.zeros(len(boxes), bool) if self.crowd is None else self.crowd
        difficult = np.zeros(len(boxes), bool) if self.difficult is None else self.difficult
        area = areas(boxes) if self.area_px is None else self.area_px
        object.__setattr__(self, "xyxy_px", boxes)
        object.__setattr__(self, "class_id", _one_a_box(self.class_id, np.int64, len(boxes), "class_id"))
        object.__setattr__(self, "crowd", _one_a_box(crowd, bool, len(boxes), "crowd"))
        object.__setattr__(self, "difficult", _one_a_box(difficult, bool, len(boxes), "difficult"))
        object.__setattr__(self, "area_px", _one_a_box(area, np.float64, len(boxes), "area_px"))

    def __len__(self) -> int:
        """The number of objects, ignored ones included."""
        return len(self.xyxy_px)

    @property
    def ignored(self) -> np.ndarray:
        """Bool `(n,)`: what is neither to be found nor a mistake to find, as often as it may be."""
        return self.crowd | self.difficult


def truths_of(picture: AnnotatedPicture) -> Truths:
    """The truths of an annotated picture."""
    boxes_px = np.round(picture.boxes_px, DECIMALS_PX)
    return Truths(boxes_px, picture.class_ids, picture.crowd, picture.area_px, picture.difficult)


@dataclass(frozen=True)
class PictureDetections:
    """One picture's detections in order of falling confidence, as checked arrays."""

    xyxy_px: np.ndarray  # (n, 4) float64
    confidence: np.ndarray  # (n,) float64
    class_id: np.ndarray  # (n,) int64


def checked_pictures(
    truths: Sequence[Truths], detections: Sequence[DetectionsLike], classes: int
) -> tuple[list[Truths], list[PictureDetections]]:
    """Both sequences as lists, the detections sorted by falling confidence (equals in their order), all checked.

    Raises:
        ValueError: If the sequences differ in length, or a shape, class number or confidence is wrong.
    """
    if classes < 1:
        raise ValueError(f"`classes` must be at least 1. Received {classes}.")
    if len(truths) != len(detections):
        raise ValueError(
            "`truths` and `detections` must have one entry for each picture, in the same order. "
            f"Received {len(truths)} and {len(detections)}."
        )
    found = [_sorted_detections(one) for one in detections]
    for index, (truth, boxes) in enumerate(zip(truths, found, strict=True)):
        for name, class_id in (("truths", truth.class_id), ("detections", boxes.class_id)):
            wrong = class_id[(class_id < 0) | (class_id >= classes)]
            if len(wrong):
                raise ValueError(f"`{name}` of picture {index} has class {wrong[0]}; expected 0 to {classes - 1}.")
    return list(truths), found


def _sorted_detections(one: DetectionsLike) -> PictureDetections:
    boxes = checked_boxes("xyxy_px", one.xyxy_px)
    confidence = _one_a_box(one.confidence, np.float64, len(boxes), "confidence")
    class_id = _one_a_box(one.class_id, np.int64, len(boxes), "class_id")
    if np.isnan(confidence).any():
        raise ValueError("`confidence` must not contain NaN, because detections are sorted by it.")
    order = np.argsort(-confidence, kind="stable")
    return PictureDetections(boxes[order], confidence[order], class_id[order])


def _one_a_box(values: Any, dtype: Any, boxes: int, name: str) -> np.ndarray:
    array = np.asarray(values, dtype)
    array = array.reshape(0) if array.size == 0 else array
    if array.shape != (boxes,):
        raise ValueError(f"`{name}` must have shape ({boxes},), one value per box. Received shape {array.shape}.")
    return array
