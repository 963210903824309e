"""Pictures and videos written so that a file of that name is always whole, and never one that has another part."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from cnn_suite.file_names import PICTURE_OUTPUT_SUFFIXES, VIDEO_SUFFIXES, is_picture_output_name, is_video_name
from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import FilesInUse, SinkError, check_writable
from cnn_suite.runtime.media.sinks import write_picture
from cnn_suite.runtime.media.video_sink import VideoSink


def check_picture_output(path: Path, files: FilesInUse, role: str = "output") -> None:
    """Claim a picture file, before any work.

    Args:
        path: The file to be written; its folder is made.
        files: Those in use, the inputs among them.
        role: What it is to the work, in a word.

    Raises:
        SinkError: If it has no picture's suffix, would overwrite a file in use, or cannot be written.
    """
    if not is_picture_output_name(path):
        suffixes = " ".join(PICTURE_OUTPUT_SUFFIXES)
        raise SinkError(f"{role.capitalize()} {path} must be a picture file that ends in one of {suffixes}.")
    files.claim(path, role)
    check_writable(path)


def check_video_output(path: Path, files: FilesInUse, role: str = "output") -> None:
    """Claim a video file, before any work; the arguments as of `check_picture_output`.

    Raises:
        SinkError: If it has no video's suffix, would overwrite a file in use, or cannot be written.
    """
    if not is_video_name(path):
        suffixes = " ".join(VIDEO_SUFFIXES[:5])
        raise SinkError(f"{role.capitalize()} {path} must be a video file that ends in one of {suffixes}.")
    files.claim(path, role)
    check_writable(path)


def write_whole(path: Path, picture_rgb: np.ndarray) -> None:
    """Write a picture beside its place and move it there.

    Raises:
        SinkError: If it cannot be written; what was there before is still there then.
    """
    temporary = _beside(path)
    try:
        write_picture(temporary, picture_rgb)
        temporary.replace(path)
    except OSError as fault:
        if isinstance(fault, SinkError):
            raise
        raise SinkError(f"Cannot write the picture {path}: {fault.strerror}.") from fault
    finally:
        temporary.unlink(missing_ok=True)


class WholeVideo:
    """A video that has its name after `close`; without `close` there is none.

    Args:
        path: The file; its suffix chooses the container.
        frame_rate: Frames a second.

    Attributes:
        path: The file as it will be called: with another suffix where OpenCV cannot write the first.
        frames: How many it was given; those that stay on longer than a frame count once.

    Raises:
        SinkError: If it cannot be written; at `close` if it is not whole then: what was there before stays there.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        self._sink = VideoSink(_beside(path), frame_rate)
        self.path = path.with_suffix(self._sink.path.suffix)
        self.frames = 0

    def write(self, picture_rgb: np.ndarray, time_s: float = 0.0) -> None:
        """Add one frame.

        Args:
            picture_rgb: `uint8 (height, width, 3)`.
            time_s: When it comes, in seconds since the first: where that is later than the frame rate says, the one
                before stays on until then.
        """
        self._sink.write(Frame(self.frames, picture_rgb, "", time_s), Detections.empty(), picture_rgb)
        self.frames += 1

    def close(self) -> None:
        """Write the end of the file and give it its name, where there is a frame."""
        self._sink.close()
        if self.frames:
            self._sink.path.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind where it was not closed."""
        with suppress(SinkError):  # it need not be whole to be removed
            self._sink.close()
        self._sink.path.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """Where a file is written before it has its name."""
    return path.with_name(f".{path.stem}.part{path.suffix}")
