import struct

import cv2
import numpy as np
import pytest

from cnn_suite.data import picture_files
from cnn_suite.data.picture_files import decode_problem, picture_size_hw, pictures_under, read_rgb


@pytest.fixture
def no_decoding(monkeypatch):
    """Fails a test that decodes although header bytes are enough."""

    def refuse(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(picture_files, "_decode", refuse)


def with_orientation(path, orientation, byte_order="<"):
    """Put an EXIF block with one tag behind the start marker of a JPEG (TIFF 6.0)."""
    mark = b"II" if byte_order == "<" else b"MM"
    tiff = mark + struct.pack(byte_order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_size_comes_from_the_header_alone(tmp_path, picture, no_decoding, suffix):
    assert picture_size_hw(picture(tmp_path / f"a{suffix}", (31, 57))) == (31, 57)


def test_size_of_a_format_without_header_reader_is_decoded(tmp_path, picture):
    assert picture_size_hw(picture(tmp_path / "a.webp", (31, 57))) == (31, 57)


def test_size_of_a_progressive_jpeg(tmp_path, no_decoding):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert picture_size_hw(path) == (20, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_size_is_that_of_the_decoded_picture_for_every_exif_orientation(tmp_path, picture, orientation, byte_order):
    path = picture(tmp_path / "a.jpg", (31, 57))
    with_orientation(path, orientation, byte_order)
    assert picture_size_hw(path) == cv2.imread(str(path)).shape[:2] == read_rgb(path).shape[:2]


def test_a_broken_exif_block_counts_as_upright(tmp_path, picture):
    path = picture(tmp_path / "a.jpg", (31, 57))
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1\x00\x12Exif\0\0II*\0\xff\xff\xff\xff" + data[2:])
    assert picture_size_hw(path) == (31, 57)


def test_read_rgb_puts_red_first(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((2, 2, 3), (0, 0, 255), np.uint8))  # OpenCV writes BGR: this is red
    assert read_rgb(path)[0, 0].tolist() == [255, 0, 0]


def test_text_is_no_picture(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_text("no picture")
    with pytest.raises(ValueError, match="a.jpg cannot be decoded as a picture"):
        picture_size_hw(path)
    assert "cannot be decoded" in decode_problem(path)


def test_an_empty_file_is_named_so(tmp_path):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(ValueError, match="a.jpg is an empty file"):
        picture_size_hw(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_whole_picture_has_no_problem(tmp_path, picture, suffix):
    assert decode_problem(picture(tmp_path / f"a{suffix}")) is None


def test_bytes_behind_the_end_of_a_jpeg_are_no_problem(tmp_path, picture):
    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"phone maker's data")
    assert decode_problem(path) is None


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_cut_off_picture_is_found(tmp_path, picture, suffix):
    path = picture(tmp_path / f"a{suffix}", (200, 200))
    path.write_bytes(path.read_bytes()[:-2000])
    assert decode_problem(path) is not None


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_cut_off_picture_is_found_where_the_decoder_says_nothing(tmp_path, picture, monkeypatch, suffix):
    path = picture(tmp_path / f"a{suffix}", (200, 200))
    monkeypatch.setattr(picture_files, "_decode", lambda *_: None)  # OpenCV 4 decodes it and stays silent
    assert decode_problem(path) is None
    path.write_bytes(path.read_bytes()[:-2000])
    assert "is truncated within its pixel data" in decode_problem(path)


def test_a_missing_file_is_a_problem_not_a_crash(tmp_path):
    assert "No such file" in decode_problem(tmp_path / "a.jpg")


def test_pictures_under_a_folder_are_sorted_and_nothing_else(tmp_path, picture):
    b, a = picture(tmp_path / "sub folder" / "b.PNG"), picture(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").touch()
    assert pictures_under(tmp_path) == [a, b]


def test_pictures_behind_symbolic_links_are_found(tmp_path, picture):
    picture(tmp_path / "disk/deep/a.jpg")
    picture(tmp_path / "set/b.jpg")
    (tmp_path / "set/more").symlink_to(tmp_path / "disk")
    (tmp_path / "set/same").symlink_to("more")
    (tmp_path / "set/gone").symlink_to(tmp_path / "gone")
    (tmp_path / "set/gone.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "set/itself").symlink_to("itself")
    found = [str(path.relative_to(tmp_path / "set")) for path in pictures_under(tmp_path / "set")]
    assert found == ["b.jpg", "more/deep/a.jpg", "same/deep/a.jpg"]


def test_links_in_a_circle_end(tmp_path, picture):
    # one/two leads to two and two/one back to one; the third leads to the folder that it lies in.
    picture(tmp_path / "one/a.jpg")
    picture(tmp_path / "two/b.jpg")
    (tmp_path / "one/two").symlink_to(tmp_path / "two")
    (tmp_path / "two/one").symlink_to(tmp_path / "one")
    (tmp_path / "one/above").symlink_to(tmp_path / "one")
    assert pictures_under(tmp_path / "one") == [tmp_path / "one/a.jpg", tmp_path / "one/two/b.jpg"]
