"""A queue between two threads that either loses nothing or keeps only the newest item."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Ended(Exception):
    """The other side has closed the channel and everything in it has been taken."""


class Channel(Generic[T]):
    """First in, first out; closing it, with or without a fault, reaches both sides.

    Args:
        capacity: How many items wait at most.
        newest_only: When full, drop the oldest item rather than let the giver wait.
    """

    def __init__(self, capacity: int, *, newest_only: bool = False) -> None:
        self.dropped = 0
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._newest_only = newest_only
        self._closed = False
        self._fault: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Gives one item; False when the channel is closed and nobody will ever take it."""
        with self._changed:
            if self._newest_only and len(self._items) >= self._capacity:
                self._items.popleft()
                self.dropped += 1
            while len(self._items) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """The oldest item; None when none came within `timeout_s`.

        Raises:
            Ended: If the channel is closed and empty; or the fault it was closed with.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not self._items:
                if self._closed:
                    raise self._fault or Ended()
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return None
                self._changed.wait(left_s)
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self, fault: BaseException | None = None) -> None:
        """No more items; what waits can still be taken, then the taker meets `fault` or `Ended`."""
        with self._changed:
            if not self._closed:
                self._closed, self._fault = True, fault
            self._changed.notify_all()
