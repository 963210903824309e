from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime import statistics
from cnn_suite.runtime.statistics import ProgressLine, RunStatistics


def found(*class_ids, ids=None):
    count = len(class_ids)
    return Detections(np.zeros((count, 4)), np.ones(count), np.array(class_ids, int), ("cat", "dog"), ids)


@pytest.fixture
def clock(monkeypatch):
    """A clock that we turn: clock[0] are the seconds."""
    now = [100.0]
    monkeypatch.setattr(statistics.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(statistics.time, "monotonic", lambda: now[0])
    return now


def test_the_summary_counts_frames_objects_and_tracks(clock):
    run = RunStatistics()
    for step, each in enumerate([found(0, 0, ids=np.array([1, -1])), found(0, 1, ids=np.array([1, 2])), found()]):
        clock[0] += 0.5
        run.add(each, 0.001 * (step + 1))
    assert run.summary(dropped=4) == [
        "3 frames in 1.50 s: 2.0 frames per second (4 older camera frames dropped)",
        "model latency: median 2.0 ms, 95th percentile 2.9 ms",
        "found cat: 3 in 2 frames, 1 tracked",
        "found dog: 1 in 1 frame, 1 tracked",
    ]


def test_a_run_without_finds_says_so(clock):
    run = RunStatistics()
    clock[0] += 1
    run.add(found(), 0.01)
    assert run.summary()[0] == "1 frame in 1.00 s: 1.0 frames per second" and run.summary()[-1] == "found nothing"


def test_the_rate_on_the_screen_is_that_of_the_last_30_frames(clock):
    run = RunStatistics()
    assert run.frame_rate == 0
    for step in range(60):
        clock[0] += 1.0 if step < 30 else 0.05
        run.add(found(), 0.004)
    assert run.frame_rate == pytest.approx(20) and run.overlay() == "20 frames/s  model 4.0 ms"


def test_the_progress_line_waits_two_seconds_and_cleans_up(monkeypatch, clock):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = ProgressLine(100)
    progress.update(10, 50.0)
    assert terminal.getvalue() == ""
    clock[0] += 2.1
    progress.update(50, 50.0)
    progress.update(51, 50.0)  # within a fifth of a second: not again
    assert terminal.getvalue() == "\r[##########..........] 50 of 100 frames, 50.0 per second"
    progress.close()
    assert terminal.getvalue().endswith(" \r")


@pytest.mark.parametrize(("is_terminal", "quiet"), [(False, False), (True, True)])
def test_the_progress_line_is_silent_without_a_terminal_or_when_quiet(monkeypatch, clock, is_terminal, quiet):
    terminal = io.StringIO()
    terminal.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = ProgressLine(None, quiet=quiet)
    clock[0] += 5
    progress.update(10, 50.0)
    progress.close()
    assert terminal.getvalue() == ""
