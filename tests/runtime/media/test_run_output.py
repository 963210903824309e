"""What comes out of a run: pictures, records, progress."""

from __future__ import annotations

import argparse
import json
import types

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.runtime.media.run_output import RunOutput, open_output
from cnn_suite.runtime.statistics import RunStatistics

FRAME = Frame(0, np.zeros((8, 12, 3), np.uint8), "demo", 0.0)
FOUND = Detections(np.zeros((1, 4)), np.full(1, 0.5), np.zeros(1, int))


def arguments(**given):
    flags = dict.fromkeys(("output", "snapshot", "results", "max_frames"))
    return argparse.Namespace(**{**flags, "quiet": True, **given})


def source(*files, count=3):
    return types.SimpleNamespace(name="s", live=False, still=False, frame_rate=30.0, frame_count=count, files=files)


def test_the_flags_name_the_files_and_every_one_is_written(tmp_path):
    flags = {"output": tmp_path / "out", "snapshot": tmp_path / "best.png", "results": tmp_path / "r.jsonl"}
    output = open_output(arguments(**flags), source(), shown=False)
    output.take(FRAME, FOUND, FRAME.image_rgb, RunStatistics(), {"lines": 2}, [{"identity": "Ada"}])
    output.close()
    record = json.loads((tmp_path / "r.jsonl").read_text())
    assert record["lines"] == 2 and record["detections"][0]["identity"] == "Ada"
    assert (tmp_path / "out" / "frame_000000.jpg").is_file() and (tmp_path / "best.png").is_file()
    assert output.written() == [f"written: {', '.join(str(path) for path in flags.values())}"]


def test_files_are_closed_even_where_the_terminal_is_gone():
    closed = []

    def gone():
        raise OSError("Input/output error")

    file = types.SimpleNamespace(close=lambda: closed.append(1))
    with pytest.raises(OSError, match="Input/output error"):
        RunOutput([file], [file], types.SimpleNamespace(close=gone)).close()
    assert closed == [1, 1]


def test_without_files_nothing_is_written_or_said():
    output = open_output(arguments(), source(), shown=False)
    output.take(FRAME, FOUND, FRAME.image_rgb, RunStatistics())
    output.close()
    assert output.written() == []


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"output": "fox.mp4"}, "Output .*fox.mp4 would overwrite a file that is read"),
        ({"output": "link.mp4"}, "Output .*link.mp4 would overwrite a file that is read"),
        ({"snapshot": "fox.png"}, "Snapshot .*fox.png would overwrite a file that is read"),
        ({"output": "new.png", "snapshot": "new.png"}, "Snapshot .*new.png would overwrite the output"),
    ],
)
def test_no_output_is_the_source_or_another_output(tmp_path, flags, text):
    for name in ("fox.mp4", "fox.png"):
        (tmp_path / name).write_text("of value")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "fox.mp4")
    read = source(tmp_path / "fox.mp4", tmp_path / "fox.png", count=1)
    with pytest.raises(SinkError, match=text):
        open_output(arguments(**{name: tmp_path / value for name, value in flags.items()}), read, shown=False)
    assert {(tmp_path / name).read_text() for name in ("fox.mp4", "fox.png")} == {"of value"}


def test_a_file_without_a_frame_is_not_told_as_written(tmp_path):
    flags = {"output": tmp_path / "out.mp4", "snapshot": tmp_path / "best.png", "results": tmp_path / "r.jsonl"}
    output = open_output(arguments(**flags), source(), shown=False)
    output.close()
    assert output.written() == [f"written: {tmp_path / 'r.jsonl'}"]


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
