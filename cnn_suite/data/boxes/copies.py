"""Writes a copy of a detection data set, images and annotations, in the format it was read from.

Only what the readers return is written; annotations that no reader uses (COCO's outlines, VOC's poses) are lost.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import yaml

from cnn_suite.data.boxes.annotations import DECIMALS_PX, AnnotatedPicture, DetectionData
from cnn_suite.data.boxes.landmarks_csv import csv_file

_WITHOUT_BOX = ("zero_area", "outside", "duplicate_box")  # faults whose objects the reader has skipped


def write_copy(data: DetectionData, folder: Path) -> None:
    """Writes the valid images of a data set and their annotations to a folder.

    Args:
        data: What the reader of `data.format` returned.
        folder: Output folder. Existing files are kept unless they have the same name.
    """
    WRITERS[data.format](data, folder)


def _copied(
    pictures: Sequence[AnnotatedPicture], folder: Path, taken: set[str]
) -> Iterator[tuple[str, AnnotatedPicture]]:
    """Copies images under unique stems, even if they come from different folders."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        stem, number = picture.path.stem, 1
        while stem in taken:
            number += 1
            stem = f"{picture.path.stem}_{number}"
        taken.add(stem)
        shutil.copyfile(picture.path, folder / (stem + picture.path.suffix))
        yield stem + picture.path.suffix, picture


def _write_yolo_txt(data: DetectionData, target: Path) -> None:
    one_split = set(data.splits) == {"all"}
    for split, pictures in data.splits.items():
        below = "" if one_split else split
        labels = target / "labels" / below
        labels.mkdir(parents=True)
        for name, picture in _copied(pictures, target / "images" / below, set()):
            lines = [_yolo_line(box, class_id) for box, class_id in zip(picture.boxes, picture.class_ids)]
            (labels / name).with_suffix(".txt").write_text("".join(lines), encoding="utf-8")
    if one_split:
        (target / "classes.txt").write_text("".join(f"{label}\n" for label in data.labels), encoding="utf-8")
    else:
        content: dict[str, object] = {split: f"images/{split}" for split in data.splits}
        content["names"] = dict(enumerate(data.labels))
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (target / "data.yaml").write_text(text, encoding="utf-8")


def _yolo_line(box: Sequence[float], class_id: int) -> str:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    return f"{class_id} {(x0 + x1) / 2:.7f} {(y0 + y1) / 2:.7f} {x1 - x0:.7f} {y1 - y0:.7f}\n"


def _write_voc(data: DetectionData, target: Path) -> None:
    lists = target / "ImageSets" / "Main"
    for folder in (target / "Annotations", target / "JPEGImages", lists):
        folder.mkdir(parents=True)
    taken: set[str] = set()
    for split, pictures in data.splits.items():
        names = []
        for name, picture in _copied(pictures, target / "JPEGImages", taken):
            stem = Path(name).stem
            (target / "Annotations" / f"{stem}.xml").write_text(_voc_xml(name, picture, data.labels), encoding="utf-8")
            names.append(stem + "\n")
        (lists / f"{split}.txt").write_text("".join(names), encoding="utf-8")


def _voc_xml(name: str, picture: AnnotatedPicture, labels: Sequence[str]) -> str:
    height, width = picture.size_hw
    lines = ["<annotation>", f"  <filename>{escape(name)}</filename>", "  <size>"]
    lines += [f"    <width>{width}</width>", f"    <height>{height}</height>", "    <depth>3</depth>", "  </size>"]
    for box, class_id, difficult in zip(picture.boxes_px, picture.class_ids, picture.difficult):
        edges = (f"{float(edge):.3f}".rstrip("0").rstrip(".") for edge in box)
        tags = zip(("xmin", "ymin", "xmax", "ymax"), edges)
        lines += ["  <object>", f"    <name>{escape(labels[class_id])}</name>"]
        lines += [f"    <difficult>{int(difficult)}</difficult>", "    <bndbox>"]
        lines += [f"      <{tag}>{edge}</{tag}>" for tag, edge in tags]
        lines += ["    </bndbox>", "  </object>"]
    return "\n".join([*lines, "</annotation>", ""])


def _write_coco(data: DetectionData, target: Path) -> None:
    (target / "annotations").mkdir(parents=True)
    categories = [{"id": number, "name": label} for number, label in enumerate(data.labels, start=1)]
    for split, pictures in data.splits.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for name, picture in _copied(pictures, target / split, set()):
            height, width = picture.size_hw
            images.append({"id": len(images) + 1, "file_name": name, "height": height, "width": width})
            for annotation in _coco_annotations(picture):
                annotations.append({"id": len(annotations) + 1, "image_id": len(images)} | annotation)
        content = {"images": images, "annotations": annotations, "categories": categories}
        text = json.dumps(content, ensure_ascii=False)
        (target / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")


def _coco_annotations(picture: AnnotatedPicture) -> Iterator[dict[str, Any]]:
    edges = np.round(picture.boxes_px, DECIMALS_PX)
    sides = np.round(edges[:, 2:] - edges[:, :2], DECIMALS_PX)
    for index, (corner, side) in enumerate(zip(edges[:, :2], sides)):
        yield {
            "category_id": int(picture.class_ids[index]) + 1,
            "bbox": [*corner.tolist(), *side.tolist()],
            "area": float(picture.area_px[index]),
            "iscrowd": int(picture.crowd[index]),
        }


def _write_landmarks_csv(data: DetectionData, target: Path) -> None:
    """The rows of the sound faces as they stand, but for the picture's name; a picture without any has no row."""
    root, pictures = data.root or Path(), data.pictures(data.splits)
    with_faces = [picture for picture in pictures if len(picture.class_ids)]
    names = {picture.path: name for name, picture in _copied(with_faces, target / "images", set())}
    source = root / pictures[0].source if pictures else csv_file(root)
    left_out = {fault.line for fault in data.faults if fault.kind in _WITHOUT_BOX}
    if source is None:
        return
    with (
        open(source, encoding="utf-8-sig", errors="replace", newline="") as text,
        open(target / "landmarks.csv", "w", encoding="utf-8", newline="") as opened,
    ):
        rows, written = csv.reader(text), csv.writer(opened)
        written.writerow(next(rows))
        faces_left_out = set()
        for row in filter(None, rows):
            if rows.line_num in left_out:
                faces_left_out.add(tuple(row[:2]))
            name = names.get(root / "images" / row[0])
            if name is not None and tuple(row[:2]) not in faces_left_out:
                written.writerow([name, *row[1:]])


WRITERS = {
    "voc": _write_voc,
    "coco": _write_coco,
    "yolo_txt": _write_yolo_txt,
    "landmarks_csv": _write_landmarks_csv,
}
