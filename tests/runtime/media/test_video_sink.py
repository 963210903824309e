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


def test_where_frames_come_late_the_video_plays_at_its_true_speed(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 10.0)
    for time_s, level in ((0.0, 50), (0.3, 100), (0.4, 150), (100.0, 200)):
        sink.write(Frame(0, grey(0), "s", time_s), NONE, grey(level))
    sink.close()
    # 0.0, 0.1, 0.2 | 0.3 | 0.4 and a pause of 100 s, of which 2 s are kept | the last
    np.testing.assert_allclose(levels(tmp_path / "a.mp4"), [50] * 3 + [100] + [150] * 21 + [200], atol=4)


def test_frames_that_come_early_are_kept_and_the_next_pause_is_shorter_for_them(tmp_path):
    sink = VideoSink(tmp_path / "a.mp4", 10.0)
    for time_s, level in ((0.0, 50), (0.02, 100), (0.04, 150), (0.5, 200)):
        sink.write(Frame(0, grey(0), "s", time_s), NONE, grey(level))
    sink.close()
    # 0.0 | 0.1 instead of 0.02 | 0.2 instead of 0.04, until 0.4 | 0.5
    np.testing.assert_allclose(levels(tmp_path / "a.mp4"), [50, 100] + [150] * 3 + [200], atol=4)


@pytest.mark.parametrize("frame_rate", [10.0, 24000 / 1001, 59.94, 240.0])
def test_times_rounded_to_milliseconds_repeat_nothing(tmp_path, frame_rate):
    sink = VideoSink(tmp_path / "a.avi", frame_rate)
    for index in range(60):
        sink.write(Frame(index, grey(0), "s", round(index / frame_rate, 3)), NONE, grey(90))
    sink.close()
    assert len(levels(tmp_path / "a.avi")) == 60


@pytest.fixture
def small_disk():
    """Whose files can have 20 kB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".webm", ".mpg", ".wmv"])
@pytest.mark.parametrize("moves", [True, False])  # where nothing moves, Matroska fails only at its very end
def test_a_full_disk_is_told_when_the_video_is_closed(tmp_path, small_disk, suffix, moves):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)  # some 20 kB a frame
    sink = VideoSink(tmp_path / f"a{suffix}", 25.0)
    for index in range(30):
        sink.write(Frame(index, noise, "s", index / 25), NONE, np.roll(noise, 37 * index * moves, axis=1))
    with pytest.raises(SinkError, match=r"a[.]\w+ is not whole: 30 frames were written, but it has \d+. The disk"):
        sink.close()
    sink.close()  # is said once


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".webm", ".mpg", ".wmv"])
@pytest.mark.parametrize("frames", [1, 2, 300])
@pytest.mark.parametrize("frame_rate", [1.0, 24.0, 29.97, 240.1234, 1000.0])
def test_a_whole_video_is_not_taken_for_a_short_one(tmp_path, suffix, frames, frame_rate):
    sink = VideoSink(tmp_path / f"a{suffix}", frame_rate)
    for index in range(frames):
        sink.write(Frame(index, grey(0), "s", index / frame_rate), NONE, grey(index % 256))
    sink.close()


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
