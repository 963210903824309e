"""Where annotated pictures go: a video file, a folder of pictures, one picture, or the best picture of a run.

Every sink is checked for writing when it is made, before the first frame, and whole after `close`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from cnn_suite.file_names import PICTURE_SUFFIXES, VIDEO_SUFFIXES, is_picture_name, is_video_name
from cnn_suite.results import Detections
from cnn_suite.runtime.frames import Frame, FrameSource


class SinkError(OSError):
    """Something cannot be written; the text says what, where and why."""


class Closable(Protocol):
    """Anything with an end."""

    def close(self) -> None: ...


class PictureSink(Closable, Protocol):
    """Takes the annotated pictures of a run."""

    path: Path

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None: ...


def open_picture_sink(output: str | os.PathLike[str], source: FrameSource) -> PictureSink:
    """The sink that `--output` names: a video or picture file by its suffix, otherwise a folder.

    Raises:
        SinkError: If nothing can be written there.
    """
    from cnn_suite.runtime.video_sink import VideoSink

    path = Path(output).expanduser()
    if is_video_name(path):
        return VideoSink(path, source.frame_rate, live=source.live)
    if is_picture_name(path):
        if source.frame_count != 1:
            raise SinkError(
                f"Output {path} is one picture, but source {source.name} has more. Give a video file or a folder."
            )
        return PictureFileSink(path)
    if path.suffix and not path.is_dir():
        raise SinkError(
            f"Output {path} has a suffix that is no known video ({' '.join(VIDEO_SUFFIXES[:5])}) or picture "
            f"({' '.join(PICTURE_SUFFIXES[:3])}). Give a folder as a name without a suffix."
        )
    return FolderSink(path)


class FolderSink:
    """One JPEG a frame, named after the source picture or numbered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise SinkError(f"Folder {path} cannot be made: {fault.strerror}.") from fault
        check_writable(path / "picture.jpg")
        self._written: set[str] = set()

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Writes one picture."""
        origin = Path(frame.source)
        stem = origin.stem if is_picture_name(origin) else f"frame_{frame.index:06d}"
        if stem in self._written:  # a glob may reach into folders with equal names
            stem = f"{stem}_{frame.index:06d}"
        self._written.add(stem)
        target = self.path / f"{stem}.jpg"
        if target.exists() and origin.exists() and target.samefile(origin):
            raise SinkError(f"Output {target} would overwrite the source picture. Choose another folder.")
        write_picture(target, picture_rgb)

    def close(self) -> None:
        """Each picture is whole as soon as it is written."""


class PictureFileSink:
    """The annotated picture of a run that has only one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        check_writable(path)

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Writes the picture."""
        if self.path.exists() and Path(frame.source).exists() and self.path.samefile(frame.source):
            raise SinkError(f"Output {self.path} would overwrite the source picture. Choose another name.")
        write_picture(self.path, picture_rgb)

    def close(self) -> None:
        """The picture is whole as soon as it is written."""


class SnapshotSink:
    """Keeps the picture with the most detections, of equals the surest, and writes it at the end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if not is_picture_name(self.path):
            raise SinkError(f"Snapshot {self.path} must end in one of {' '.join(PICTURE_SUFFIXES)}.")
        check_writable(self.path)
        self._best: tuple[int, float] = (-1, 0.0)
        self._picture_rgb: np.ndarray | None = None

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Remembers the picture if it is the best so far."""
        rank = (len(detections), float(detections.confidence.sum()))
        if rank > self._best:
            self._best, self._picture_rgb = rank, picture_rgb

    def close(self) -> None:
        """Writes the best picture."""
        if self._picture_rgb is not None:
            write_picture(self.path, self._picture_rgb)


def write_picture(path: Path, picture_rgb: np.ndarray) -> None:
    """Writes an RGB picture; the suffix of `path` chooses the format.

    Raises:
        SinkError: If the file cannot be written.
    """
    try:
        done, data = cv2.imencode(path.suffix, cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2BGR))
        if not done:
            raise SinkError(f"Picture {path} cannot be encoded as {path.suffix}. Choose .jpg or .png.")
        path.write_bytes(data.tobytes())
    except cv2.error as fault:
        raise SinkError(f"Picture {path} cannot be encoded as {path.suffix}. Choose .jpg or .png.") from fault
    except OSError as fault:
        if isinstance(fault, SinkError):
            raise
        raise SinkError(f"Picture {path} cannot be written: {fault.strerror}.") from fault


def check_writable(path: Path) -> None:
    """Makes the folder of `path` and tries that a file can be written there; leaves an existing file as it is.

    Raises:
        SinkError: If it cannot.
    """
    try:
        if path.parent.exists() and not path.parent.is_dir():
            raise SinkError(f"Output {path} cannot be written: {path.parent} is no folder.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise SinkError(f"Output {path} is a folder; a file was expected.")
        if path.exists():
            with path.open("ab"):
                return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}."):
            return
    except OSError as fault:
        if isinstance(fault, SinkError):
            raise
        raise SinkError(f"Output {path} cannot be written: {fault.strerror or fault}.") from fault


def close_all(sinks: Iterable[Closable]) -> None:
    """Closes every sink, even when closing one of them fails; the first fault is raised afterwards."""
    faults = []
    for sink in sinks:
        try:
            sink.close()
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
