"""Picture files: their size from the first bytes, their pixels through OpenCV, and whether they decode at all.

The size of a picture is everywhere the size of the decoded picture: what `cv2.imread` returns, which turns a JPEG as
its EXIF orientation says. A phone's portrait photograph stored lying down (orientation 5 to 8) is therefore upright
here, in `size_hw` as in `read_rgb`. Readers that do not turn (`tf.io.decode_jpeg`) must not be mixed with these boxes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.file_names import is_hidden, is_picture_name

_HEAD_BYTES = 65536  # large enough for the EXIF block of nearly every camera; the fallback decodes the file


def pictures_under(folder: Path) -> list[Path]:
    """Every picture file of a folder and its sub-folders but hidden ones, sorted by path; see `files_under`."""
    return sorted(
        file for file in files_under(folder) if is_picture_name(file) and not is_hidden(file.relative_to(folder))
    )


def files_under(folder: Path) -> Iterator[Path]:
    """Every file of a folder and its sub-folders, also behind symbolic links.

    A link back to a folder that it lies in is not followed; what two links lead to is found under both names.
    """
    above = {str(folder): {os.path.realpath(folder)}}  # by folder: where it and those on the way to it really are
    for place, names, files in os.walk(folder, followlinks=True):
        way = above.pop(place)
        real = {name: os.path.realpath(os.path.join(place, name)) for name in names}
        names[:] = [name for name in names if real[name] not in way]
        above |= {os.path.join(place, name): way | {real[name]} for name in names}
        yield from (file for name in files if (file := Path(place, name)).is_file())


def load_pixels(picture: AnnotatedPicture) -> np.ndarray:
    """Pixels of an annotated picture, uint8 `(height, width, 3)` RGB, from memory or from its file.

    Raises:
        ValueError: If the file cannot be decoded.
        OSError: If the file cannot be opened.
    """
    return read_rgb(picture.path) if picture.pixels is None else picture.pixels


def read_rgb(path: Path | str) -> np.ndarray:
    """Pixels of a picture file, uint8 `(height, width, 3)` RGB, EXIF orientation applied.

    Raises:
        ValueError: If the file cannot be decoded.
        OSError: If the file cannot be opened.
    """
    return cv2.cvtColor(_decode(Path(path)), cv2.COLOR_BGR2RGB)


def decode_rgb(data: bytes, name: str) -> np.ndarray:
    """Pixels of an encoded picture, uint8 `(height, width, 3)` RGB, EXIF orientation applied.

    Raises:
        ValueError: If it cannot be decoded; `name` says which one.
    """
    return cv2.cvtColor(_decode(Path(name), data), cv2.COLOR_BGR2RGB)


def picture_size_hw(path: Path | str) -> tuple[int, int]:
    """Height and width of the decoded picture, from header bytes where they are enough.

    Raises:
        ValueError: If the file is not a picture that OpenCV can decode.
        OSError: If the file cannot be opened.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    size_hw = _png_size_hw(head) or _bmp_size_hw(head) or _jpeg_size_hw(head)
    if size_hw is None or min(size_hw) < 1:
        height, width = _decode(Path(path)).shape[:2]
        return height, width
    return size_hw


def decode_whole(data: bytes, name: str) -> np.ndarray:
    """Pixels of an encoded picture that is all there, uint8 `(height, width, 3)` BGR, EXIF orientation applied.

    OpenCV 4 fills the lost part of a cut-off JPEG with grey and reports nothing (OpenCV 5 rejects it), so the end
    marker is looked for too.

    Raises:
        ValueError: If it cannot be decoded or is cut off; `name` says which one.
    """
    image = _decode(Path(name), data)
    if _cut_off(data):
        raise ValueError(f"{name} is truncated within its pixel data")
    return image


def decode_problem(path: Path | str) -> str | None:
    """Why a picture file cannot be used, or None if it decodes completely."""
    try:
        decode_whole(Path(path).read_bytes(), str(path))
    except (OSError, ValueError) as error:
        return str(error)
    return None


def _decode(path: Path, data: bytes | None = None) -> np.ndarray:
    data = path.read_bytes() if data is None else data
    if not data:
        raise ValueError(f"{path} is an empty file")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError(f"{path} cannot be decoded: {error.err}") from error
    if image is None:
        raise ValueError(f"{path} cannot be decoded as a picture")
    return image


def _png_size_hw(head: bytes) -> tuple[int, int] | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n") or len(head) < 24 or b"eXIf" in head:
        return None  # with an eXIf chunk the decoder may turn the picture: decode it instead
    width, height = struct.unpack(">II", head[16:24])
    return height, width


def _bmp_size_hw(head: bytes) -> tuple[int, int] | None:
    if not head.startswith(b"BM") or len(head) < 26:
        return None
    width, height = struct.unpack("<ii", head[18:26])
    return abs(height), width  # a negative height only means that rows run from top to bottom


def _jpeg_size_hw(head: bytes) -> tuple[int, int] | None:
    """Size from the start-of-frame segment, turned as the EXIF orientation says (ITU T.81, annex B)."""
    turned = False
    for marker, start, end in _jpeg_segments(head):
        if marker == 0xE1 and head[start : start + 6] == b"Exif\0\0":
            turned = _exif_orientation(head[start + 6 : end]) in (5, 6, 7, 8)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and start + 5 <= len(head):
            height, width = struct.unpack(">HH", head[start + 1 : start + 5])
            return (width, height) if turned else (height, width)
    return None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment up to and including start-of-scan."""
    if not data.startswith(b"\xff\xd8"):
        return
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, position + 4, end
        if marker == 0xDA:
            return
        position = end


def _exif_orientation(tiff: bytes) -> int:
    """Orientation tag (0x0112) of the first directory, 1 when there is none (TIFF 6.0, section 2)."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, offset)
        for index in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, offset + 2 + 12 * index)
            if tag == 0x0112:
                return value
    except struct.error:
        return 1
    return 1


def _cut_off(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data
    for marker, start, _ in _jpeg_segments(data):
        if marker == 0xDA:
            return data.find(b"\xff\xd9", start) < 0
    return False
