"""Annotated frames into a video file."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import SinkError, check_writable

_log = logging.getLogger(__name__)
_CODECS = {".avi": ("MJPG",), ".mkv": ("mp4v",), ".webm": ("VP80",)}  # for any other suffix: mp4v
_FALL_BACK = ("MJPG", ".avi")  # OpenCV has this one built in, on every system
_LONGEST_REPEAT_S = 2.0


class VideoSink:
    """A video that plays at the speed of the source.

    No frame is left out. Where one comes later than the rate says, as the file's rate varies or a camera's frames were
    dropped, the one before is repeated until the times agree (over at most 2 s: longer pauses are cut).

    Args:
        path: The file; its suffix chooses the container.
        frame_rate: Frames a second of the video.

    Raises:
        SinkError: At once if the file cannot be written; at `close` if it is not whole then.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        check_writable(path)
        self.path, self._codec = _usable(path, frame_rate)
        self._frame_rate = frame_rate
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)
        self._next = 0  # the number of the next frame on the source's clock
        self._frames = 0
        self._last: np.ndarray | None = None

    def write(self, frame: Frame, detections: Detections, picture_rgb: np.ndarray) -> None:
        """Adds one frame; one of another size than the first is fitted into that size with a black margin."""
        if self._writer is None:
            height, width = picture_rgb.shape[:2]
            self._size_wh = width + width % 2, height + height % 2  # encoders want even sizes
            self._writer = _opened(self.path, self._codec, self._frame_rate, self._size_wh)
            if not self._writer.isOpened():
                raise SinkError(f"Cannot write the video {self.path} of {width} x {height} pixels.")
        picture = cv2.cvtColor(_fitted(picture_rgb, self._size_wh), cv2.COLOR_RGB2BGR)
        due = round(frame.time_s * self._frame_rate)
        if self._last is not None:
            for _ in range(min(due - self._next, int(_LONGEST_REPEAT_S * self._frame_rate))):
                self._put(self._last)
        self._put(picture)
        self._next = max(self._next, due) + 1
        self._last = picture

    def _put(self, picture_bgr: np.ndarray) -> None:
        assert self._writer is not None
        self._writer.write(picture_bgr)
        self._frames += 1

    @property
    def is_written(self) -> bool:
        """Whether there is a frame."""
        return self._frames > 0

    def close(self) -> None:
        """Writes the end of the file, without which it would not play, and looks whether it is there.

        Raises:
            SinkError: If the file does not open, or has fewer frames than were written.
        """
        if self._writer is not None:
            self._writer.release()  # like `write`, it says nothing of a full disk
            self._writer = None
            found = _frames_in(self.path)
            if found < self._frames:
                raise SinkError(
                    f"The video {self.path} is not whole: {self._frames} frames were written, but it has {found}. "
                    "The disk is probably full: free some space, or choose another folder."
                )


def _usable(path: Path, frame_rate: float) -> tuple[Path, str]:
    """The path and the codec that this OpenCV can really write, tried on a small file next to it."""
    wanted = _CODECS.get(path.suffix.lower(), ("mp4v",))
    for codec in wanted:
        if _can_write(path, codec, frame_rate):
            return path, codec
    codec, suffix = _FALL_BACK
    other = path.with_suffix(suffix)
    if not _can_write(other, codec, frame_rate):
        raise SinkError(f"Cannot write the video {path}: this OpenCV has neither {wanted[0]} nor {codec}.")
    _log.warning("This OpenCV cannot write %s as %s; writing %s as %s instead.", path.name, wanted[0], other, codec)
    return other, codec


def _can_write(path: Path, codec: str, frame_rate: float) -> bool:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".try_") as folder:
        trial = Path(folder) / f"trial{path.suffix}"
        writer = _opened(trial, codec, frame_rate, (64, 48))
        opened = writer.isOpened()
        if opened:
            writer.write(np.zeros((48, 64, 3), np.uint8))
        writer.release()
        return opened and trial.is_file() and trial.stat().st_size > 0


def _frames_in(path: Path) -> int:
    """How many frames a video file has, of which none is decoded; 0 where it cannot be opened."""
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_FORMAT, -1)  # packets as they are: 100 times faster, and not every container has a count
    frames = 0
    while capture.grab():
        frames += 1
    capture.release()
    return frames


def _opened(path: Path, codec: str, frame_rate: float, size_wh: tuple[int, int]) -> cv2.VideoWriter:
    return cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), frame_rate, size_wh)


def _fitted(picture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    bottom, right = height - picture.shape[0], width - picture.shape[1]
    if bottom not in (0, 1) or right not in (0, 1):
        scale = min(width / picture.shape[1], height / picture.shape[0])
        inner = max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale))
        picture = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
        top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
        bottom, right = height - inner[1] - top, width - inner[0] - left
        return cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT)
    return cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE) if bottom or right else picture
