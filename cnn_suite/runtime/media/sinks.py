"""Where annotated pictures go: a video file, a folder of pictures, one picture, or the best picture of a run.

Every sink is checked for writing when it is made, before the first frame, and whole after `close`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from cnn_suite.file_names import (
    PICTURE_OUTPUT_SUFFIXES,
    VIDEO_SUFFIXES,
    is_picture_name,
    is_picture_output_name,
    is_video_name,
)
from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame, FrameSource
from cnn_suite.runtime.media.output_paths import FilesInUse, SinkError, check_writable


class Closable(Protocol):
    """Anything with an end."""

    def close(self) -> None: ...


class PictureSink(Closable, Protocol):
    """Takes the annotated pictures of a run; `is_written` when there is something at `path`, or will be at `close`."""

    path: Path

    @property
    def is_written(self) -> bool: ...

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None: ...


def open_picture_sink(output: str | os.PathLike[str], source: FrameSource, files: FilesInUse) -> PictureSink:
    """The sink that `--output` names: a video or picture file by its suffix, otherwise a folder.

    Args:
        output: Where to.
        source: Where its pictures come from.
        files: Those in use, the source's among them.

    Raises:
        SinkError: If nothing can be written there, or it would overwrite a file in use.
    """
    sink = _picture_sink(Path(output).expanduser(), source, files)
    files.claim(sink.path, "output")
    return sink


def _picture_sink(path: Path, source: FrameSource, files: FilesInUse) -> PictureSink:
    from cnn_suite.runtime.media.video_sink import VideoSink

    if is_video_name(path):
        return VideoSink(path, source.frame_rate)
    if is_picture_output_name(path):
        if source.frame_count != 1:
            raise SinkError(
                f"Output {path} is a single picture, but source {source.name} has more. Use a video file or a folder."
            )
        return PictureFileSink(path)
    if path.suffix and not path.is_dir():
        raise SinkError(
            f"Output {path} has an unknown suffix for a video ({' '.join(VIDEO_SUFFIXES[:5])}) or picture "
            f"({' '.join(PICTURE_OUTPUT_SUFFIXES[:3])}). Give a folder as a name without a suffix."
        )
    return FolderSink(path, files, source.files)


class FolderSink:
    """One JPEG a frame, named after the source picture or numbered.

    Args:
        path: The folder; it is made.
        files: Those in use: none of them is overwritten.
        pictures: The source's files: where one of them would be overwritten by its own result, it is said at once.
    """

    def __init__(self, path: Path, files: FilesInUse, pictures: Sequence[Path] = ()) -> None:
        self.path, self._files = path, files
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise SinkError(f"Cannot create the folder {path}: {fault.strerror}.") from fault
        check_writable(path / "picture.jpg")
        for picture in pictures:
            files.claim(self._target(picture.stem), "output")
        self._written: set[str] = set()

    @property
    def is_written(self) -> bool:
        """Whether there is a picture."""
        return bool(self._written)

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Writes one picture."""
        origin = Path(frame.source)
        stem = origin.stem if is_picture_name(origin) else f"frame_{frame.index:06d}"
        if stem in self._written:  # a glob may reach into folders with equal names
            stem = f"{stem}_{frame.index:06d}"
        self._files.claim(self._target(stem), "output")
        write_picture(self._target(stem), picture_rgb)
        self._written.add(stem)

    def close(self) -> None:
        """Each picture is whole as soon as it is written."""

    def _target(self, stem: str) -> Path:
        return self.path / f"{stem}.jpg"


class PictureFileSink:
    """The annotated picture of a run that has only one."""

    def __init__(self, path: Path) -> None:
        self.path, self.is_written = path, False
        check_writable(path)

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Writes the picture."""
        write_picture(self.path, picture_rgb)
        self.is_written = True

    def close(self) -> None:
        """The picture is whole as soon as it is written."""


class SnapshotSink:
    """Keeps the picture with the most detections, of equals the most confident, and writes it at the end."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if not is_picture_output_name(self.path):
            raise SinkError(f"Snapshot {self.path} must end in one of {' '.join(PICTURE_OUTPUT_SUFFIXES)}.")
        check_writable(self.path)
        self._best: tuple[int, float] = (-1, 0.0)
        self._picture_rgb: np.ndarray | None = None

    @property
    def is_written(self) -> bool:
        """Whether there is a picture to write."""
        return self._picture_rgb is not None

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
        raise SinkError(f"Cannot write the picture {path}: {fault.strerror}.") from fault


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
