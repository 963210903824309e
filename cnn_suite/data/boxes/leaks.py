"""The same picture in two splits: by path, and by content where two files are equal byte for byte.

A leak silently makes test results too good, so readers report it like any other fault.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnn_suite.data.boxes.annotations import AnnotatedPicture, Fault

_TAIL_BYTES = 4096
_KEEP_RANK = {"train": 0, "val": 2, "valid": 2, "validation": 2, "test": 3}  # others: 1; the highest keeps the picture

Splits = Mapping[str, Sequence[AnnotatedPicture]]
Group = list[tuple[str, AnnotatedPicture]]  # split and picture
Listed = Mapping[tuple[str, Path], tuple[str, int | None]]  # (split, picture) to the place that lists it


@dataclass(frozen=True)
class Leak:
    """One picture that is in two splits; it should be removed from `split`, because `kept_split` has it too."""

    split: str
    picture: AnnotatedPicture
    kept_split: str
    kept_picture: AnnotatedPicture


def find_leaks(splits: Splits) -> tuple[Leak, ...]:
    """Every picture of one split that another split of higher rank (test, then val, then train) holds as well."""
    ranked = sorted(splits, key=lambda name: -_KEEP_RANK.get(name, 1))
    entries = [(split, picture) for split in ranked for picture in splits[split]]
    leaks = []
    for group in _same_pictures(entries) if len(splits) > 1 else ():
        kept_split, kept_picture = group[0]
        leaks += [Leak(split, picture, kept_split, kept_picture) for split, picture in group[1:] if split != kept_split]
    return tuple(leaks)


def take_out_leaks(
    splits: Splits, listed: Listed | None = None
) -> tuple[dict[str, tuple[AnnotatedPicture, ...]], list[Fault]]:
    """Splits without the leaked pictures, and one fault for each removed picture.

    Args:
        splits: Split name to pictures.
        listed: File and line that put a picture into a split, for messages; without it the picture is named.

    Returns:
        The splits, where a leaked picture stays in the one of higher rank (train loses first), and the faults.
    """
    leaks = find_leaks(splits)
    leaked = {(leak.split, id(leak.picture)) for leak in leaks}
    kept = {
        split: tuple(picture for picture in pictures if (split, id(picture)) not in leaked)
        for split, pictures in splits.items()
    }
    return kept, [_fault(leak, listed or {}) for leak in leaks]


def _fault(leak: Leak, listed: Listed) -> Fault:
    file, line = listed.get((leak.split, leak.picture.path), (str(leak.picture.path), None))
    if leak.picture.path == leak.kept_picture.path:
        what = f"the picture {leak.picture.path} is in the splits {leak.split!r} and {leak.kept_split!r}"
    else:
        what = (
            f"the picture {leak.picture.path} of the split {leak.split!r} is identical to "
            f"{leak.kept_picture.path} of the split {leak.kept_split!r}"
        )
    return Fault(file, line, "leak", what, f"Remove it from {leak.split!r}.")


def _same_pictures(entries: Group) -> list[Group]:
    """Groups of entries with the same content; order inside a group as given.

    Only files of equal size are looked into, first at their tail, then as a whole: most data sets are never read.
    """
    groups: list[list[tuple[str, AnnotatedPicture]]] = [entries]
    steps: tuple[Callable[[Path], object], ...] = (_file_size, _tail_digest, _full_digest)
    for key in steps:
        groups = [part for group in groups for part in _split_by(group, key) if _spans_splits(part)]
    return groups


def _split_by(group: Group, key: Callable[[Path], object]) -> list[Group]:
    parts: dict[object, Group] = defaultdict(list)
    for split, picture in group:
        parts[key(picture.path)].append((split, picture))
    return list(parts.values())


def _spans_splits(group: Group) -> bool:
    return len({split for split, _ in group}) > 1


def _file_size(path: Path) -> int:
    return path.stat().st_size


def _tail_digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return hashlib.sha256(file.read()).digest()


def _full_digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
