"""A repaired copy of a data set, in a new folder; the source is never changed.

The readers and the doctor have already taken out or clipped what is wrong (`annotations.REPAIRS` says what happens to
each kind of fault); here the sound rest is written, with repair_log.csv listing every change. YOLO txt stays YOLO txt;
everything else becomes VOC, which can hold crowds (`difficult`).
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from cnn_suite.data.annotations import REPAIRS, AnnotatedPicture, DetectionData, Fault
from cnn_suite.data.doctor import with_decoding_faults
from cnn_suite.progress import OnProgress

LOG_NAME = "repair_log.csv"


def repair(data: DetectionData, folder: Path | str, *, on_progress: OnProgress | None = None) -> tuple[Fault, ...]:
    """Write a repaired copy.

    Args:
        data: What a reader returned; pictures that do not decode are found here as well.
        folder: A folder that does not exist yet or is empty, outside the source.
        on_progress: Called with the number of pictures decoded and their total.

    Returns:
        The faults that were repaired, as in repair_log.csv (there with what was done about each).

    Raises:
        ValueError: If `folder` is the source, lies inside it or holds it, or is not empty.
    """
    target = Path(folder)
    _check_target(data, target)
    sound = with_decoding_faults(data, on_progress)
    target.mkdir(parents=True, exist_ok=True)
    if data.format == "yolo_txt":
        _write_yolo_txt(sound, target)
    else:
        _write_voc(sound, target)
    _write_log(sound.faults, target / LOG_NAME)
    return sound.faults


def _check_target(data: DetectionData, target: Path) -> None:
    if data.root is not None:
        source, resolved = data.root.resolve(), target.resolve()
        if source == resolved or source in resolved.parents or resolved in source.parents:
            raise ValueError(
                f"The repaired copy must be outside its source {data.root}. Received {target}. Use another folder."
            )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(
            f"The repaired copy needs a new or empty folder. {target} exists and is not empty. Use another folder."
        )


def _named_pictures(pictures: Sequence[AnnotatedPicture], taken: set[str]) -> Iterator[tuple[str, AnnotatedPicture]]:
    """Pictures with file names whose stems are all different, also those from different folders."""
    for picture in pictures:
        stem, number = picture.path.stem, 1
        while stem in taken:
            number += 1
            stem = f"{picture.path.stem}_{number}"
        taken.add(stem)
        yield stem + picture.path.suffix, picture


def _write_yolo_txt(data: DetectionData, target: Path) -> None:
    one_split = set(data.splits) == {"all"}
    for split, pictures in data.splits.items():
        below = "" if one_split else split
        images, labels = target / "images" / below, target / "labels" / below
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for name, picture in _named_pictures(pictures, set()):
            shutil.copyfile(picture.path, images / name)
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
        for name, picture in _named_pictures(pictures, taken):
            shutil.copyfile(picture.path, target / "JPEGImages" / name)
            stem = Path(name).stem
            (target / "Annotations" / f"{stem}.xml").write_text(_voc_xml(name, picture, data.labels), encoding="utf-8")
            names.append(stem + "\n")
        (lists / f"{split}.txt").write_text("".join(names), encoding="utf-8")


def _voc_xml(name: str, picture: AnnotatedPicture, labels: Sequence[str]) -> str:
    height, width = picture.size_hw
    lines = ["<annotation>", f"  <filename>{escape(name)}</filename>", "  <size>"]
    lines += [f"    <width>{width}</width>", f"    <height>{height}</height>", "    <depth>3</depth>", "  </size>"]
    for box, class_id, crowd in zip(picture.boxes_px, picture.class_ids, picture.crowd):
        edges = (f"{float(edge):.3f}".rstrip("0").rstrip(".") for edge in box)
        tags = zip(("xmin", "ymin", "xmax", "ymax"), edges)
        lines += ["  <object>", f"    <name>{escape(labels[class_id])}</name>"]
        lines += [f"    <difficult>{int(crowd)}</difficult>", "    <bndbox>"]
        lines += [f"      <{tag}>{edge}</{tag}>" for tag, edge in tags]
        lines += ["    </bndbox>", "  </object>"]
    return "\n".join([*lines, "</annotation>", ""])


def _write_log(faults: Sequence[Fault], file: Path) -> None:
    with open(file, "w", encoding="utf-8", newline="") as opened:
        log = csv.writer(opened)
        log.writerow(["file", "line", "kind", "message", "done"])
        for fault in faults:
            line = "" if fault.line is None else fault.line
            log.writerow([fault.file, line, fault.kind, fault.message, REPAIRS[fault.kind]])
