"""Shared by the tests of runtime/: a source without camera or file."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from cnn_suite.runtime.media.frames import Frame


class Numbers:
    """A source of numbered 2 x 3 pictures; `fault` ends it, `pause_s` lies between two."""

    name, still, frame_rate, frame_count = "numbers", False, 30.0, None

    def __init__(self, count, *, live=False, fault=None, pause_s=0.0):
        self.count, self.live, self.fault, self.pause_s = count, live, fault, pause_s
        self.closed_by = None

    def __iter__(self):
        for index in range(self.count):
            time.sleep(self.pause_s)
            yield Frame(index, np.array([[[index] * 3, [0] * 3, [9] * 3]] * 2, np.uint8), "numbers", index / 30)
        if self.fault:
            raise self.fault

    def close(self):
        self.closed_by = threading.current_thread()


@pytest.fixture
def numbers() -> type[Numbers]:
    """The class, to make sources of."""
    return Numbers
