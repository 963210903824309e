"""What `cnn-suite doctor` finds in class folders: every picture that cannot be learned from, and the figures."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cnn_suite.data.boxes.annotations import REPAIRS, Fault
from cnn_suite.data.boxes.sources import FORMATS
from cnn_suite.data.classes.image_folder import is_image_folder, read_with_unread
from cnn_suite.data.classes.labelled import LabelledPictures
from cnn_suite.data.classes.unread_files import UNREAD_FIX, Unread, unread_message
from cnn_suite.data.picture_files import decode_whole
from cnn_suite.progress import OnProgress

FORMAT = "image_folder"
SMALLEST_SIDE = 8  # pixels; the digits of 8x8 that scikit-learn brings can still be told apart
_DECODING_THREADS = 4


@dataclass(frozen=True)
class ClassReport:
    """Everything found in class folders.

    `classes` goes from split to label to the number of sound pictures, `picture_sizes` from "width x height" to that.
    `notes` are sentences about what is no fault but may stop a training.
    """

    path: str
    format: str
    labels: tuple[str, ...]
    classes: dict[str, dict[str, int]]
    picture_sizes: dict[str, int]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def fault_counts(self) -> dict[str, int]:
        """Number of faults of each kind found."""
        kinds = [fault.kind for fault in self.faults]
        return {kind: kinds.count(kind) for kind in REPAIRS if kind in kinds}

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        pictures = {split: sum(counts.values()) for split, counts in self.classes.items()}
        return dataclasses.asdict(self) | {"pictures": pictures, "fault_counts": self.fault_counts}


class _Looked(NamedTuple):
    """A picture that was looked at."""

    split: str
    label: str
    name: str
    digest: bytes
    size_hw: tuple[int, int] | None  # of a sound one
    fault: Fault | None


def holds_classes(path: Path, format: str = "auto") -> bool:
    """Whether `path` is to be examined as class folders: named so, or they and nothing that a detector learns from.

    A folder of data sets for detectors holds pictures in folders, too, and is none of classes.
    """
    if format != "auto":
        return format == FORMAT
    inner = [child for child in path.iterdir() if child.is_dir()] if path.is_dir() else []
    if any(known.looks_like(place) for known in FORMATS.values() for place in (path, *inner)):
        return False
    return is_image_folder(path)


def examine_classes(
    path: Path | str, *, labels: Sequence[str] | None = None, on_progress: OnProgress | None = None
) -> ClassReport:
    """Reads class folders, on disk or in a zip, decodes every picture, and collects all faults.

    Args:
        path: Folder or zip.
        labels: Class names in order; None takes the folders' names.
        on_progress: Called with the number of pictures decoded and their total.

    Returns:
        The report. A fault is a picture that does not decode as a whole, is empty or too small, stands in two classes,
        or stands in two splits, and a folder with files that are not read as pictures.

    Raises:
        ValueError: If there are no class folders, a zip is damaged, or a folder is none of `labels`.
    """
    data, unread = read_with_unread(Path(path), labels)
    entries = [(split, number) for split, pictures in data.splits.items() for number in range(len(pictures))]

    def look(entry: tuple[str, int]) -> _Looked:
        split, number = entry
        pictures = data.splits[split]
        return _looked_at(pictures, number, split, data.labels[pictures.class_ids[number]])

    found = []
    with ThreadPoolExecutor(_DECODING_THREADS) as pool:
        for done, looked in enumerate(pool.map(look, entries), start=1):
            found.append(looked)
            if on_progress is not None:
                on_progress(done, len(entries))
    sound = [looked for looked in found if looked.size_hw is not None]
    counts = Counter((looked.split, looked.label) for looked in sound)
    sizes = Counter(f"{looked.size_hw[1]}x{looked.size_hw[0]}" for looked in sound if looked.size_hw)
    classes = {split: {label: counts[split, label] for label in data.labels} for split in data.splits}
    return ClassReport(
        path=str(path),
        format=FORMAT,
        labels=data.labels,
        classes=classes,
        picture_sizes=dict(sizes.most_common()),
        faults=(
            *(looked.fault for looked in found if looked.fault),
            *_repeated(sound),
            *_unread_faults(Path(path), unread),
        ),
        notes=_too_few(classes),
    )


def _looked_at(pictures: LabelledPictures, number: int, split: str, label: str) -> _Looked:
    name, content, size_hw = pictures.names[number], b"", None
    kind, problem = "unreadable_picture", ""
    try:
        content = pictures.content(number)
        size_hw = decode_whole(content, name).shape[:2]
    except (OSError, ValueError) as error:
        problem = str(error).rstrip(".")
    if size_hw is not None and min(size_hw) < SMALLEST_SIDE:
        kind, problem = "too_small", f"{name} has {size_hw[1]}x{size_hw[0]} pixels, fewer than {SMALLEST_SIDE} a side"
    fault = Fault(name, None, kind, problem, "Replace the picture or take it out of the data.") if problem else None
    return _Looked(split, label, name, hashlib.sha256(content).digest(), None if fault else size_hw, fault)


def _unread_faults(path: Path, unread: Unread) -> list[Fault]:
    """A fault for every folder with files that are not read."""
    return [
        Fault(str(path / folder), None, "unreadable_picture", unread_message({folder: files}), UNREAD_FIX)
        for folder, files in unread.items()
    ]


def _too_few(classes: dict[str, dict[str, int]]) -> tuple[str, ...]:
    """A note on every class with one picture, where no other split is there to measure on."""
    if len(classes) > 1:
        return ()
    (counts,) = classes.values()
    return tuple(
        f"The class {label!r} has 1 sound picture. Training holds out a share of every class, which takes 2 or more: "
        "add pictures, or take the class out."
        for label, count in counts.items()
        if count == 1
    )


def _repeated(sound: Sequence[_Looked]) -> list[Fault]:
    """A fault for every picture that an earlier one equals byte for byte, in another class or another split."""
    first: dict[bytes, _Looked] = {}
    faults = []
    for looked in sound:
        before = first.setdefault(looked.digest, looked)
        same = f"{looked.name} is byte for byte {before.name}"
        if looked.label != before.label:
            message = f"{same}, of the class {before.label!r}"
            faults.append(Fault(looked.name, None, "disputed", message, "Keep it in the class that is right."))
        elif looked.split != before.split:
            message = f"{same}, of the split {before.split!r}"
            faults.append(Fault(looked.name, None, "leak", message, "Take one of them out."))
    return faults
