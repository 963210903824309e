from __future__ import annotations

import time

import numpy as np
import pytest

from cnn_suite.runtime.loop import run_loop
from cnn_suite.runtime.media.frames import SourceError
from cnn_suite.runtime.pipeline import Pipeline


class FakeWindow:
    """Remembers what it showed; `keys` maps the number of a poll to what the user does then."""

    def __init__(self, keys=None):
        self.keys, self.shown, self.polls, self.paused = keys or {}, [], 0, False

    def show(self, picture):
        self.shown.append(picture)

    def poll(self):
        time.sleep(0.001)
        self.polls += 1
        action = self.keys.get(self.polls)
        if action == "space":
            self.paused = not self.paused
        return action != "quit"


def run(source, *, work=lambda frame: frame.index, **arguments):
    handled = []

    def handle(result):
        handled.append(result.value)
        return result.value

    with Pipeline(source, work) as pipeline:
        run_loop(pipeline, handle, redraw=lambda frame: frame.index, **arguments)
    return handled


def test_without_a_window_everything_is_handled_in_order(numbers):
    assert run(numbers(50)) == list(range(50))


def test_max_frames_ends_the_loop(numbers):
    assert run(numbers(50), max_frames=3) == [0, 1, 2]


def test_a_fault_comes_out_after_the_last_frame(numbers):
    handled = []
    with Pipeline(numbers(4, fault=SourceError("unplugged")), lambda frame: frame.index) as pipeline:
        with pytest.raises(SourceError, match="unplugged"):
            run_loop(pipeline, lambda result: handled.append(result.value), redraw=lambda frame: frame)
    assert handled == [0, 1, 2, 3]


def test_a_file_is_shown_whole_and_at_its_own_speed(numbers):
    window, source = FakeWindow(), numbers(10)
    source.frame_rate = 100.0
    start_s = time.monotonic()
    assert run(source, window=window) == window.shown == list(range(10))
    assert 0.08 < time.monotonic() - start_s < 1


def test_the_window_shows_newer_camera_frames_than_a_slow_model_has_seen(numbers):
    window = FakeWindow()
    source = numbers(60, live=True, pause_s=0.005)
    handled = run(source, work=lambda frame: time.sleep(0.1) or frame.index, window=window)
    assert len(window.shown) > 3 * len(handled) and window.shown == sorted(window.shown)


def test_quitting_ends_the_loop(numbers):
    window = FakeWindow({5: "quit"})
    assert len(run(numbers(10**9), window=window)) <= 5


def test_pausing_stops_a_file_and_loses_no_frame(numbers):
    window = FakeWindow({3: "space", 60: "space"})
    source = numbers(20)
    source.frame_rate = 1000.0
    assert run(source, window=window) == list(range(20))
    assert window.polls > 60


def test_the_last_picture_stays_until_the_user_has_seen_it(numbers):
    window, source = FakeWindow({40: "quit"}), numbers(1)
    source.still = True
    assert run(source, window=window) == [0]
    assert window.polls == 40


def test_the_picture_of_the_handler_is_what_is_shown(numbers):
    window = FakeWindow()
    picture = np.zeros((2, 2, 3), np.uint8)
    with Pipeline(numbers(1), lambda frame: frame) as pipeline:
        run_loop(pipeline, lambda result: picture, redraw=lambda frame: None, window=window)
    assert window.shown[0] is picture
