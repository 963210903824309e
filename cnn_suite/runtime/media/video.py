"""Video files as a source: every frame, in order, with its time."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from cnn_suite.runtime.media.frames import DEFAULT_FRAME_RATE, Frame, SourceError

_log = logging.getLogger(__name__)
_COUNTING_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi")  # of others OpenCV estimates the count: duration times rate
_TOLERATED_LOSS = 0.02  # containers state their number of frames, and some state a few too many


class VideoSource:
    """A video file (or the http address of one).

    `frame_count` is what the container states; of one that states none, Matroska for example, it is an estimate from
    the duration, which is wrong where the rate varies or the sound is longer. Only a stated count tells damage.

    Raises:
        SourceError: At once if it cannot be opened; while reading if it has no frame, or ends long before its stated
            end.
    """

    live = False
    still = False

    def __init__(self, path: Path | str) -> None:
        self.name = str(path)
        self.files: Sequence[Path] = (Path(path),) if Path(path).is_file() else ()
        has_ffmpeg = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
        self._capture = cv2.VideoCapture(self.name, cv2.CAP_FFMPEG if has_ffmpeg else cv2.CAP_ANY)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"Cannot open the video {self.name}: it is damaged, truncated, or not readable by this OpenCV."
            )
        self.frame_rate = sane_frame_rate(self._capture.get(cv2.CAP_PROP_FPS))
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = int(count) if math.isfinite(count) and 0 < count < 1e9 else None

    def __iter__(self) -> Iterator[Frame]:
        index, time_s = 0, 0.0
        while True:
            read, image = self._capture.read()
            if not read or image is None:
                break
            stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if index:  # some containers have no stamps, or stamps that stand still
                time_s = stamp_s if math.isfinite(stamp_s) and stamp_s > time_s else time_s + 1 / self.frame_rate
            yield Frame(index, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self.name, time_s)
            index += 1
        self._check_end(index, time_s)

    def _check_end(self, frames: int, last_s: float) -> None:
        if frames == 0:
            raise SourceError(f"Video {self.name} contains no decodable frame: it is damaged.")
        expected = self.frame_count or 1
        least = expected - max(2, _TOLERATED_LOSS * expected)
        if not self._counts_frames:
            if last_s * self.frame_rate + 1 < least:
                text = "Video %s has its last frame at %.1f of %.1f s: its sound is longer, or it is cut off."
                _log.warning(text, self.name, last_s, expected / self.frame_rate)
        elif frames < least:
            raise SourceError(
                f"Video {self.name} is damaged or truncated: it ended after {frames} of {expected} frames. "
                "The results so far have been kept."
            )

    @property
    def _counts_frames(self) -> bool:
        return Path(self.name.split("?", 1)[0]).suffix.lower() in _COUNTING_SUFFIXES  # an address may have a query

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()


def sane_frame_rate(frame_rate: float) -> float:
    """`frame_rate`, or 30 where a container or a camera states 0, NaN or nonsense."""
    return float(frame_rate) if math.isfinite(frame_rate) and 0.1 < frame_rate <= 1000 else DEFAULT_FRAME_RATE
