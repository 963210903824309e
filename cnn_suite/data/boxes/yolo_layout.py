"""Locations of a YOLO data set's pictures, splits and class names, in the Ultralytics and darknet layouts.

    data.yaml     names, train, val, test: folders, lists of paths, or several of them      (Ultralytics)
    images/<split>, labels/<split>, or <split>/images, <split>/labels, without any list
    obj.data      train, valid, names: list files                                            (darknet)
    train.txt, valid.txt, test.txt next to obj.names                                          (darknet)

Everything is found here; the label files themselves are read in yolo_txt.py. Class names differ: one that is blank or
stands twice is a fault, and that class is called by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from cnn_suite.data.boxes.annotations import Fault
from cnn_suite.data.picture_files import pictures_under

_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class _AsWritten(yaml.SafeLoader):
    """Leaves every value a text, so that no class named `no`, `on` or `010` becomes False, True or 8; but null."""

    yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class ListedPicture:
    """A picture of a split and the place that lists it (line None if a folder does)."""

    path: Path
    file: str
    line: int | None = None


@dataclass
class Layout:
    """Splits, class names (None if no file gives them) and what was wrong or decided on the way."""

    splits: dict[str, list[ListedPicture]] = field(default_factory=dict)
    names: dict[int, str] | None = None
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_yolo_txt(path: Path) -> bool:
    """Whether a folder, a data.yaml or an obj.data looks like YOLO txt."""
    if path.is_file():
        return path.suffix in (".yaml", ".yml", ".data")
    return any((_data_yaml(path), _data_file(path), _darknet_lists(path), _picture_folders(path)))


def find_layout(path: Path) -> tuple[Path, Layout]:
    """Root folder and layout of a YOLO data set.

    Raises:
        ValueError: If `path` has none of the known layouts.
    """
    root = path if path.is_dir() else path.parent
    if (file := _data_yaml(path)) is not None:
        return root, _layout_of_yaml(file)
    if (file := _data_file(path)) is not None:
        return root, _layout_of_data_file(file)
    if lists := _darknet_lists(path):
        layout = Layout({split: _listed(file, root) for split, file in lists.items()})
        _take_names_file(layout, _names_file(root))
        return root, layout
    if folders := _picture_folders(path):
        splits = {
            name: [ListedPicture(file, str(folder)) for file in pictures_under(folder)]
            for name, folder in folders.items()
        }
        layout = Layout(splits, notes=_folder_notes(root, splits))
        _take_names_file(layout, _names_file(root))
        return root, layout
    raise ValueError(
        f"{path} contains no YOLO data. Expected data.yaml, or images/ and labels/, or train.txt and obj.names."
    )


def label_file(picture: Path) -> Path:
    """The .txt of a picture: the last folder `images` (or `JPEGImages`) replaced by `labels`, else next to it."""
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] in ("images", "JPEGImages"):
            mirrored = Path(*parts[:index], "labels", *parts[index + 1 :]).with_suffix(".txt")
            beside = picture.with_suffix(".txt")
            return mirrored if mirrored.is_file() or not beside.is_file() else beside
    return picture.with_suffix(".txt")


def _data_yaml(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix in (".yaml", ".yml") else None
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (path / name).is_file():
            return path / name
    return None


def _data_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".data" else None
    found = sorted(path.glob("*.data"))
    return found[0] if len(found) == 1 else None


def _names_file(root: Path) -> Path | None:
    candidates = [*sorted(root.glob("*.names")), root / "classes.txt", root / "labels" / "classes.txt"]
    return next((file for file in candidates if file.is_file()), None)


def _darknet_lists(path: Path) -> dict[str, Path]:
    """Split lists of a darknet folder; only with a .names file, because train.txt alone says nothing."""
    if not path.is_dir() or not any(path.glob("*.names")):
        return {}
    return {split: path / f"{stem}.txt" for stem, split in _SPLIT_NAMES.items() if (path / f"{stem}.txt").is_file()}


def _picture_folders(path: Path) -> dict[str, Path]:
    """Picture folder of each split, found by the names `images` and `labels` alone."""
    if not path.is_dir():
        return {}
    if (path / "images").is_dir() and (path / "labels").is_dir():
        return _split_folders(path / "images") or {"all": path / "images"}
    found = _split_folders(path)
    return {
        split: folder / "images"
        for split, folder in found.items()
        if (folder / "images").is_dir() and (folder / "labels").is_dir()
    }


def _folder_notes(root: Path, splits: Mapping[str, list[ListedPicture]]) -> list[str]:
    """What was decided where folders alone give the splits."""
    if "all" in splits:
        return ["No splits are given: all pictures form one split, 'all'."]
    known = {listed.path for split in splits.values() for listed in split}
    left = [picture for picture in pictures_under(root / "images") if picture not in known]
    first = left[0].relative_to(root).as_posix() if left else ""
    return [f"{len(left)} pictures under images/ are in no split, the first is {first}."] if left else []


def _split_folders(path: Path) -> dict[str, Path]:
    return {split: path / stem for stem, split in _SPLIT_NAMES.items() if (path / stem).is_dir()}


def _take_names_file(layout: Layout, file: Path | None) -> None:
    """Takes class names, one a line: the number is that of the line, from 0. Empty lines at the end name nothing."""
    if file is not None:
        lines = file.read_text(encoding="utf-8-sig", errors="replace").rstrip().splitlines()
        names = {number: line.strip() for number, line in enumerate(lines)}
        _name_classes(layout, names, file, {number: number + 1 for number in names})


def _name_classes(layout: Layout, names: Mapping[int, str], file: Path, lines: Mapping[int, int | None]) -> None:
    """Takes the name of every class number; one that is blank or taken is a fault, and `class_<number>` stands in."""
    numbers: dict[str, int] = {}
    for number, name in names.items():
        if name and name not in numbers:
            numbers[name] = number
            continue
        message = f"class {number} has no name"
        if name:
            message = f"the classes {numbers[name]} and {number} are both named {name!r}"
        layout.faults.append(
            Fault(str(file), lines[number], "class_names", message, "Give every class a name of its own.")
        )
        stand_in = f"class_{number}"
        while stand_in in numbers or stand_in in names.values():
            stand_in += "_"
        numbers[stand_in] = number
    layout.names = {number: name for name, number in numbers.items()}


def _layout_of_yaml(file: Path) -> Layout:
    layout = Layout()
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    try:
        content = yaml.load(text, _AsWritten)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        layout.faults.append(_malformed(file, line, f"not valid YAML ({getattr(error, 'problem', error)})"))
        return layout
    if not isinstance(content, dict):
        layout.faults.append(_malformed(file, 1, "expected a mapping with the keys names, train and val"))
        return layout
    _take_names(layout, file, text, content)
    for key, split in _SPLIT_NAMES.items():
        value = content.get(key)
        if value:
            entries = [str(entry) for entry in (value if isinstance(value, list) else [value])]
            places = [_resolved(entry, file.parent, str(content.get("path") or "")) for entry in entries]
            layout.splits.setdefault(split, [])
            for entry, place in zip(entries, places, strict=True):
                _take_place(layout, split, place, entry, file, _line_of(text, key))
    return layout


def _take_names(layout: Layout, file: Path, text: str, content: dict) -> None:
    names = content.get("names")
    line = _line_of(text, "names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if isinstance(names, dict) and all(str(number).isdecimal() for number in names):
        given = {int(number): "" if name is None else str(name).strip() for number, name in names.items()}
        _name_classes(layout, dict(sorted(given.items())), file, dict.fromkeys(given, line))
    elif names is not None:
        message = "`names` must be a list of names or a mapping from number to name"
        layout.faults.append(_malformed(file, line, message))
    count = content.get("nc")
    if layout.names is not None and count is not None and str(count) != str(len(layout.names)):
        message = f"`nc` is {count} while `names` has {len(layout.names)} entries"
        layout.faults.append(_malformed(file, _line_of(text, "nc"), message))


def _resolved(entry: str, folder: Path, path_key: str) -> Path | None:
    """A split's place: below `path`, below the YAML's folder, or there without a leading ../ (Roboflow writes one)."""
    for base in (folder / path_key, folder):
        for candidate in (base / entry, base / entry.removeprefix("../")):
            if candidate.exists():
                return candidate
    return None


def _take_place(layout: Layout, split: str, place: Path | None, entry: str, file: Path, line: int | None) -> None:
    if place is None:
        message = f"the split {split!r} points to {entry}, which does not exist"
        fix = "Correct the path; it is relative to `path`, or to the folder of this file."
        layout.faults.append(Fault(str(file), line, "missing_picture", message, fix))
    elif place.is_dir():
        layout.splits[split] += [ListedPicture(picture, str(place)) for picture in pictures_under(place)]
    else:
        layout.splits[split] += _listed(place, place.parent)


def _layout_of_data_file(file: Path) -> Layout:
    """Darknet's obj.data: lines `key = value`, paths counted from where darknet runs or from the file's folder."""
    pairs = [
        line.split("=", 1)
        for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        if "=" in line
    ]
    content = {key.strip(): value.strip() for key, value in pairs}
    layout = Layout()
    _take_names_file(layout, _existing(content.get("names", ""), file.parent))
    for key, split in _SPLIT_NAMES.items():
        if key in content:
            place = _existing(content[key], file.parent)
            layout.splits.setdefault(split, [])
            line = _line_of(file.read_text(encoding="utf-8-sig", errors="replace"), key)
            _take_place(layout, split, place, content[key], file, line)
    return layout


def _listed(file: Path, root: Path) -> list[ListedPicture]:
    """Pictures of a list file, one path per line; spaces belong to the path."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        if line.strip():
            path = _existing(line.strip(), root) or root / line.strip()
            found.append(ListedPicture(path, str(file), number))
    return found


def _existing(entry: str, folder: Path) -> Path | None:
    """The path itself, or below the folder, or below the folder's parents (darknet's lists start at its own folder)."""
    if not entry:
        return None
    bases = (folder, *list(folder.absolute().parents)[:3])
    return next((base / entry for base in bases if (base / entry).exists()), None)


def _line_of(text: str, key: str) -> int | None:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.split(":")[0].split("=")[0].strip() == key:
            return number
    return None


def _malformed(file: Path, line: int | None, message: str) -> Fault:
    return Fault(str(file), line, "malformed", message, "Correct the file.")
