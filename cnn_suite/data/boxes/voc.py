"""Pascal VOC: a folder with Annotations/*.xml, JPEGImages/ and ImageSets/Main/<split>.txt.

Pixel coordinates are taken as continuous edges: x0 = xmin / width, x1 = xmax / width. VOC's own tools count pixels
from one and call xmax the last pixel inside; annotation programs of today (labelImg and others) write edges from zero
to the width. No one is subtracted, which moves a box of VOC2007 by at most one pixel and moves no box of theirs.

Source: Everingham et al. 2010, The PASCAL VOC Challenge; its development kit for the folder layout.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from cnn_suite.data.boxes.xml_lines import Element, XmlError, read_xml
from cnn_suite.file_names import PICTURE_SUFFIXES

_PER_CLASS_LINE = re.compile(r"\S+\s+(-1|0|1)")  # of aeroplane_train.txt: a picture, and whether it shows the class


def is_voc(path: Path) -> bool:
    """Whether a folder has the VOC layout."""
    return (path / "Annotations").is_dir() and (path / "JPEGImages").is_dir()


def read_voc(path: Path | str, labels: Sequence[str] | None = None) -> DetectionData:
    """Read a VOC folder.

    Args:
        path: Folder that holds Annotations/, JPEGImages/ and, for splits, ImageSets/Main/.
        labels: Class names in order; None takes the names found, sorted, and says so in `notes`.

    Returns:
        Data with one split a list file ("all" where there is none); `trainval` is omitted if `train` and `val` exist.
    """
    root = Path(path)
    listed, notes = _listed_ids(root)
    faults: list[Fault] = []
    files: dict[str, _VocFile | None] = {}
    for entry in listed:
        if entry.picture_id not in files:
            files[entry.picture_id], found = _read_annotation(root, entry)
            faults += found
    if labels is None:
        labels = sorted({found.label for file in files.values() if file for found in file.objects})
        notes.append(f"Labels inferred from the annotations, sorted by name: {', '.join(labels) or 'none'}.")
    pictures: dict[str, AnnotatedPicture | None] = {}
    for picture_id, file in files.items():
        pictures[picture_id], found = (None, []) if file is None else _picture(file, labels)
        faults += found
    splits, places, found = _fill_splits(listed, pictures)
    splits, leaks = take_out_leaks(splits, places)
    faults += found + leaks
    return DetectionData(tuple(labels), splits, tuple(faults), "voc", root, tuple(notes))


@dataclass(frozen=True)
class _Entry:
    """One line of a list file."""

    split: str
    picture_id: str
    file: str
    line: int | None


@dataclass(frozen=True)
class _Object:
    """One <object> of an XML file."""

    label: str
    xyxy_px: tuple[float, float, float, float]
    line: int
    difficult: bool


@dataclass(frozen=True)
class _VocFile:
    """What one XML file says and what is wrong with it, before any check that needs labels.

    `size_hw` is that of the picture the objects were drawn on, None where nobody knows.
    """

    file: str
    picture: Path
    size_hw: tuple[int, int] | None
    objects: tuple[_Object, ...]
    faults: tuple[Fault, ...]


def _listed_ids(root: Path) -> tuple[list[_Entry], list[str]]:
    annotated = {file.stem: file for file in sorted((root / "Annotations").glob("*.xml"))}
    files = sorted((root / "ImageSets" / "Main").glob("*.txt"))
    lists = {file.stem: list(_list_entries(file)) for file in files}
    names = [name for name, entries in lists.items() if not _is_of_one_class(entries, annotated)]
    if {"train", "val"} <= set(names) and "trainval" in names:
        names.remove("trainval")
    if not names:
        note = "No list in ImageSets/Main: all pictures form one split, 'all'."
        return [_Entry("all", name, str(file), None) for name, file in annotated.items()], [note]
    order = ["train", "val", "test"]
    names.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
    entries = [entry for name in names for entry in lists[name]]
    known = {entry.picture_id for entry in entries}
    left = [name for name in annotated if name not in known]
    return entries, [f"{len(left)} annotation files are in no split, the first is {left[0]}.xml."] if left else []


def _is_of_one_class(entries: Sequence[_Entry], annotated: Container[str]) -> bool:
    """Whether a list is no split, but says of each picture whether it shows one class; "cat 1" may be a picture too."""
    lines = [entry.picture_id for entry in entries]
    return bool(lines) and all(_PER_CLASS_LINE.fullmatch(line) and line not in annotated for line in lines)


def _list_entries(file: Path) -> Iterator[_Entry]:
    for number, line in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if line.strip():
            yield _Entry(file.stem, line.strip(), str(file), number)


def _read_annotation(root: Path, entry: _Entry) -> tuple[_VocFile | None, list[Fault]]:
    xml = root / "Annotations" / f"{entry.picture_id}.xml"
    if not xml.is_file():
        fix = "Restore the file or remove the picture from the list."
        message = f"the annotation {xml} of the listed picture {entry.picture_id!r} does not exist"
        return None, [Fault(entry.file, entry.line, "missing_annotation", message, fix)]
    try:
        tree = read_xml(xml)
    except XmlError as error:
        return None, [Fault(str(xml), error.line, "malformed", str(error), "Correct the file or annotate it again.")]
    name = tree.child("filename")
    picture = _picture_path(root, entry.picture_id, name.text.strip() if name else "")
    size_hw, faults = picture_size_or_fault(picture, str(xml), name.line if name else tree.line)
    drawn_on, found = _drawn_on(tree, size_hw, str(xml))
    objects, malformed = _objects(tree, str(xml))
    return _VocFile(str(xml), picture, drawn_on, tuple(objects), (*faults, *found, *malformed)), []


def _picture_path(root: Path, picture_id: str, filename: str) -> Path:
    """The picture of an annotation: that of its own name, or <filename> where there is none.

    Files that were renamed or copied together keep the <filename> they had, which may be another picture's by now.
    Where several pictures have the annotation's name, such as a.jpg and a.png, <filename> says which it is.
    """
    folder = root / "JPEGImages"
    suffixes = (*PICTURE_SUFFIXES, *(suffix.upper() for suffix in PICTURE_SUFFIXES))
    own = [folder / (picture_id + suffix) for suffix in suffixes]
    named = folder / Path(filename).name
    candidates = [named, *own] if named.stem == picture_id else [*own, named]
    found = next((picture for picture in candidates if picture.is_file()), None)
    return found or folder / (filename or picture_id + ".jpg")


def _drawn_on(tree: Element, size_hw: tuple[int, int] | None, file: str) -> tuple[tuple[int, int] | None, list[Fault]]:
    """Size of the picture that the objects were drawn on, and what is wrong with <size>."""
    size = tree.child("size")
    if size is None:
        return size_hw, []
    try:
        claimed_hw = int(float(size.child_text("height"))), int(float(size.child_text("width")))
    except (ValueError, OverflowError):
        message = "<size> must contain whole numbers <width> and <height>"
        return size_hw, [Fault(file, size.line, "malformed", message, "Write the picture's size in pixels.")]
    return drawn_on_hw(claimed_hw, size_hw), size_faults(claimed_hw, size_hw, file, size.line)


def _objects(tree: Element, file: str) -> tuple[list[_Object], list[Fault]]:
    objects, faults = [], []
    for element in tree.children:
        if element.tag != "object":
            continue
        box = element.child("bndbox")
        label = element.child_text("name")
        edges = None if box is None else _edges(box)
        if box is None or edges is None or not label:
            message = "<object> needs a <name> and a <bndbox> with the numbers xmin, ymin, xmax, ymax"
            faults.append(Fault(file, element.line, "malformed", message, "Correct or remove the object."))
        else:
            objects.append(_Object(label, edges, box.line, element.child_text("difficult") == "1"))
    return objects, faults


def _edges(box: Element) -> tuple[float, float, float, float] | None:
    try:
        x0, y0, x1, y1 = (float(box.child_text(tag)) for tag in ("xmin", "ymin", "xmax", "ymax"))
    except ValueError:
        return None
    return x0, y0, x1, y1


def _picture(file: _VocFile, labels: Sequence[str]) -> tuple[AnnotatedPicture | None, list[Fault]]:
    boxes, faults = [], list(file.faults)
    for found in file.objects:
        if found.label in labels:
            boxes.append(RawBox(labels.index(found.label), found.xyxy_px, found.line, difficult=found.difficult))
        else:
            faults.append(unknown_class_fault(found.label, labels, file.file, found.line))
    if file.size_hw is None:
        return None, faults
    return annotated_picture(file.picture, file.size_hw, boxes, labels, file.file, faults)


def _fill_splits(
    entries: Sequence[_Entry], pictures: dict[str, AnnotatedPicture | None]
) -> tuple[dict[str, tuple[AnnotatedPicture, ...]], dict[tuple[str, Path], tuple[str, int | None]], list[Fault]]:
    """Splits, the place that lists each picture, and faults for pictures listed twice in one split."""
    splits: dict[str, list[AnnotatedPicture]] = {}
    places: dict[tuple[str, Path], tuple[str, int | None]] = {}
    faults = []
    for entry in entries:
        split = splits.setdefault(entry.split, [])
        picture = pictures[entry.picture_id]
        if picture is None:
            continue
        if (entry.split, picture.path) in places:
            faults.append(repeated_picture_fault(entry.picture_id, entry.split, entry.file, entry.line))
            continue
        places[entry.split, picture.path] = (entry.file, entry.line)
        split.append(picture)
    return {name: tuple(split) for name, split in splits.items()}, places, faults
