from __future__ import annotations

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.media import camera
from cnn_suite.runtime.media.frames import NoSourceError, SourceError, open_source


def write_pictures(folder, *names):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((8, 12, 3), number, np.uint8))


@pytest.mark.parametrize("source", ["0", 0, " 0 "])
def test_source_zero_is_the_first_camera_and_not_false(monkeypatch, source):
    opened = []
    monkeypatch.setattr(camera, "CameraSource", opened.append)
    open_source(source)
    assert opened == [0]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("12", 12),
        ("/dev/video3", "/dev/video3"),
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("http://cam:81/", "http://cam:81/"),
    ],
)
def test_devices_and_addresses_are_cameras(monkeypatch, source, address):
    opened = []
    monkeypatch.setattr(camera, "CameraSource", opened.append)
    open_source(source)
    assert opened == [address]


def test_a_picture_file_gives_one_frame_in_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 6, 3), (0, 0, 255), np.uint8))  # red, in OpenCV's order
    source = open_source(str(tmp_path / "a.png"))
    (frame,) = source
    assert (frame.index, frame.time_s, frame.source) == (0, 0.0, str(tmp_path / "a.png"))
    assert frame.image_rgb.shape == (4, 6, 3) and frame.image_rgb[0, 0].tolist() == [255, 0, 0]
    assert (source.frame_count, source.live, source.still) == (1, False, True)


def test_a_folder_gives_its_pictures_in_natural_order(tmp_path):
    write_pictures(tmp_path / "p", "a10.png", "a2.png", "a1.PNG")
    (tmp_path / "p" / "notes.txt").write_text("no picture")
    names = [frame.source.rsplit("/", 1)[1] for frame in open_source(str(tmp_path / "p"))]
    assert names == ["a1.PNG", "a2.png", "a10.png"]


def test_a_glob_goes_through_folders(tmp_path):
    write_pictures(tmp_path / "p", "1.png")
    write_pictures(tmp_path / "q", "2.png", "3.jpg")
    frames = list(open_source(str(tmp_path / "**" / "*.png")))
    assert [frame.source[-7:] for frame in frames] == ["p/1.png", "q/2.png"]


def test_names_in_any_script_can_be_read(tmp_path):
    write_pictures(tmp_path, "Zürich 写真.png")
    assert len(list(open_source(str(tmp_path / "Zürich 写真.png")))) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing.mp4", "There is no source 'nothing.mp4'. Use a camera index"),
        ("", "There is no source ''"),
        ("ftp://host/x", "unknown scheme 'ftp'. Known: rtsp"),
        ("no*.png", "Pattern 'no[*].png' contains no pictures"),
    ],
)
def test_what_is_no_source_is_said(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=message):
        open_source(source)


def test_a_source_that_does_not_exist_is_told_from_one_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"junk")
    with pytest.raises(NoSourceError):
        open_source(str(tmp_path / "none.png"))
    with pytest.raises(SourceError) as caught:
        list(open_source(str(tmp_path / "bad.png")))
    assert not isinstance(caught.value, NoSourceError)


def test_a_folder_without_pictures_says_what_it_looked_for(tmp_path):
    (tmp_path / "clip.mp4").write_text("")
    with pytest.raises(SourceError, match=r"contains no pictures \(.jpg .*It contains 1 other files"):
        open_source(str(tmp_path))


def test_damaged_pictures_among_others_are_named_at_the_end(tmp_path):
    write_pictures(tmp_path / "p", "a2.png", "a4.png")
    for name in ("a1.png", "a3.png"):
        (tmp_path / "p" / name).write_bytes(b"junk")
    frames = []
    with pytest.raises(SourceError) as caught:
        for frame in open_source(str(tmp_path / "p")):
            frames.append((frame.index, frame.source.rsplit("/", 1)[1]))
    assert frames == [(1, "a2.png"), (3, "a4.png")]
    text = str(caught.value)
    assert text.startswith("2 of 4 pictures could not be read. Picture ")
    assert "a1.png is damaged or not readable" in text and "a3.png is damaged or not readable" in text


@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_a_damaged_picture_is_named(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(SourceError, match="bad.png is damaged or not readable"):
        list(open_source(str(tmp_path / "bad.png")))
