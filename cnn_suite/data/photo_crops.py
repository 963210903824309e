"""Random square crops of photographs, for networks trained on arbitrary pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from cnn_suite.data.picture_files import pictures_under, read_rgb
from cnn_suite.runtime.media.demo_source import picture_folder
from cnn_suite.runtime.media.picture_arrays import resized

SCIKIT_IMAGE = "scikit-image"
_NO_TARGET = np.zeros((), np.float32)  # a batch has to have one
_PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


class CropSettings(Protocol):
    """The augmentation settings."""

    scale: tuple[float, float]


class PhotoCrops:
    """Square crops of photographs in memory; see `generated_batches.ExampleSource`.

    Args:
        folders: Photographs of every folder, uint8 `(height, width, 3)`; each folder is sampled equally often, one
            that is listed twice, twice as often.
        size: Side of the squares in pixels.
    """

    def __init__(self, folders: Sequence[Sequence[np.ndarray]], size: int):
        self._folders = [photos for photos in folders if photos]
        self._all = [photo for photos in {id(photos): photos for photos in self._folders}.values() for photo in photos]
        self._size = size

    def __len__(self) -> int:
        """How many photographs there are."""
        return len(self._all)

    def still(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The middle square of a photograph, and no target."""
        photo = self._all[number]
        side = min(photo.shape[:2])
        top, left = ((whole - side) // 2 for whole in photo.shape[:2])
        return self._square(photo, top, left, side), _NO_TARGET

    def random(self, number: int, generator: np.random.Generator, settings: CropSettings) -> tuple:
        """A random square of a random photograph, perhaps mirrored; the number is one of the training's examples."""
        photos = self._folders[generator.integers(len(self._folders))]
        photo = photos[int(generator.integers(len(photos)))]
        side = max(1, round(min(photo.shape[:2]) * generator.uniform(*settings.scale)))
        top, left = (int(generator.integers(whole - side + 1)) for whole in photo.shape[:2])
        square = self._square(photo, top, left, side)
        return (np.ascontiguousarray(square[:, ::-1]) if generator.random() < 0.5 else square), _NO_TARGET

    def _square(self, photo: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
        square = photo[top : top + side, left : left + side]
        return resized(square, (self._size, self._size))


def read_photos(folder: str, smallest_side: int) -> list[np.ndarray]:
    """The photographs of a folder and its sub-folders that are large enough, uint8 RGB.

    Args:
        folder: A folder, or "scikit-image" for the photographs of that package.
        smallest_side: Photographs with a smaller side are left out.

    Raises:
        FileNotFoundError: If there is no such folder, or it holds no photographs that are large enough.
        SourceError: If scikit-image is asked for and not installed.
    """
    if folder == SCIKIT_IMAGE:
        files = [picture_folder() / name for name in _PHOTOGRAPHS]
    else:
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"The folder of photographs {folder} does not exist.")
        files = pictures_under(Path(folder))
    photos = [read_rgb(file) for file in files]
    photos = [photo for photo in photos if min(photo.shape[:2]) >= smallest_side]
    if not photos:
        raise FileNotFoundError(f"{folder} contains no photographs with sides of at least {smallest_side} pixels.")
    return photos
