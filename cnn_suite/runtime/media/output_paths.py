"""Checks whether an output path is writable and does not overwrite a file in use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable, Iterable
from pathlib import Path


class SinkError(OSError):
    """Something cannot be written; the text says what, where and why."""


class FilesInUse:
    """The files that a run reads and writes, so that none of them is written over.

    A file is known by what it is, not by how its path is spelt: links and `..` lead to the same one.

    Args:
        read: The files that are read.
    """

    def __init__(self, read: Iterable[str | os.PathLike[str]] = ()) -> None:
        self._parts: dict[Hashable, str] = {}
        for path in read:
            self._remember(Path(path), "a file that is read")

    def claim(self, path: Path, role: str) -> None:
        """Take a file for writing, which may not exist yet.

        Args:
            path: The file.
            role: What it is to the run, in a word: "output". The same role may claim it again.

        Raises:
            SinkError: If the file is read, or claimed for another role.
        """
        part = f"the {role}"
        for key in _keys(path):
            if self._parts.get(key, part) != part:
                raise SinkError(
                    f"{role.capitalize()} {path} would overwrite {self._parts[key]}. Choose another name or folder."
                )
        self._remember(path, part)

    def _remember(self, path: Path, part: str) -> None:
        self._parts |= dict.fromkeys(_keys(path), part)


def _keys(path: Path) -> list[Hashable]:
    """What tells a file from others: its place, and where it exists its number on its disk."""
    keys: list[Hashable] = [os.path.realpath(path)]
    if path.exists():
        keys.append((path.stat().st_dev, path.stat().st_ino))
    return keys


def check_writable(path: Path) -> None:
    """Makes the folder of `path` and tries that a file can be written there; leaves an existing file as it is.

    Raises:
        SinkError: If it cannot.
    """
    try:
        if path.parent.exists() and not path.parent.is_dir():
            raise SinkError(f"Cannot write the output {path}: {path.parent} is not a folder.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise SinkError(f"Output {path} is a folder; expected a file.")
        if path.exists():
            with path.open("ab"):
                return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}."):
            return
    except OSError as fault:
        if isinstance(fault, SinkError):
            raise
        raise SinkError(f"Cannot write the output {path}: {fault.strerror or fault}.") from fault
