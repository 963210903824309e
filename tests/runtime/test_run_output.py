"""What comes out of a run: pictures, records, progress."""

from __future__ import annotations

import argparse
import json
import types

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.frames import Frame
from cnn_suite.runtime.run_output import RunOutput, open_output
from cnn_suite.runtime.sinks import SinkError
from cnn_suite.runtime.statistics import RunStatistics

FRAME = Frame(0, np.zeros((8, 12, 3), np.uint8), "demo", 0.0)
FOUND = Detections(np.zeros((1, 4)), np.full(1, 0.5), np.zeros(1, int))


def arguments(**given):
    flags = dict.fromkeys(("output", "snapshot", "results", "max_frames"))
    return argparse.Namespace(**{**flags, "quiet": True, **given})


def source():
    return types.SimpleNamespace(name="s", live=False, still=False, frame_rate=30.0, frame_count=3)


def test_the_flags_name_the_files_and_every_one_is_written(tmp_path):
    flags = {"output": tmp_path / "out", "snapshot": tmp_path / "best.png", "results": tmp_path / "r.jsonl"}
    output = open_output(arguments(**flags), source(), shown=False)
    output.take(FRAME, FOUND, FRAME.image_rgb, RunStatistics(), {"lines": 2}, [{"identity": "Ada"}])
    output.close()
    record = json.loads((tmp_path / "r.jsonl").read_text())
    assert record["lines"] == 2 and record["detections"][0]["identity"] == "Ada"
    assert (tmp_path / "out" / "frame_000000.jpg").is_file() and (tmp_path / "best.png").is_file()
    assert output.written() == [f"written: {', '.join(str(path) for path in flags.values())}"]


def test_without_files_nothing_is_written_or_said():
    output = open_output(arguments(), source(), shown=False)
    output.take(FRAME, FOUND, FRAME.image_rgb, RunStatistics())
    output.close()
    assert output.written() == []


def test_what_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(SinkError, match="must end in .jsonl"):
        open_output(arguments(results=tmp_path / "r.txt"), source(), shown=False)


def test_the_progress_line_counts_frames_and_goes_at_the_end():
    calls = []
    line = types.SimpleNamespace(update=lambda *told: calls.append(told), close=lambda: calls.append("closed"))
    statistics = RunStatistics()
    statistics.add(FOUND, 0.01)
    output = RunOutput(progress=line)
    output.take(FRAME, FOUND, FRAME.image_rgb, statistics)
    output.close()
    assert calls == [(1, 0.0), "closed"]
