"""Tests of cnn_suite.style_transfer.picture_input, on files of every kind written here."""

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.style_transfer import picture_input
from cnn_suite.style_transfer.picture_input import ArtworkError, read_artwork, read_mask
from tests.small_perception import smooth_picture

PICTURE = smooth_picture(1, (24, 40))


def written(path: Path, values: np.ndarray) -> Path:
    """A file of these values, BGR or grey or BGRA, as OpenCV writes them."""
    assert cv2.imwrite(str(path), values)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_png_comes_back_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "picture.png", PICTURE[..., ::-1])
    assert np.array_equal(read_artwork(path), PICTURE)


def test_a_grey_picture_becomes_rgb(tmp_path: Path) -> None:
    picture = read_artwork(written(tmp_path / "grey.png", PICTURE[..., 0]))
    assert np.array_equal(picture, np.repeat(PICTURE[..., :1], 3, -1))


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight(tmp_path: Path, channels: int) -> None:
    # 65535 is white: 65535 / 257 = 255; and 257 x is x again.
    values = PICTURE[..., ::-1][..., :channels].astype(np.uint16) * 257
    values[0, 0] = 65535
    picture = read_artwork(written(tmp_path / "deep.png", values))
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [255, 255, 255]
    expected = PICTURE if channels == 3 else np.repeat(PICTURE[..., 2:], 3, -1)
    assert np.array_equal(picture[1:], expected[1:])


def test_transparent_parts_lie_over_white_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Alpha 0: white. Alpha 51 = a fifth of black: 255 x 4/5 = 204.
    values = np.zeros((20, 20, 4), np.uint8)
    values[10:, :, 3], values[:, 10:, 3] = 255, 51
    path = written(tmp_path / "glass.png", values)
    with caplog.at_level(logging.WARNING):
        picture = read_artwork(path)
    assert picture[0, 0].tolist() == [255] * 3
    assert picture[0, 19].tolist() == [204] * 3
    assert picture[19, 0].tolist() == [0] * 3
    assert "partly transparent" in caplog.text


def test_an_opaque_picture_with_transparency_is_not_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "opaque.png", np.dstack([PICTURE[..., ::-1], np.full(PICTURE.shape[:2], 255, np.uint8)]))
    assert np.array_equal(read_artwork(path), PICTURE)
    assert not caplog.text


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_upright_its_transparency_with_it(tmp_path: Path, orientation: int) -> None:
    values = np.dstack([PICTURE[..., ::-1], np.full(PICTURE.shape[:2], 255, np.uint8)])
    values[:5, :5, 3] = 0  # the corner
    data = written(tmp_path / "plain.png", values).read_bytes()
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    path = tmp_path / "turned.png"
    path.write_bytes(data[:33] + chunk(b"eXIf", tiff) + data[33:])
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]  # quarters against the clock
    expected = PICTURE.copy()
    expected[:5, :5] = 255
    assert np.array_equal(read_artwork(path), np.rot90(expected, turns))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="The picture .*none.jpg does not exist"):
        read_artwork(tmp_path / "none.jpg")


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(ArtworkError, match="text.jpg .*Expected a JPEG, PNG, WebP, BMP or TIFF file"):
        read_artwork(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_file_that_ends_too_early_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    path = written(tmp_path / f"cut{suffix}", noise)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(ArtworkError, match="cut"):
        read_artwork(path)


def test_a_one_pixel_picture_is_refused_with_its_size(tmp_path: Path) -> None:
    path = written(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ArtworkError, match="dot.png has 1 x 1 pixels. Both sides must have at least 16 pixels"):
        read_artwork(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_input, "MOST_PIXELS", 500)
    path = written(tmp_path / "huge.png", PICTURE)
    with pytest.raises(ArtworkError, match="huge.png has 40 x 24 pixels. At most"):
        read_artwork(path)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif", ".avif"])
def test_an_animation_is_refused_with_its_number_of_pictures(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moves{suffix}"
    if suffix == ".avif" and not cv2.haveImageWriter(str(path)):
        pytest.skip("this OpenCV has no AVIF")
    frames = [PICTURE, 255 - PICTURE, PICTURE[::-1].copy()]
    if suffix == ".tif":
        assert cv2.imwritemulti(str(path), frames)
    else:
        animation = cv2.Animation()
        animation.frames = frames
        animation.durations = np.array([100, 100, 100], np.int32)
        assert cv2.imwriteanimation(str(path), animation)
    with pytest.raises(ArtworkError, match="contains 3 pictures: an animation or several pages"):
        read_artwork(path)


def big_tiff(pages: int, side: int = 20, order: str = "<") -> bytes:
    """A BigTIFF of grey pages (43 in place of 42, 8 bytes an offset; https://www.awaresystems.be/imaging/tiff/bigtiff)."""
    pixels, ifd_bytes = bytes(side * side), 8 + 8 * 20 + 8
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HHHQ", 43, 8, 0, 16 + len(pixels)) + pixels
    for page in range(pages):
        entries = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 273: 16, 278: side, 279: len(pixels)}
        data += struct.pack(order + "Q", len(entries))
        for tag, value in entries.items():
            data += struct.pack(order + "HHQQ", tag, 16, 1, value)
        data += struct.pack(order + "Q", 16 + len(pixels) + (page + 1) * ifd_bytes if page + 1 < pages else 0)
    return data


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_big_tiff_may_have_one_page(tmp_path: Path, order: str) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(big_tiff(1, order=order))
    assert read_artwork(path).shape == (20, 20, 3)
    path.write_bytes(big_tiff(2, order=order))
    with pytest.raises(ArtworkError, match="contains 2 pictures: an animation or several pages"):
        read_artwork(path)


def test_one_picture_of_the_kind_that_can_move_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "still.avif"
    if not cv2.haveImageWriter(str(path)):
        pytest.skip("this OpenCV has no AVIF")
    assert read_artwork(written(path, PICTURE)).shape == PICTURE.shape


def test_values_that_are_no_bytes_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "float.hdr", PICTURE.astype(np.float32))
    with pytest.raises(ArtworkError, match="contains float32 values. Expected 8 or 16 bits"):
        read_artwork(path)


def test_a_mask_is_0_to_1_of_the_size_of_its_photograph(tmp_path: Path) -> None:
    values = np.zeros((24, 40), np.uint8)
    values[:, 20:] = 255
    path = written(tmp_path / "mask.png", values)
    mask = read_mask(path, (24, 40))
    assert mask.dtype == np.float32
    assert mask[0, 0] == 0 and mask[0, 39] == 1
    with pytest.raises(ArtworkError, match="has 40 x 24 pixels, but its photograph has 30 x 20 pixels"):
        read_mask(path, (20, 30))


def test_a_black_mask_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "black.png", np.zeros((24, 40), np.uint8))
    with pytest.raises(ArtworkError, match="is completely black"):
        read_mask(path, (24, 40))
