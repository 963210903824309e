"""Files in class folders that are not read as pictures: which of them may be meant as some, and how to say so."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

Unread = dict[PurePosixPath, list[PurePosixPath]]  # folders and those of their files that are not read

UNREAD_FIX = "Convert pictures to .jpg or .png and take out the rest."
_NOTE_SUFFIXES = (".txt", ".md", ".rst", ".html", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".log")
_COMPANIONS = ("thumbs.db", "desktop.ini", "readme", "license")  # of a file manager and of an archive
_FOLDERS_SHOWN = 5


def unread_of(files: Iterable[PurePosixPath]) -> Unread:
    """The files of each folder that are neither notes nor what file managers leave behind, in the order of folders."""
    found: Unread = {}
    for file in files:
        if file.suffix.lower() not in _NOTE_SUFFIXES and file.name.lower() not in _COMPANIONS:
            found.setdefault(file.parent, []).append(file)
    return dict(sorted(found.items()))


def unread_message(unread: Unread) -> str:
    """Such as "20 files of dog are not read as pictures: .heic", of one folder or several; no full stop."""
    files = [file for members in unread.values() for file in members]
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    verb = "is not read as a picture" if len(files) == 1 else "are not read as pictures"
    suffixes = sorted({file.suffix.lower() or "no suffix" for file in files})
    return f"{count} of {_listed([str(folder) for folder in unread])} {verb}: {', '.join(suffixes)}"


def _listed(folders: Sequence[str]) -> str:
    more = len(folders) - _FOLDERS_SHOWN
    return ", ".join(folders[:_FOLDERS_SHOWN]) + (f" and {more} more folders" if more > 0 else "")
