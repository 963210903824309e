"""Still pictures as a source: one file, a folder or a glob, in the natural order of their names."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.file_names import PICTURE_SUFFIXES, is_picture_name
from cnn_suite.runtime.media.frames import Frame, SourceError


class PictureSource:
    """Reads picture files one after the other; the window shows each for a second.

    Raises:
        SourceError: While reading, if the only picture is damaged; of several, after the last, with the text of each.
    """

    live = False
    still = True
    frame_rate = 1.0

    def __init__(self, paths: Sequence[Path], *, name: str) -> None:
        self.name = name
        self.frame_count: int | None = len(paths)
        self.files: Sequence[Path] = tuple(paths)

    def __iter__(self) -> Iterator[Frame]:
        faults = []
        for index, path in enumerate(self.files):
            try:
                picture = read_picture(path)
            except SourceError as fault:
                if len(self.files) == 1:
                    raise
                faults.append(str(fault))  # one damaged picture does not stop a thousand
            else:
                yield Frame(index, picture, str(path), 0.0)
        if faults:
            raise SourceError(f"{len(faults)} of {len(self.files)} pictures could not be read. {' '.join(faults)}")

    def close(self) -> None:
        """Nothing stays open between two pictures."""


def read_picture(path: Path) -> np.ndarray:
    """The picture in `path` as RGB `uint8 (height, width, 3)`, turned upright by its EXIF tag.

    Raises:
        SourceError: If the file is missing or no picture.
    """
    try:
        data = np.fromfile(path, np.uint8)  # imdecode rather than imread: any characters in the path
    except OSError as fault:
        raise SourceError(f"Cannot open the picture {path}: {fault.strerror}.") from fault
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise SourceError(f"Picture {path} is damaged or not readable by OpenCV. Repair or remove it.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly inside `folder`."""
    return _checked([path for path in folder.iterdir() if path.is_file()], f"Folder {folder}")


def pictures_matching(pattern: str) -> list[Path]:
    """The picture files that a glob matches; `**` goes through folders."""
    return _checked([Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file()], f"Pattern {pattern!r}")


def _checked(paths: list[Path], what: str) -> list[Path]:
    pictures = [path for path in paths if is_picture_name(path)]
    if not pictures:
        others = f" It contains {len(paths)} other files." if paths else ""
        raise SourceError(f"{what} contains no pictures ({' '.join(PICTURE_SUFFIXES)}).{others}")
    return sorted(pictures, key=lambda path: (str(path.parent), _natural(path.name)))


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", name) if part]
