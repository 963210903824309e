"""Tests of cnn_suite.style_transfer.output_files."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.media import video_sink
from cnn_suite.runtime.media.output_paths import FilesInUse, SinkError
from cnn_suite.style_transfer import output_files
from cnn_suite.style_transfer.output_files import WholeVideo, check_picture_output, check_video_output, write_whole
from tests.small_perception import smooth_picture

PICTURE = smooth_picture(1, (20, 30))


def test_a_picture_is_written_under_its_name_and_nothing_else_is(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.png", PICTURE)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], PICTURE)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_a_write_that_fails_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_text("before")

    def fails(temporary: Path, picture: np.ndarray) -> None:
        temporary.write_text("half")
        raise SinkError("no space left")

    monkeypatch.setattr(output_files, "write_picture", fails)
    with pytest.raises(SinkError, match="no space left"):
        write_whole(path, PICTURE)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_a_name_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(SinkError, match="Cannot write the picture .*a.png"):
        write_whole(tmp_path / "a.png", PICTURE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("out.txt", "must be a picture"),
        ("out.pgm", "must be a picture file that ends in one of .jpg"),
        ("photo.png", "would overwrite a file that is read"),
        ("sub.png", "a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path: Path, name: str, text: str) -> None:
    photo = tmp_path / "photo.png"
    write_whole(photo, PICTURE)
    (tmp_path / "sub.png").mkdir()
    with pytest.raises(SinkError, match=text):
        check_picture_output(tmp_path / name, FilesInUse([photo]))


def test_a_video_is_refused_under_the_name_of_a_picture_or_of_what_is_read(tmp_path: Path) -> None:
    for name in ("out.png", "out.gif", "out.xyz"):
        with pytest.raises(SinkError, match="Frames .* must be a video file that ends in one of .mp4"):
            check_video_output(tmp_path / name, FilesInUse(), "frames")
    with pytest.raises(SinkError, match="Output .*a.mp4 would overwrite a file that is read"):
        check_video_output(tmp_path / "a.mp4", FilesInUse([tmp_path / "a.mp4"]))


def test_a_video_has_its_name_when_it_is_closed_and_none_when_it_is_discarded(tmp_path: Path) -> None:
    video = WholeVideo(tmp_path / "a.avi", 25.0)
    for _ in range(3):
        video.write(PICTURE)
    assert not video.path.exists()
    video.close()
    video.discard()  # nothing is left to discard
    assert [file.name for file in tmp_path.iterdir()] == ["a.avi"]
    assert cv2.VideoCapture(str(video.path)).get(cv2.CAP_PROP_FRAME_COUNT) == video.frames == 3
    broken_off = WholeVideo(tmp_path / "b.avi", 25.0)
    broken_off.write(PICTURE)
    broken_off.discard()
    empty = WholeVideo(tmp_path / "c.avi", 25.0)
    empty.close()
    empty.discard()
    assert [file.name for file in tmp_path.iterdir()] == ["a.avi"]


def test_a_video_that_is_not_whole_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_text("before")
    video = WholeVideo(tmp_path / "a.mp4", 25.0)
    video.write(PICTURE)
    monkeypatch.setattr(video_sink, "_frames_in", lambda path: 0)  # as of a full disk
    with pytest.raises(SinkError, match="is not whole: 1 frames were written, but it has 0"):
        video.close()
    video.discard()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.mp4", "before")]


def test_discarding_tells_nothing_of_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = WholeVideo(tmp_path / "a.mp4", 25.0)
    video.write(PICTURE)
    monkeypatch.setattr(video_sink, "_frames_in", lambda path: 0)
    video.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_frame_that_comes_late_leaves_the_one_before_on(tmp_path: Path) -> None:
    video = WholeVideo(tmp_path / "a.avi", 10.0)
    for time_s in (0.0, 0.1, 0.5):  # 0.1 until 0.4: six frames at 10 a second
        video.write(PICTURE, time_s)
    video.close()
    assert video.frames == 3 and cv2.VideoCapture(str(video.path)).get(cv2.CAP_PROP_FRAME_COUNT) == 6
