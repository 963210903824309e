from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.media import video_sink
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.runtime.media.video import VideoSource
from cnn_suite.runtime.media.video_sink import VideoSink

NONE = Detections.empty()


def grey(level, size_hw=(48, 64)):
    return np.full((*size_hw, 3), level, np.uint8)


def levels(path):
    return [round(float(frame.image_rgb.mean())) for frame in VideoSource(path)]


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.mov"])
def test_frames_come_back_in_order_at_the_rate_of_the_source(tmp_path, name):
    sink = VideoSink(tmp_path / name, 24.0)
    for index in range(20):
        sink.write(Frame(index, grey(0), "s", index / 24), NONE, grey(40 + 8 * index))
    sink.close()
    assert VideoSource(tmp_path / name).frame_rate == pytest.approx(24, abs=0.1)
    np.testing.assert_allclose(levels(tmp_path / name), 40 + 8 * np.arange(20), atol=4)


def test_colours_are_not_swapped(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    red = np.full((48, 64, 3), (220, 20, 20), np.uint8)
    sink.write(Frame(0, red, "s", 0), NONE, red)
    sink.close()
    pixel = next(iter(VideoSource(tmp_path / "a.mp4"))).image_rgb[24, 32].astype(int)
    assert pixel[0] > 180 and pixel[2] < 70


def test_a_live_source_with_missing_frames_plays_at_its_true_speed(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 10.0, live=True)
    for time_s, level in ((0.0, 50), (0.3, 100), (0.4, 150), (100.0, 200)):
        sink.write(Frame(0, grey(0), "s", time_s), NONE, grey(level))
    sink.close()
    # 0.0, 0.1, 0.2 | 0.3 | 0.4 and a pause of 100 s, of which 2 s are kept | the last
    np.testing.assert_allclose(levels(tmp_path / "a.mp4"), [50] * 3 + [100] + [150] * 21 + [200], atol=4)


def test_a_file_with_gaps_in_its_times_gives_one_frame_for_one(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 10.0)
    for index in range(3):
        sink.write(Frame(index, grey(0), "s", index * 5.0), NONE, grey(90))
    sink.close()
    assert len(levels(tmp_path / "a.mp4")) == 3


def test_pictures_of_other_sizes_are_fitted_into_the_first(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    for index, size_hw in enumerate([(48, 64), (96, 64), (10, 10), (47, 63)]):
        sink.write(Frame(index, grey(0), "s", 0), NONE, grey(200, size_hw))
    sink.close()
    frames = [frame.image_rgb for frame in VideoSource(tmp_path / "a.mp4")]
    assert [image.shape for image in frames] == [(48, 64, 3)] * 4
    assert frames[1][24, 32].min() > 180 and frames[1][24, 2].max() < 40  # a black margin left of the tall picture
    assert frames[3][46, 62].min() > 180


def test_odd_sizes_lose_no_row(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    sink.write(Frame(0, grey(0), "s", 0), NONE, grey(99, (45, 61)))
    sink.close()
    assert next(iter(VideoSource(tmp_path / "a.mp4"))).image_rgb.shape == (46, 62, 3)


def test_another_codec_is_used_aloud_where_the_first_is_missing(tmp_path, monkeypatch, caplog):
    can_write = video_sink._can_write
    monkeypatch.setattr(
        video_sink, "_can_write", lambda path, codec, rate: codec == "MJPG" and can_write(path, codec, rate)
    )
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    sink.write(Frame(0, grey(0), "s", 0), NONE, grey(99))
    sink.close()
    assert sink.path.name == "a.avi" and len(levels(sink.path)) == 1
    assert "cannot write a.mp4 as mp4v; writing" in caplog.text and "a.avi as MJPG instead" in caplog.text


def test_no_codec_at_all_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(video_sink, "_can_write", lambda *_: False)
    with pytest.raises(SinkError, match="has neither mp4v nor MJPG"):
        VideoSink(tmp_path / "a.mp4", 30.0)


def test_a_writer_that_does_not_open_is_an_error(tmp_path, monkeypatch):
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    monkeypatch.setattr(video_sink, "_opened", lambda *_: cv2.VideoWriter())
    with pytest.raises(SinkError, match="Cannot write the video .* of 64 x 48 pixels"):
        sink.write(Frame(0, grey(0), "s", 0), NONE, grey(99))


def test_closing_twice_or_without_frames_is_harmless(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 30.0)
    sink.close()
    sink.close()
    assert list(tmp_path.iterdir()) == []
