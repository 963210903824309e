"""What a model says about one picture (`Detections`, `Classification`) and about itself (`ModelCard`).

Shapes: boxes `(n, 4)` xyxy in pixels of the picture, one confidence and one class a box. NumPy and the standard
library only: the apps read this file before their first frame.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """The objects found in one picture.

    Args:
        xyxy_px: Boxes, float `(n, 4)`, corners in pixels of the picture, x0 <= x1 and y0 <= y1.
        confidence: Float `(n,)` in [0, 1].
        class_id: Integer `(n,)`, an index into `labels`.
        labels: Names of all classes the detector knows; `()` when they have no names.
        track_id: Integer `(n,)` with an identity that stays over frames, -1 where it is not yet known; None without
            a tracker.

    Raises:
        ValueError: If shapes differ, a number is not finite, a box is turned round, or a class has no label.
    """

    xyxy_px: np.ndarray
    confidence: np.ndarray
    class_id: np.ndarray
    labels: tuple[str, ...] = ()
    track_id: np.ndarray | None = None

    def __post_init__(self) -> None:
        boxes = _array("xyxy_px", self.xyxy_px, np.float32)
        if boxes.size == 0 and boxes.ndim == 1:
            boxes = boxes.reshape(0, 4)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f"`xyxy_px` must have shape (n, 4) in x0, y0, x1, y1 order. Received shape {boxes.shape}.")
        object.__setattr__(self, "xyxy_px", _frozen(boxes))
        object.__setattr__(self, "labels", tuple(self.labels))
        for name, dtype in (("confidence", np.float32), ("class_id", np.int32), ("track_id", np.int32)):
            if name != "track_id" or self.track_id is not None:
                object.__setattr__(self, name, _frozen(_column(name, getattr(self, name), dtype, len(boxes))))
        self._check_values()

    def _check_values(self) -> None:
        boxes, confidence, class_id = self.xyxy_px, self.confidence, self.class_id
        turned = (boxes[:, 0] > boxes[:, 2]) | (boxes[:, 1] > boxes[:, 3])
        if turned.any():
            first = int(np.argmax(turned))
            raise ValueError(
                f"`xyxy_px` needs x0 <= x1 and y0 <= y1. Received {boxes[first].tolist()} as box {first}. "
                "If these are centre boxes, convert them to corners first."
            )
        if len(self) and (confidence.min() < 0 or confidence.max() > 1):
            raise ValueError(
                f"`confidence` must lie in [0, 1]. Received values from {confidence.min():g} to {confidence.max():g}."
            )
        if len(self) and (class_id.min() < 0 or (self.labels and class_id.max() >= len(self.labels))):
            known = f"0 to {len(self.labels) - 1}" if self.labels else "0 or more"
            raise ValueError(
                f"`class_id` must be {known} ({len(self.labels)} labels). "
                f"Received values from {class_id.min()} to {class_id.max()}."
            )

    @classmethod
    def empty(cls, labels: Sequence[str] = ()) -> Detections:
        """No objects at all."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int32), tuple(labels))

    @property
    def names(self) -> list[str]:
        """The label of each detection; the class number as text where the classes have no labels."""
        return [self.labels[i] if self.labels else str(i) for i in self.class_id.tolist()]

    def mirrored(self, width: int) -> Detections:
        """The same detections in the mirror image, left and right changed, of a picture `width` pixels wide."""
        x0, y0, x1, y1 = self.xyxy_px.T
        return replace(self, xyxy_px=np.stack([width - x1, y0, width - x0, y1], axis=1))

    def __len__(self) -> int:
        return len(self.xyxy_px)

    def __getitem__(self, index: Any) -> Detections:
        """The chosen detections: by mask, by integers, by slice, or a single number (which keeps the length of 1)."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"There are {len(self)} detections. Received index {index}.")
            index = [int(index)]
        if isinstance(index, (list, tuple)):
            index = np.asarray(index, bool if len(index) and isinstance(index[0], (bool, np.bool_)) else np.intp)
        track_id = None if self.track_id is None else self.track_id[index]
        return Detections(self.xyxy_px[index], self.confidence[index], self.class_id[index], self.labels, track_id)


@dataclass(frozen=True, eq=False)
class Classification:
    """What one picture shows, as a probability for every class.

    Args:
        probabilities: Float `(classes,)` in [0, 1].
        labels: Names of all classes in order of their number; `()` when they have no names.

    Raises:
        ValueError: If there is no class, a number is not finite or no probability, or there is not one label a class.
    """

    probabilities: np.ndarray
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = _array("probabilities", self.probabilities, np.float32)
        object.__setattr__(self, "labels", tuple(self.labels))
        if values.ndim != 1 or not len(values):
            raise ValueError(
                f"`probabilities` must have shape (classes,), with at least one class. Received shape {values.shape}."
            )
        # Softmax of a 16-bit or 8-bit graph may end a rounding above 1.
        if values.min() < 0 or values.max() > 1 + 1e-3:
            raise ValueError(
                f"`probabilities` must lie in [0, 1]. Received values from {values.min():g} to {values.max():g}. "
                "If these are logits, take their softmax first."
            )
        if self.labels and len(self.labels) != len(values):
            raise ValueError(f"There must be one label a class, {len(values)}. Received {len(self.labels)} labels.")
        object.__setattr__(self, "probabilities", _frozen(np.minimum(values, 1)))

    @property
    def class_id(self) -> int:
        """The most probable class; the lowest number where several are."""
        return int(self.probabilities.argmax())

    @property
    def name(self) -> str:
        """The label of the most probable class; its number as text where the classes have no labels."""
        return self._name_of(self.class_id)

    @property
    def confidence(self) -> float:
        """The probability of the most probable class."""
        return float(self.probabilities.max())

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The `k` most probable classes with their probabilities, best first, equals by their number; all if fewer.

        Raises:
            ValueError: If `k` is less than 1.
        """
        if k < 1:
            raise ValueError(f"`k` must be 1 or more. Received {k}.")
        best = np.argsort(-self.probabilities, kind="stable")[:k].tolist()
        return [(self._name_of(class_id), float(self.probabilities[class_id])) for class_id in best]

    def _name_of(self, class_id: int) -> str:
        return self.labels[class_id] if self.labels else str(class_id)


@dataclass(frozen=True)
class ModelCard:
    """`card.json` of a model folder: everything a program needs to know to use the model, and where it came from.

    Args:
        name: Name of the trained thing, such as "face_yolo".
        task: "detection", "classification", ...
        labels: Class names in the order of the model's class numbers.
        input: What the model takes: size, dtype, colour order, resizing.
        thresholds: Defaults built into the exported graph: confidence, iou, max_detections.
        model: Architecture: builder, anchors, strides, parameters.
        metrics: Figures, with the data and the command they came from.
        parity: Largest differences between the exported forms.
        sizes: Bytes of each file.
        versions: Versions of the libraries that wrote it.
        sha256: Hexadecimal digest of each file.
        extra: Keys of the file that are not named above, kept as they are.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    input: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    parity: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> ModelCard:
        """The card of the model folder `folder`.

        Raises:
            FileNotFoundError: If the folder or its card.json is missing.
            ValueError: If card.json is no JSON object, lacks a required key or has a key of the wrong kind.
        """
        path = Path(folder) / "card.json"
        if not path.is_file():
            what = "has no card.json" if path.parent.is_dir() else "does not exist"
            raise FileNotFoundError(
                f"Model folder {str(folder)!r} {what}. A model folder is what `cnn-suite export` writes."
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as fault:
            raise ValueError(f"{path} is not valid JSON ({fault}). Export the model again.") from fault
        return cls._from_json(values, path)

    @classmethod
    def _from_json(cls, values: Any, path: Path) -> ModelCard:
        if not isinstance(values, dict):
            raise ValueError(f"{path} must hold one JSON object. Received a {type(values).__name__}.")
        known = [f.name for f in fields(cls) if f.name != "extra"]
        expected = dict.fromkeys(known, dict) | {"name": str, "task": str, "labels": list}
        for key in ("name", "task", "labels"):
            if key not in values:
                raise ValueError(f"{path} lacks the key {key!r}. Export the model again.")
        for key in values.keys() & expected.keys():
            if not isinstance(values[key], expected[key]):
                raise ValueError(
                    f"{path}: key {key!r} must be a {expected[key].__name__}. Received {values[key]!r:.80}."
                )
        arguments = {key: value for key, value in values.items() if key in expected}
        arguments["labels"] = tuple(str(label) for label in values["labels"])
        return cls(**arguments, extra={key: value for key, value in values.items() if key not in expected})

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Writes card.json into `folder` (made if need be) in one step, and returns its path."""
        path = Path(folder) / "card.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = asdict(self)
        values |= values.pop("extra")
        temporary = path.with_suffix(".json.new")
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
        return path


def _array(name: str, values: Any, dtype: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in ("iu" if np.issubdtype(dtype, np.integer) else "iuf"):
        kind = "whole numbers" if np.issubdtype(dtype, np.integer) else "numbers"
        raise ValueError(f"`{name}` must hold {kind}. Received an array of {array.dtype}.")
    if array.size and not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite. Received a NaN or an infinite value.")
    return array.astype(dtype, copy=False)


def _column(name: str, values: Any, dtype: Any, count: int) -> np.ndarray:
    array = _array(name, values, dtype)
    if array.shape != (count,):
        raise ValueError(f"`{name}` must have shape ({count},), one value a box. Received shape {array.shape}.")
    return array


def _frozen(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view
