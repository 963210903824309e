"""Cameras and network streams as sources, which do not wait and may be disconnected."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

from cnn_suite.runtime.media.frames import Frame, SourceError
from cnn_suite.runtime.media.video import sane_frame_rate

_OPEN_TIMEOUT_MS = 10_000
_RETRY_PAUSE_S = 0.05


class CameraSource:
    """A webcam (by index or device file) or an RTSP or HTTP stream.

    Args:
        address: Index, device file or URL.
        patience_s: Seconds without a picture before the camera counts as disconnected.
        open_capture: Makes the object with OpenCV's `isOpened`, `read`, `get` and `release`; tests give their own.

    Raises:
        SourceError: At once if the camera cannot be opened; while reading when it is gone.
    """

    live = True
    still = False
    files: Sequence[Path] = ()
    frame_count: int | None = None

    def __init__(
        self,
        address: int | str,
        *,
        patience_s: float = 2.0,
        open_capture: Callable[[int | str], Any] | None = None,
    ) -> None:
        self.name = f"camera {address}" if isinstance(address, int) else str(address)
        self._patience_s = patience_s
        if open_capture is None and _lacks_device(address):
            raise SourceError(self._missing(address))
        self._capture = (open_capture or _open)(address)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(self._missing(address))
        self.frame_rate = sane_frame_rate(self._capture.get(cv2.CAP_PROP_FPS))

    def _missing(self, address: int | str) -> str:
        if isinstance(address, str) and "://" in address:
            return f"Cannot open the stream {address}. Check the address, the network, user name and password."
        return (
            f"There is no camera at {address!r}, or another program is using it. "
            "Connect one, try another index, or run without a camera: --source demo."
        )

    def __iter__(self) -> Iterator[Frame]:
        start_s = last_s = time.monotonic()
        index = 0
        while True:
            read, image = self._capture.read()
            now_s = time.monotonic()
            if read and image is not None:
                start_s = now_s if index == 0 else start_s
                yield Frame(index, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self.name, now_s - start_s)
                index, last_s = index + 1, time.monotonic()
            elif now_s - last_s >= self._patience_s:
                raise SourceError(self._gone(index))
            else:
                time.sleep(_RETRY_PAUSE_S)

    def _gone(self, frames: int) -> str:
        if frames == 0:
            return (
                f"{self.name} is open but delivers no picture. Another program may be using it; or try another index."
            )
        return f"{self.name} stopped delivering pictures after {frames} frames. Check its cable or network."

    def close(self) -> None:
        """Releases the camera. Only for the thread that reads it: OpenCV may crash if another thread does this."""
        self._capture.release()


def _open(address: int | str) -> Any:
    if isinstance(address, int) or "://" not in address:
        return cv2.VideoCapture(address)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS]
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)


def _lacks_device(address: int | str) -> bool:
    """Whether Linux knows of no such device: asking OpenCV would print pages of warnings first."""
    if not sys.platform.startswith("linux") or (isinstance(address, str) and "://" in address):
        return False
    return not Path(f"/dev/video{address}" if isinstance(address, int) else address).exists()
