from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.media.frames import SourceError
from cnn_suite.runtime.media.video import VideoSource, sane_frame_rate


def write_video(path, frames, *, frame_rate=25.0, codec="MJPG"):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), frame_rate, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 5 % 256, np.uint8))
    writer.release()


def test_every_frame_comes_in_order_with_its_time(tmp_path):
    write_video(tmp_path / "a.avi", 12)
    source = VideoSource(tmp_path / "a.avi")
    frames = list(source)
    source.close()
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) / 25, atol=1e-3)
    assert (source.frame_rate, source.frame_count, source.live) == (25.0, 12, False)
    assert [round(frame.image_rgb.mean() / 5) for frame in frames] == list(range(12))


def test_a_file_that_is_no_video_is_refused_at_once(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"nothing of a video" * 100)
    with pytest.raises(SourceError, match="Cannot open the video .*bad.mp4: it is damaged, truncated, or not readable"):
        VideoSource(tmp_path / "bad.mp4")


def test_a_video_that_is_cut_off_gives_its_good_frames_and_then_says_so(tmp_path):
    write_video(tmp_path / "a.avi", 60)
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    frames = []
    with pytest.raises(SourceError, match=r"truncated: it ended after \d+ of 60 frames"):
        for frame in VideoSource(tmp_path / "cut.avi"):
            frames.append(frame.index)
    assert 10 < len(frames) < 40 and frames == list(range(len(frames)))


class Capture:
    """OpenCV's capture with stamps, a count and a rate of our choosing."""

    def __init__(self, frames, stamps_ms=(), count=0.0, frame_rate=float("nan")):
        self.left, self.read_so_far, self.stamps_ms, self.count, self.rate = frames, 0, stamps_ms, count, frame_rate

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        if self.read_so_far == self.left:
            return False, None
        self.read_so_far += 1
        return True, np.zeros((4, 4, 3), np.uint8)

    def get(self, what):
        if what == cv2.CAP_PROP_POS_MSEC:
            return self.stamps_ms[self.read_so_far - 1] if self.stamps_ms else 0.0
        return {cv2.CAP_PROP_FPS: self.rate, cv2.CAP_PROP_FRAME_COUNT: self.count}[what]

    def release(self):
        pass


def test_a_video_without_rate_count_and_stamps_is_taken_for_30_frames_a_second(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(4))
    source = VideoSource("odd.mkv")
    assert (source.frame_rate, source.frame_count) == (30.0, None)
    np.testing.assert_allclose([frame.time_s for frame in source], np.arange(4) / 30)


def test_stamps_of_a_varying_rate_are_kept_and_never_run_backwards(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(4, stamps_ms=(0, 40, 200, 10), frame_rate=10.0))
    np.testing.assert_allclose([frame.time_s for frame in VideoSource("odd.mkv")], [0, 0.04, 0.2, 0.3])


def test_a_count_that_is_one_too_high_is_no_damage(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(99, count=100.0, frame_rate=25.0))
    assert len(list(VideoSource("odd.mp4"))) == 99


@pytest.mark.parametrize("name", ["odd.MP4", "odd.mov", "http://host/odd.mp4?key=a.b"])
def test_a_count_that_the_container_states_tells_damage(monkeypatch, name):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(60, count=75.0, frame_rate=25.0))
    with pytest.raises(SourceError, match="damaged or truncated: it ended after 60 of 75 frames"):
        list(VideoSource(name))


@pytest.mark.parametrize("name", ["odd.mkv", "odd.webm", "odd.gif", "http://host/odd.mkv?as=a.mp4"])
def test_a_count_that_is_only_estimated_tells_no_damage(monkeypatch, caplog, name):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(60, count=75.0, frame_rate=25.0))
    assert len(list(VideoSource(name))) == 60
    # 60 frames at 25 a second: the last is at 59 / 25 = 2.36 s
    assert "has its last frame at 2.4 of 3.0 s: its sound is longer, or it is cut off" in caplog.text


def test_a_rate_that_varies_is_not_even_noted_where_the_times_reach_the_end(monkeypatch, caplog):
    stamps_ms = [40 * i for i in range(25)] + [
        1000 + 200 * i for i in range(35)
    ]  # until 7.8 s; 8 s at 25 are 200 frames
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(60, stamps_ms, count=200.0, frame_rate=25.0))
    source = VideoSource("odd.mkv")
    assert [frame.time_s for frame in source][-1] == pytest.approx(7.8)
    assert "last frame" not in caplog.text


def test_a_video_without_a_single_good_frame_is_damaged(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture(0))
    with pytest.raises(SourceError, match="contains no decodable frame"):
        list(VideoSource("odd.mkv"))


@pytest.mark.parametrize(("stated", "used"), [(29.97, 29.97), (0, 30), (float("nan"), 30), (1e6, 30), (-5, 30)])
def test_impossible_frame_rates_become_30(stated, used):
    assert sane_frame_rate(stated) == used
