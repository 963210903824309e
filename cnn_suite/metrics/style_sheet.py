"""A sheet of photographs in rows, such as each as it is and then painted in every style."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.runtime.media.sinks import write_picture

HEIGHT_PX = 240


def write_sheet(path: Path, photos: Sequence[np.ndarray], painted: Sequence[Sequence[np.ndarray]]) -> None:
    """Writes the sheet as a picture file.

    Args:
        path: File to write; its folder is made.
        photos: The first of every row, uint8 RGB `(height, width, 3)`.
        painted: For every photograph what stands beside it, as many pictures as beside the others.

    Raises:
        SinkError: If it cannot be written, or OpenCV writes no files of that kind.
    """
    rows = [[photo, *pictures] for photo, pictures in zip(photos, painted)]
    strips = [np.hstack([_of_one_height(picture) for picture in row]) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    sheet = np.vstack([np.pad(strip, ((0, 4), (0, width - strip.shape[1]), (0, 0))) for strip in strips])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, sheet)


def _of_one_height(picture: np.ndarray) -> np.ndarray:
    width = max(1, round(picture.shape[1] * HEIGHT_PX / picture.shape[0]))
    return cv2.resize(picture, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA)
