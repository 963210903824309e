"""Ctrl-C, termination and a closed terminal as one KeyboardInterrupt, between two frames, not in the middle of one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


def _stop_signals() -> list[signal.Signals]:
    """The signals that end the work: a closed terminal's too, unless it is ignored, as `nohup` wishes."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # Windows has none
        found.append(signal.SIGHUP)
    return found


@contextlib.contextmanager
def signals_interrupt() -> Iterator[None]:
    """The first signal inside the block is a KeyboardInterrupt; later ones cannot cut off the closing of files."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, _interrupt) for number in _stop_signals()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    for each in _stop_signals():
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """A signal that comes inside the block takes effect at its end, so that all files have the same last frame."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
        yield
        return
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _stop_signals()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
