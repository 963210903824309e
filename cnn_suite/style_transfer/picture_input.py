"""Normalises pictures of all kinds, or rejects them before anything is painted.

Grey pictures become RGB, 16 bits become 8, transparent parts lie over white, and a picture is turned upright as its
EXIF tag says. Animations, files that end too early, and sizes that cannot be painted are rejected.
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.data.picture_files import decode_problem, picture_size_hw

SMALLEST_SIDE = 16
MOST_PIXELS = 100_000_000  # as float32 and with its gradient that is more than 2 GB
_OF_SEVERAL = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # GIF, TIFF and BigTIFF of both byte orders
_log = logging.getLogger(__name__)


class ArtworkError(ValueError):
    """A picture that cannot be used; the message names it."""


def read_artwork(path: str | Path) -> np.ndarray:
    """Reads a photograph or painting.

    Args:
        path: A picture file of any kind that OpenCV reads.

    Returns:
        `uint8 (height, width, 3)` RGB.

    Raises:
        FileNotFoundError: If the file does not exist.
        ArtworkError: If it is not a picture, damaged, an animation, or of a size that cannot be painted.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"The picture {path} does not exist.")
    data = path.read_bytes()
    frames = _frame_count(path, data)
    if frames > 1:
        raise ArtworkError(
            f"{path} contains {frames} pictures: an animation or several pages. Expected one picture; "
            "save the one you want as a separate file."
        )
    _check_size(path)
    if problem := decode_problem(path):
        raise ArtworkError(f"{problem}. Expected a complete picture; copy or save it again.")
    return _seen(path, np.frombuffer(data, np.uint8))


def read_mask(path: str | Path, size_hw: tuple[int, int]) -> np.ndarray:
    """Reads a mask of a style: white where it applies, black where it does not, grey in between.

    Args:
        path: A picture file.
        size_hw: The size of the photograph it belongs to.

    Returns:
        `float32 (height, width)`, 0..1.

    Raises:
        FileNotFoundError: If the file does not exist.
        ArtworkError: As `read_artwork`, and if it has another size than the photograph or is black all over.
    """
    picture = read_artwork(path)
    if picture.shape[:2] != tuple(size_hw):
        raise ArtworkError(
            f"Mask {path} has {_pixels(picture.shape)}, but its photograph has {_pixels(size_hw)}. "
            "A mask must have the size of the photograph: resize it."
        )
    mask = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    if not mask.any():
        raise ArtworkError(f"Mask {path} is completely black: its painting would have no effect. Omit both.")
    return mask


def _check_size(path: Path) -> None:
    try:
        size_hw = picture_size_hw(path)
    except ValueError as error:
        raise ArtworkError(f"{error}. Expected a JPEG, PNG, WebP, BMP or TIFF file.") from error
    if min(size_hw) < SMALLEST_SIDE:
        raise ArtworkError(f"{path} has {_pixels(size_hw)}. Both sides must have at least {SMALLEST_SIDE} pixels.")
    if size_hw[0] * size_hw[1] > MOST_PIXELS:
        raise ArtworkError(
            f"{path} has {_pixels(size_hw)}. At most {MOST_PIXELS // 1_000_000} million are supported: make it smaller."
        )


def _seen(path: Path, data: np.ndarray) -> np.ndarray:
    colours = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)  # turned upright
    stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)  # as it lies in the file, with transparency
    if colours.dtype == np.uint16:
        _log.info("%s has 16 bits per channel; 8 are used.", path)
    elif colours.dtype != np.uint8:
        raise ArtworkError(
            f"{path} contains {colours.dtype} values. Expected 8 or 16 bits per channel; save it as PNG."
        )
    picture = cv2.cvtColor(_eight_bits(colours), cv2.COLOR_BGR2RGB)
    if stored.ndim == 3 and stored.shape[2] == 4:
        opaque = _eight_bits(_turned_like(stored, colours)[..., 3:]).astype(np.float32) / 255
        if opaque.min() < 1:
            _log.warning("%s is partly transparent; white is used as background.", path)
            picture = np.rint(picture * opaque + 255 * (1 - opaque)).astype(np.uint8)
    return picture


def _eight_bits(values: np.ndarray) -> np.ndarray:
    return np.rint(values / 257).astype(np.uint8) if values.dtype == np.uint16 else values


def _turned_like(stored: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """The stored pixels turned as OpenCV turned the others: it leaves them lying where it keeps the transparency."""
    for mirrored in (stored, stored[:, ::-1]):
        for quarters in range(4):
            turned = np.rot90(mirrored, quarters)
            if turned.shape[:2] == upright.shape[:2] and np.array_equal(turned[..., :3], upright):
                return turned
    return stored


def _frame_count(path: Path, data: bytes) -> int:
    if data.startswith(b"\x89PNG"):
        animated = data.find(b"acTL", 0, max(0, data.find(b"IDAT")))  # APNG: the chunk stands before the pixels
        return int.from_bytes(data[animated + 4 : animated + 8], "big") if animated > 0 else 1
    if data[8:12] == b"WEBP":
        return max(1, data.count(b"ANMF")) if b"ANIM" in data[:64] else 1
    if data.startswith(_OF_SEVERAL) or data[4:8] == b"ftyp":  # the latter is AVIF
        return int(cv2.imcount(str(path)))
    return 1


def _pixels(size_hw: tuple[int, ...]) -> str:
    return f"{size_hw[1]:,} x {size_hw[0]:,} pixels"
