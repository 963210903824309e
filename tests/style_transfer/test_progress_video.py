"""Tests of cnn_suite.style_transfer.progress_video."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.style_transfer.progress_video import ProgressVideo
from tests.small_perception import smooth_picture


def frames_of(path: Path) -> list[np.ndarray]:
    """All frames of a video, RGB."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1][..., ::-1])
    return frames


def test_a_thousand_iterations_become_ten_seconds_of_one_size(tmp_path: Path) -> None:
    video = ProgressVideo(tmp_path / "way.mp4", (32, 48))
    for iteration in range(1, 1001):
        if video.is_due(iteration / 1000):
            video.write(smooth_picture(0, (16, 24) if iteration < 500 else (32, 48)))
    finished = np.full((32, 48, 3), 200, np.uint8)
    video.close(finished)
    frames = frames_of(video.path)
    assert len(frames) == pytest.approx(200 + 50, abs=2)  # 8 s of the way, 2 s of its end, 25 frames a second
    assert all(frame.shape == (32, 48, 3) for frame in frames)
    assert np.abs(frames[-1].astype(int) - finished).max() < 12
    assert [file.name for file in tmp_path.iterdir()] == [video.path.name]


def test_a_large_picture_is_shown_smaller(tmp_path: Path) -> None:
    video = ProgressVideo(tmp_path / "way.avi", (1000, 2560))
    video.write(smooth_picture(0, (100, 256)))
    video.close()
    assert frames_of(video.path)[0].shape == (500, 1280, 3)


def test_a_video_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    video = ProgressVideo(tmp_path / "way.mp4", (32, 48))
    video.write(smooth_picture(0, (32, 48)))
    video.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="is not a folder"):
        ProgressVideo(tmp_path / "file" / "way.mp4", (32, 48))
