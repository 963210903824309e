from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.runtime.media.records import CsvSink, JsonlSink, frame_record, open_record_sink

FRAME = Frame(7, np.zeros((480, 640, 3), np.uint8), "clip, one.mp4", 0.233333333)
FOUND = Detections([[1, 2, 30.5, 40], [0, 0, 5, 5]], [0.97, 1 / 3], [1, 0], ("cat", "dög"), np.array([3, -1]))


def test_a_record_has_exactly_the_keys_that_are_promised():
    assert frame_record(FRAME, FOUND[0]) == {
        "frame": 7,
        "source": "clip, one.mp4",
        "time_s": 0.233333,
        "width": 640,
        "height": 480,
        "detections": [
            {"label": "dög", "class_id": 1, "confidence": 0.97, "box_xyxy_px": [1.0, 2.0, 30.5, 40.0], "track_id": 3}
        ],
    }


def test_track_ids_are_null_without_a_tracker_and_before_confirmation():
    untracked = Detections([[0, 0, 1, 1]], [1], [0])
    assert frame_record(FRAME, untracked)["detections"][0]["track_id"] is None
    assert frame_record(FRAME, FOUND)["detections"][1]["track_id"] is None


def test_numbers_read_back_as_the_same_float32():
    random = np.random.default_rng(5)
    boxes = np.sort(random.uniform(0, 2000, (50, 2, 2)), axis=1).reshape(50, 4).astype(np.float32)
    found = Detections(boxes, random.uniform(0, 1, 50).astype(np.float32), np.zeros(50, int))
    back = json.loads(json.dumps(frame_record(FRAME, found)))["detections"]
    np.testing.assert_array_equal(np.float32([one["box_xyxy_px"] for one in back]), found.xyxy_px)
    np.testing.assert_array_equal(np.float32([one["confidence"] for one in back]), found.confidence)


def test_jsonl_has_one_object_a_frame_readable_before_it_is_closed(tmp_path):
    sink = open_record_sink(tmp_path / "new" / "r.jsonl")
    sink.write(FRAME, FOUND, {})
    sink.write(FRAME, FOUND[:0], {"lines": [{"to_left": 1}]})
    lines = [json.loads(line) for line in sink.path.read_text(encoding="utf-8").splitlines()]
    sink.close()
    assert [len(line["detections"]) for line in lines] == [2, 0]
    assert lines[1]["lines"] == [{"to_left": 1}] and "dög" in sink.path.read_text(encoding="utf-8")


def test_csv_has_one_row_a_detection(tmp_path):
    sink = CsvSink(tmp_path / "r.csv")
    for each in (FOUND, FOUND[:0], FOUND[0]):
        sink.write(FRAME, each, {})
    sink.close()
    rows = list(csv.DictReader(sink.path.open(encoding="utf-8", newline="")))
    assert [row["label"] for row in rows] == ["dög", "cat", "dög"]
    assert rows[0] | {} == {
        "frame": "7", "source": "clip, one.mp4", "time_s": "0.233333", "width": "640", "height": "480",
        "label": "dög", "class_id": "1", "confidence": "0.97",
        "x0_px": "1.0", "y0_px": "2.0", "x1_px": "30.5", "y1_px": "40.0", "track_id": "3",
    }  # fmt: skip
    assert rows[1]["track_id"] == ""


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(SinkError, match="r.txt must end in .jsonl .* or .csv"):
        open_record_sink(tmp_path / "r.txt")


def test_an_unwritable_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="Cannot write the output .*file is not a folder"):
        JsonlSink(tmp_path / "file" / "r.jsonl")
