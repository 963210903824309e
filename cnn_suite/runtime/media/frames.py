"""Frames and their sources; `open_source` opens every kind of `--source`.

A source is an iterable of `Frame`s with a few facts about itself; pictures are RGB `uint8 (height, width, 3)`.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from cnn_suite.file_names import ANIMATION_SUFFIX, is_picture_name, is_video_name
from cnn_suite.runtime.model_files.not_there import NotThereError

STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt")
DEFAULT_FRAME_RATE = 30.0


class SourceError(RuntimeError):
    """A source cannot be opened, or has stopped delivering pictures; the message says which and what to do."""


class NoSourceError(SourceError, NotThereError):
    """There is nothing where a source should be."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Args:
        index: 0 for the first picture of the source; cameras count the pictures that were dropped, too.
        image_rgb: `uint8 (height, width, 3)`.
        source: The file or address it came from.
        time_s: Seconds since the first picture; 0 for still pictures.
    """

    index: int
    image_rgb: np.ndarray
    source: str
    time_s: float

    def mirrored(self) -> Frame:
        """The frame as in a mirror, left and right changed."""
        return replace(self, image_rgb=cv2.flip(self.image_rgb, 1))


class FrameSource(Protocol):
    """What every source has.

    `live` sources do not wait, so old frames are dropped; other sources never lose a frame.
    """

    name: str
    live: bool
    still: bool
    frame_rate: float
    frame_count: int | None

    @property
    def files(self) -> Sequence[Path]:
        """The files that it reads; none of a camera, a stream or the demo."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...


def open_source(source: str | int, *, endless_demo: bool = False) -> FrameSource:
    """The source that `source` names, opened and ready.

    Args:
        source: Camera index (`0` or "0") or device (/dev/video0), picture, folder of pictures, glob, video file,
            RTSP or HTTP address, or "demo".
        endless_demo: Whether "demo" begins again at its end.

    Raises:
        NoSourceError: If there is no such thing.
        SourceError: If it cannot be read.
    """
    from cnn_suite.runtime.media import camera, demo_source, pictures, video

    text = str(source).strip()
    if text == "demo":
        return demo_source.DemoSource(endless=endless_demo)
    if text.isascii() and text.isdigit():
        return camera.CameraSource(int(text))
    if text.startswith("/dev/video"):
        return camera.CameraSource(text)
    if "://" in text:
        return _open_address(text)
    path = Path(text).expanduser()
    if text and path.is_dir():
        return pictures.PictureSource(pictures.pictures_in(path), name=text)
    if path.is_file():
        if is_picture_name(path):
            return pictures.PictureSource([path], name=text)
        return video.VideoSource(path)
    if glob.has_magic(text):
        return pictures.PictureSource(pictures.pictures_matching(str(path)), name=text)
    raise NoSourceError(
        f"There is no source {text!r}. Use a camera index, a picture, a folder, a quoted glob, a video file, "
        "an rtsp:// or http:// URL, or demo."
    )


def _open_address(address: str) -> FrameSource:
    from cnn_suite.runtime.media import camera, video

    scheme = address.split("://", 1)[0].lower()
    if scheme not in STREAM_SCHEMES:
        raise SourceError(f"Address {address!r} has the unknown scheme {scheme!r}. Known: {', '.join(STREAM_SCHEMES)}.")
    name = address.split("?", 1)[0]
    if scheme.startswith("http") and (is_video_name(name) or name.lower().endswith(ANIMATION_SUFFIX)):
        return video.VideoSource(address)
    return camera.CameraSource(address)
