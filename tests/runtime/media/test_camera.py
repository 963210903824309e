from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.runtime.media.camera import CameraSource
from cnn_suite.runtime.media.frames import SourceError


class FakeCamera:
    """Delivers `frames` pictures, failing at the reads in `hiccups`; then it is unplugged."""

    def __init__(self, frames=0, *, hiccups=(), opened=True):
        self.frames, self.hiccups, self.opened = frames, set(hiccups), opened
        self.reads = self.given = 0
        self.released = False

    def isOpened(self):  # noqa: N802
        return self.opened

    def read(self):
        self.reads += 1
        if self.reads in self.hiccups or self.given == self.frames:
            return False, None
        self.given += 1
        return True, np.full((4, 6, 3), (0, 0, 200), np.uint8)

    def get(self, what):
        return 0.0

    def release(self):
        self.released = True


def source_of(fake, **arguments):
    return CameraSource(0, open_capture=lambda address: fake, patience_s=0.1, **arguments)


def test_an_unplugged_camera_gives_its_frames_and_then_a_clear_line():
    frames = []
    with pytest.raises(SourceError, match="camera 0 stopped delivering pictures after 5 frames. Check its cable"):
        for frame in source_of(FakeCamera(5)):
            frames.append(frame)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].time_s == 0 and frames[0].image_rgb[0, 0].tolist() == [200, 0, 0]
    assert all(a.time_s <= b.time_s for a, b in zip(frames, frames[1:], strict=False))


def test_a_camera_may_miss_a_read_now_and_then():
    frames = source_of(FakeCamera(4, hiccups=(1, 3)))
    with pytest.raises(SourceError, match="after 4 frames"):
        assert len(list(frames)) == 4


def test_a_camera_that_opens_but_delivers_nothing_says_so():
    with pytest.raises(SourceError, match="camera 0 is open but delivers no picture"):
        list(source_of(FakeCamera(0)))


def test_a_camera_that_does_not_open_points_to_the_demo():
    fake = FakeCamera(opened=False)
    with pytest.raises(SourceError, match="There is no camera at 0.*--source demo"):
        source_of(fake)
    assert fake.released


def test_a_stream_that_does_not_open_is_named():
    with pytest.raises(SourceError, match="Cannot open the stream rtsp://cam/1. Check the address"):
        CameraSource("rtsp://cam/1", open_capture=lambda address: FakeCamera(opened=False))


def test_a_device_that_does_not_exist_is_not_even_asked(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SourceError, match="There is no camera at '/dev/video987'"):
        CameraSource("/dev/video987")


def test_cameras_are_live_and_guess_30_frames_a_second():
    source = source_of(FakeCamera(1))
    assert (source.live, source.frame_rate, source.frame_count, source.name) == (True, 30.0, None, "camera 0")
