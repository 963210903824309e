"""Interprets the folders of an image tree: which are splits, which are classes, and which only contain the others."""

from collections.abc import Container, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")


class Place(NamedTuple):
    """Where a picture belongs."""

    split: str
    label: str


def places(names: Sequence[PurePosixPath], root: object, labels: Container[str] = ()) -> list[Place]:
    """The split and the class of every picture.

    A folder that holds everything is looked through, unless it is called like a split or one of the labels. Folders
    called like splits (train, val, test, ...) are splits where one of them has folders of its own; otherwise every
    folder is a class, and all of them are the split "train".

    Args:
        names: Pictures in folders, relative to the data set.
        root: Where the data set lies, for messages.
        labels: Names that are known to be classes.

    Raises:
        ValueError: If some first folders are splits and others are not, or a picture of a split is in no class.
    """
    depth = _depth_of_what_holds_everything(names, labels)
    inner = [name.parts[depth:] for name in names]
    first = sorted({parts[0] for parts in inner})
    splits = [folder for folder in first if _is_split(folder)]
    nested = any(_is_split(parts[0]) and len(parts) > 2 for parts in inner)
    if not splits or (not nested and splits != first):
        return [Place("train", parts[0]) for parts in inner]
    for name, parts in zip(names, inner, strict=True):
        if not _is_split(parts[0]):
            raise ValueError(
                f"{root} has the splits {', '.join(splits)}, and beside them the folder {parts[0]!r} with pictures. "
                "Take it out, or move it into the split that it is a class of."
            )
        if len(parts) < 3:
            raise ValueError(
                f"{root}/{name} lies in the split {parts[0]!r} but in no folder of a class, such as "
                f"{root}/{name.parent}/cat. Move it into one, or take it out."
            )
    return [Place(parts[0], parts[1]) for parts in inner]


def _is_split(folder: str) -> bool:
    return folder.lower() in SPLITS


def _depth_of_what_holds_everything(names: Sequence[PurePosixPath], labels: Container[str]) -> int:
    """How many folders, one inside of the other, lie round all pictures and are neither a split nor a class."""
    depth = 0
    while all(len(name.parts) > depth + 2 for name in names):
        outer = {name.parts[depth] for name in names}
        if len(outer) > 1 or any(_is_split(folder) or folder in labels for folder in outer):
            break
        depth += 1
    return depth
