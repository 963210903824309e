"""A sheet of the patches that units answer to most: a block of patches for every unit, with its number."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.runtime.media.sinks import write_picture

BLOCK_PX = 192
TITLE_PX = 24
GAP_PX = 8
WHITE = 255


def write_patch_sheet(path: Path, units: Sequence[int], patches: Sequence[Sequence[np.ndarray]]) -> None:
    """Writes the sheet as a picture file.

    Args:
        path: File to write; its folder is made.
        units: Numbers of the units.
        patches: For every unit its patches, uint8 `(height, width, 1 or 3)`, the strongest first.

    Raises:
        SinkError: If it cannot be written, or OpenCV writes no files of that kind.
    """
    blocks = [_block(unit, of_unit) for unit, of_unit in zip(units, patches)]
    columns = ceil(sqrt(len(blocks)))
    blocks += [np.full_like(blocks[0], WHITE)] * (-len(blocks) % columns)
    rows = [np.hstack(blocks[start : start + columns]) for start in range(0, len(blocks), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, np.vstack(rows))


def _block(unit: int, patches: Sequence[np.ndarray]) -> np.ndarray:
    """A unit's patches in a square, the strongest at the upper left, under its number."""
    side = ceil(sqrt(len(patches)))
    tile = BLOCK_PX // side
    block = np.full((TITLE_PX + side * tile + GAP_PX, side * tile + GAP_PX, 3), WHITE, np.uint8)
    for number, patch in enumerate(patches):
        row, column = divmod(number, side)
        picture = cv2.resize(patch, (tile - 2, tile - 2), interpolation=cv2.INTER_NEAREST)
        y, x = TITLE_PX + row * tile, column * tile
        block[y : y + tile - 2, x : x + tile - 2] = picture.reshape(*picture.shape[:2], -1)
    at = (0, TITLE_PX - 8)
    return cv2.putText(block, f"unit {unit}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
