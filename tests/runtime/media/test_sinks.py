from __future__ import annotations

import types

import cv2
import numpy as np
import pytest

from cnn_suite.file_names import PICTURE_OUTPUT_SUFFIXES
from cnn_suite.results import Detections
from cnn_suite.runtime.media.frames import Frame
from cnn_suite.runtime.media.output_paths import FilesInUse, SinkError, check_writable
from cnn_suite.runtime.media.sinks import (
    FolderSink,
    PictureFileSink,
    SnapshotSink,
    close_all,
    open_picture_sink,
    write_picture,
)
from cnn_suite.runtime.media.video_sink import VideoSink

RED = np.full((8, 12, 3), (255, 0, 0), np.uint8)


def frame(index=0, source="demo"):
    return Frame(index, RED, source, index / 30)


def found(count, confidence=0.5):
    return Detections(np.zeros((count, 4)), np.full(count, confidence), np.zeros(count, int))


def source(*, frame_count=1, live=False):
    facts = {"live": live, "still": False, "frame_rate": 30.0, "frame_count": frame_count, "files": ()}
    return types.SimpleNamespace(name="s", **facts)


@pytest.mark.parametrize(
    ("output", "kind"),
    [("v.mp4", VideoSink), ("V.AVI", VideoSink), ("p.png", PictureFileSink), ("folder", FolderSink)],
)
def test_the_suffix_chooses_the_sink(tmp_path, output, kind):
    assert isinstance(open_picture_sink(tmp_path / output, source(), FilesInUse()), kind)


def test_one_picture_cannot_hold_a_video(tmp_path):
    with pytest.raises(SinkError, match="p.png is a single picture, but source s has more"):
        open_picture_sink(tmp_path / "p.png", source(frame_count=None), FilesInUse())


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(SinkError, match="x.docx has an unknown suffix for a video"):
        open_picture_sink(tmp_path / "x.docx", source(), FilesInUse())


def test_folder_pictures_keep_their_names_and_others_are_numbered(tmp_path):
    sink = FolderSink(tmp_path / "new" / "out", FilesInUse())
    for each in (frame(0, "in/cat.png"), frame(1, "other/cat.jpg"), frame(2, "demo")):
        sink.write(each, found(0), RED)
    sink.close()
    assert sorted(path.name for path in sink.path.iterdir()) == ["cat.jpg", "cat_000001.jpg", "frame_000002.jpg"]


@pytest.mark.parametrize("suffix", PICTURE_OUTPUT_SUFFIXES)
def test_every_kind_of_picture_that_is_offered_can_be_written(tmp_path, suffix):
    write_picture(tmp_path / f"a{suffix}", RED)
    assert cv2.imread(str(tmp_path / f"a{suffix}")).shape == RED.shape


def test_a_kind_without_colours_is_not_offered(tmp_path):
    for refused in (lambda path: open_picture_sink(path, source(), FilesInUse()), SnapshotSink):
        with pytest.raises(SinkError, match=r"a\.pgm (has an unknown suffix for|must end in one of)"):
            refused(tmp_path / "a.pgm")


def test_pictures_are_written_in_rgb(tmp_path):
    write_picture(tmp_path / "a.png", RED)
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0].tolist() == [0, 0, 255]


def test_a_source_picture_is_never_overwritten(tmp_path):
    write_picture(tmp_path / "cat.jpg", RED)
    before = (tmp_path / "cat.jpg").read_bytes()
    read = [tmp_path / "cat.jpg"]
    with pytest.raises(SinkError, match="cat.jpg would overwrite a file that is read"):
        FolderSink(tmp_path, FilesInUse(read), read)  # before the first frame
    with pytest.raises(SinkError, match="cat.jpg would overwrite a file that is read"):
        FolderSink(tmp_path, FilesInUse(read)).write(frame(0, "other/cat.png"), found(0), RED)
    assert (tmp_path / "cat.jpg").read_bytes() == before


def test_the_snapshot_is_the_picture_with_most_and_surest_detections(tmp_path):
    sink = SnapshotSink(tmp_path / "best.png")
    for level, each in ((1, found(1)), (2, found(2, 0.4)), (3, found(2, 0.6)), (4, found(2, 0.5)), (5, found(0))):
        sink.write(frame(level), each, np.full((4, 4, 3), level, np.uint8))
    assert not (tmp_path / "best.png").exists()
    sink.close()
    assert cv2.imread(str(tmp_path / "best.png")).max() == 3


def test_a_snapshot_of_a_run_without_frames_is_not_written(tmp_path):
    SnapshotSink(tmp_path / "best.png").close()
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_must_be_a_picture(tmp_path):
    with pytest.raises(SinkError, match="best.mp4 must end in one of .jpg"):
        SnapshotSink(tmp_path / "best.mp4")


@pytest.mark.parametrize("make", [SnapshotSink, PictureFileSink, lambda path: VideoSink(path, 30.0)])
def test_an_unwritable_place_is_refused_before_the_first_frame(tmp_path, make):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="Cannot write the output .*file is not a folder"):
        make(tmp_path / "file" / "x.png")


def test_a_folder_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="Cannot create the folder"):
        FolderSink(tmp_path / "file" / "x", FilesInUse())


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(SinkError, match="x.png is a folder; expected a file"):
        check_writable(tmp_path / "x.png")


def test_checking_leaves_nothing_behind_and_existing_files_alone(tmp_path):
    (tmp_path / "old.mp4").write_text("old")
    VideoSink(tmp_path / "old.mp4", 30.0).close()
    check_writable(tmp_path / "new.mp4")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.mp4", "old")]


def test_a_format_that_opencv_cannot_write_is_named(tmp_path):
    with pytest.raises(SinkError, match="cannot be encoded as .xyz. Choose .jpg or .png"):
        write_picture(tmp_path / "a.xyz", RED)


def test_all_sinks_are_closed_even_when_one_fails():
    closed = []

    def failing():
        raise OSError("disk full")

    sinks = [types.SimpleNamespace(close=failing), types.SimpleNamespace(close=lambda: closed.append(1))]
    with pytest.raises(OSError, match="disk full"):
        close_all(sinks)
    assert closed == [1]
