"""Capture and processing in separate threads; the caller takes the results in order.

    source --(capture thread)--> frames --(work thread)--> results --> whoever calls `take`

Of live sources only the newest frame waits for the work, so a slow model never falls behind; of files every frame
does, and the reader waits. A fault on either thread comes out of `take` after the last good result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from cnn_suite.runtime.channel import Channel, Ended
from cnn_suite.runtime.media.frames import Frame, FrameSource

T = TypeVar("T")
_READ_AHEAD, _JOIN_S = 8, 2.0


@dataclass(frozen=True, eq=False)
class Result(Generic[T]):
    """What the work made of one frame, and how long it took."""

    frame: Frame
    value: T
    latency_s: float


class Pipeline(Generic[T]):
    """Runs `work` over the frames of `source`; a context manager that starts and ends the threads.

    Args:
        source: Where frames come from; it is closed at the end.
        work: What is done with each frame, always on the same thread.
        mirror: Whether frames are mirrored left to right before the work.
    """

    def __init__(self, source: FrameSource, work: Callable[[Frame], T], *, mirror: bool = False) -> None:
        self.source = source
        self.newest: Frame | None = None
        self._work, self._mirror = work, mirror
        self._frames: Channel[Frame] = Channel(1 if source.live else _READ_AHEAD, newest_only=source.live)
        self._results: Channel[Result[T]] = Channel(1 if source.live else _READ_AHEAD)
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._capture, self._process)]

    @property
    def dropped(self) -> int:
        """Frames that no result was made of, because newer ones had come."""
        return self._frames.dropped

    def __enter__(self) -> Pipeline[T]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._frames.close()
        self._results.close()
        for thread in self._threads:  # a camera may hang inside its driver: its thread is a daemon
            thread.join(_JOIN_S)

    def __iter__(self) -> Iterator[Result[T]]:
        while True:
            try:
                result = self.take()
            except Ended:
                return
            if result is not None:
                yield result

    def take(self, timeout_s: float | None = None) -> Result[T] | None:
        """The next result in order; None when there is none within `timeout_s`.

        Raises:
            Ended: After the last result. Or the fault that ended the source or the work.
        """
        return self._results.take(timeout_s)

    def _capture(self) -> None:
        fault: BaseException | None = None
        try:
            for frame in self.source:
                if self._mirror:
                    frame = frame.mirrored()
                self.newest = frame
                if not self._frames.put(frame):
                    break
        except Exception as caught:
            fault = caught
        finally:
            self._frames.close(fault)
            self.source.close()  # here, not by another thread: OpenCV must not be closed while it reads

    def _process(self) -> None:
        try:
            while True:
                frame = self._frames.take()
                assert frame is not None  # without a timeout there is always one
                start_s = time.perf_counter()
                value = self._work(frame)
                if not self._results.put(Result(frame, value, time.perf_counter() - start_s)):
                    break
        except Ended:
            self._results.close()
        except Exception as fault:
            self._results.close(fault)
        finally:
            self._frames.close()  # lets a waiting reader go when the work has failed
