"""Random square crops of photographs, for networks trained on arbitrary pictures."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from cnn_suite.data.collage import glue_pieces
from cnn_suite.data.picture_files import pictures_under, read_rgb
from cnn_suite.runtime.media.demo_source import picture_folder
from cnn_suite.runtime.media.picture_arrays import resized

SCIKIT_IMAGE = "scikit-image"
_NO_TARGET = np.zeros((), np.float32)  # a batch has to have one
_PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
    "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip


class CropSettings(Protocol):
    """The augmentation settings."""

    @property
    def scale(self) -> tuple[float, float]:
        """Side of a square, as a fraction of the photograph's shorter side."""

    @property
    def mosaic(self) -> bool:
        """Whether small photographs are joined instead of enlarged."""

    @property
    def collage(self) -> float:
        """Fraction of the squares onto which pieces of other photographs are glued."""


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
        return _square(photo, top, left, side, self._size), _NO_TARGET

    def random(self, number: int, generator: np.random.Generator, settings: CropSettings) -> tuple:
        """A random square of a random photograph, perhaps mirrored; the number is one of the training's examples.

        With `mosaic`, where one photograph would be enlarged, as many of its folder as fill the square side by side;
        with `collage`, onto some of the squares pieces of photographs of all folders.
        """
        photos = self._folder(generator)
        photo = _any(photos, generator)
        across = -(-self._size // min(photo.shape[:2])) if settings.mosaic else 1
        side = -(-self._size // across)
        square = np.zeros((across * side, across * side, 3), np.uint8)
        for row, column in np.ndindex(across, across):
            square[row * side : (row + 1) * side, column * side : (column + 1) * side] = _random_square(
                photo, side, generator, settings
            )
            photo = _any(photos, generator)
        square = np.ascontiguousarray(square[: self._size, : self._size])
        if generator.random() < settings.collage:
            piece = functools.partial(self._piece, generator=generator, settings=settings)
            glue_pieces(square, piece, generator)
        return square, _NO_TARGET

    def _piece(self, side: int, generator: np.random.Generator, settings: CropSettings) -> np.ndarray:
        return _random_square(_any(self._folder(generator), generator), side, generator, settings)

    def _folder(self, generator: np.random.Generator) -> Sequence[np.ndarray]:
        return self._folders[generator.integers(len(self._folders))]


def _random_square(photo: np.ndarray, size: int, generator: np.random.Generator, settings: CropSettings) -> np.ndarray:
    side = max(1, round(min(photo.shape[:2]) * generator.uniform(*settings.scale)))
    top, left = (int(generator.integers(whole - side + 1)) for whole in photo.shape[:2])
    square = _square(photo, top, left, side, size)
    return np.ascontiguousarray(square[:, ::-1]) if generator.random() < 0.5 else square


def _any(photos: Sequence[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    return photos[int(generator.integers(len(photos)))]


def _square(photo: np.ndarray, top: int, left: int, side: int, size: int) -> np.ndarray:
    return resized(photo[top : top + side, left : left + side], (size, size))


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
