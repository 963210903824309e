"""COCO JSON: one or several instances_<split>.json, in annotations/ or next to the pictures.

Category ids may be sparse (COCO's own run from 1 to 90 for 80 classes): they are mapped to 0, 1, … in id order.
`iscrowd` becomes `crowd`, `area` (of the outline) `area_px`. JSON keeps no lines after parsing, so faults name the
annotation's id instead.

Source: Lin et al. 2014, Microsoft COCO; cocodataset.org, "Data format".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData, Fault
from cnn_suite.data.boxes.box_checks import (
    RawBox,
    annotated_picture,
    drawn_on_hw,
    picture_size_or_fault,
    repeated_picture_fault,
    size_faults,
    unknown_class_fault,
)
from cnn_suite.data.boxes.leaks import take_out_leaks

_HEAD_BYTES = 65536
_ID = (int, str)  # image ids are numbers in COCO, names in some exports
_FIX = "Correct the file or export it again."


def is_coco(path: Path) -> bool:
    """Whether a JSON file is in COCO format, or a folder contains such files."""
    return any(_looks_like(file) for file in _json_files(path))


def read_coco(path: Path | str, labels: Sequence[str] | None = None) -> DetectionData:
    """Read COCO JSON.

    Args:
        path: A JSON file, or a folder with instances_*.json, annotations/*.json or <split>/_annotations.coco.json.
        labels: Class names in order; None takes the categories of the files in id order.

    Returns:
        Data with one split per file, named after it (instances_train2017.json is "train").
    """
    root = Path(path)
    faults: list[Fault] = []
    contents: dict[Path, dict[str, Any]] = {}
    for file in _json_files(root):
        content, found = _content(file)
        faults += found
        if content is not None:
            contents[file] = content
    names, found = _categories(contents)
    faults += found
    notes = []
    if labels is None:
        labels = tuple(dict.fromkeys(names[number] for number in sorted(names)))
        notes.append(f"Labels inferred from the categories in id order: {', '.join(labels) or 'none'}.")
    splits: dict[str, tuple[AnnotatedPicture, ...]] = {}
    for file, content in contents.items():
        reader = _File(file, root if root.is_dir() else root.parent, names, tuple(labels))
        pictures, found = reader.pictures(content)
        split = _split_name(file)
        splits[split] = splits.get(split, ()) + pictures
        faults += found
    splits, leaks = take_out_leaks(splits)
    faults += leaks
    folder = root if root.is_dir() else root.parent
    return DetectionData(tuple(labels), splits, tuple(faults), "coco", folder, tuple(notes))


@dataclass
class _Objects:
    """What a file says about one image id: the names of its pictures, which should be one, the boxes that can be read,
    and what is wrong with the others."""

    file_names: dict[str, None] = field(default_factory=dict)  # a set in order
    boxes: list[RawBox] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """One JSON file and what is needed to make pictures of it."""

    file: Path
    root: Path
    names: dict[int, str]
    labels: tuple[str, ...]

    def pictures(self, content: dict[str, Any]) -> tuple[tuple[AnnotatedPicture, ...], list[Fault]]:
        """Sound pictures of the file and its faults."""
        by_image, faults = self._objects_by_image(content)
        pictures, seen = [], set()
        for image in content["images"]:
            if not isinstance(image.get("id"), _ID):
                message = f"the id of image {image.get('file_name')!r} must be a number. Received {image.get('id')!r}"
                faults.append(Fault(str(self.file), None, "malformed", message, _FIX))
                continue
            file_name, objects = _file_name(image), by_image[image["id"]]
            if file_name in seen:
                faults += objects.faults
                faults.append(repeated_picture_fault(file_name, _split_name(self.file), str(self.file), None))
                continue
            seen.add(file_name)
            if len(objects.file_names) > 1:
                if file_name == next(iter(objects.file_names)):
                    faults += [self._shared_id(image["id"], objects), *objects.faults]
                continue
            picture, found = self._picture(image, objects)
            faults += found
            if picture is not None:
                pictures.append(picture)
        return tuple(pictures), faults

    def _picture(self, image: dict[str, Any], objects: _Objects) -> tuple[AnnotatedPicture | None, list[Fault]]:
        path = _picture_path(self.root, self.file, _file_name(image))
        size_hw, faults = picture_size_or_fault(path, str(self.file), None)
        where = f"image {image.get('id')} ({path.name}): "
        drawn_on, found = self._drawn_on(image, size_hw, where)
        faults += [*found, *objects.faults]
        if drawn_on is None:
            return None, faults
        return annotated_picture(path, drawn_on, objects.boxes, self.labels, str(self.file), faults)

    def _drawn_on(
        self, image: dict[str, Any], size_hw: tuple[int, int] | None, where: str
    ) -> tuple[tuple[int, int] | None, list[Fault]]:
        """Size of the picture that the boxes were drawn on, and what is wrong with the one that is claimed."""
        height, width = image.get("height"), image.get("width")
        if height is None or width is None:
            return size_hw, []
        if not isinstance(height, int) or not isinstance(width, int):
            message = f"{where}`height` and `width` must be whole numbers. Received {height!r} and {width!r}"
            return size_hw, [Fault(str(self.file), None, "malformed", message, _FIX)]
        return drawn_on_hw((height, width), size_hw), size_faults((height, width), size_hw, str(self.file), None, where)

    def _objects_by_image(self, content: dict[str, Any]) -> tuple[dict[Any, _Objects], list[Fault]]:
        """Objects of each image id, and the faults of those that belong to no image."""
        by_image: dict[Any, _Objects] = {}
        for image in content["images"]:
            if isinstance(image.get("id"), _ID):
                by_image.setdefault(image["id"], _Objects()).file_names[_file_name(image)] = None
        faults = []
        for annotation in content["annotations"]:
            image_id = annotation.get("image_id")
            where = f"annotation {annotation.get('id')}: "
            if not isinstance(image_id, _ID) or image_id not in by_image:
                message = f"{where}its image_id {image_id} does not refer to an image of this file"
                faults.append(Fault(str(self.file), None, "malformed", message, _FIX))
                continue
            box = self._box(annotation, where)
            if isinstance(box, Fault):
                by_image[image_id].faults.append(box)
            else:
                by_image[image_id].boxes.append(box)
        return by_image, faults

    def _shared_id(self, image_id: Any, objects: _Objects) -> Fault:
        first, second, *others = objects.file_names
        names = f"{first}, {second} and {len(others)} more" if others else f"{first} and {second}"
        message = f"id {image_id} belongs to {names}, so its annotations may be of any of them"
        return Fault(str(self.file), None, "malformed", message, "Give every image an id of its own.")

    def _box(self, annotation: dict[str, Any], where: str) -> RawBox | Fault:
        numbers = annotation.get("bbox")
        if not isinstance(numbers, list) or len(numbers) != 4 or not all(isinstance(n, int | float) for n in numbers):
            message = f"{where}`bbox` must be four numbers x, y, width, height. Received {numbers!r}"
            return Fault(str(self.file), None, "malformed", message, _FIX)
        category = annotation.get("category_id")
        x, y, width, height = (float(number) for number in numbers)
        label = self.names.get(category, f"category {category}") if isinstance(category, int) else str(category)
        if label not in self.labels:
            return unknown_class_fault(label, self.labels, str(self.file), None, where)
        crowd, area = bool(annotation.get("iscrowd", 0)), annotation.get("area")
        if area is not None and not (isinstance(area, int | float) and 0 <= area < math.inf):
            message = f"{where}`area` must be a number of square pixels. Received {area!r}"
            return Fault(str(self.file), None, "malformed", message, _FIX)
        edges = (x, y, x + width, y + height)
        return RawBox(self.labels.index(label), edges, where=where, crowd=crowd, area_px=area)


def _json_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".json" else []
    for pattern in ("annotations/instances_*.json", "instances_*.json", "*/_annotations.coco.json"):
        if found := sorted(path.glob(pattern)):
            return found
    candidates = sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))
    return [file for file in candidates if _looks_like(file)]


def _looks_like(file: Path) -> bool:
    with open(file, "rb") as opened:
        head = opened.read(_HEAD_BYTES)
    return any(key in head for key in (b'"images"', b'"annotations"', b'"categories"'))


def _file_name(image: dict[str, Any]) -> str:
    return str(image.get("file_name", ""))


def _split_name(file: Path) -> str:
    name = file.parent.name if file.name == "_annotations.coco.json" else file.stem.removeprefix("instances_")
    name = re.sub(r"[_-]?\d{4}$", "", name) or name
    return {"valid": "val", "validation": "val"}.get(name, name)


def _content(file: Path) -> tuple[dict[str, Any] | None, list[Fault]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        return None, [Fault(str(file), error.lineno, "malformed", f"not valid JSON ({error.msg})", _FIX)]
    except UnicodeDecodeError as error:
        return None, [Fault(str(file), None, "malformed", f"not UTF-8 text ({error.reason})", _FIX)]
    for key in ("images", "annotations", "categories"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            message = f"expected a list of objects under the key {key!r}"
            return None, [Fault(str(file), None, "malformed", message, _FIX)]
    return content, []


def _categories(contents: dict[Path, dict[str, Any]]) -> tuple[dict[int, str], list[Fault]]:
    """Category id to name over all files."""
    names: dict[int, str] = {}
    faults = []
    for file, content in contents.items():
        for category in content["categories"]:
            number, name = category.get("id"), str(category.get("name"))
            if not isinstance(number, int):
                message = f"the id of category {name!r} must be a whole number. Received {number!r}"
                faults.append(Fault(str(file), None, "malformed", message, _FIX))
            elif names.setdefault(number, name) != name:
                message = f"category {number} is {name!r} here but {names[number]!r} in an earlier file"
                faults.append(Fault(str(file), None, "malformed", message, "Use the same categories in both files."))
    return names, faults


def _picture_path(root: Path, file: Path, file_name: str) -> Path:
    """The picture: next to its JSON, or in a folder named after it (train2017, images/train2017, images, train)."""
    name = file.stem.removeprefix("instances_")
    top = root.parent if root.name == "annotations" else root
    folders = (file.parent, top / name, top / "images" / name, top / "images", top, top / _split_name(file))
    candidates = [folder / file_name for folder in (*folders, top / "images" / _split_name(file))]
    return next((path for path in candidates if path.is_file()), candidates[0])
