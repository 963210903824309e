"""Pictures of people as files: folders with one folder per person, and the one face of a picture."""

import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn_suite.data.picture_files import picture_size_hw, pictures_under, read_rgb
from cnn_suite.file_names import is_hidden
from cnn_suite.runtime.faces.face_encoder import FaceEncoder

MOST_PIXELS = 100_000_000  # a picture of 20,000 x 20,000 would take a gigabyte


class PictureError(ValueError):
    """A picture that cannot be used; the message names it."""


class PersonPicture(NamedTuple):
    """A picture file and the person it shows."""

    path: Path
    person: str


def people_pictures(folder: str | Path) -> list[PersonPicture]:
    """The pictures of a folder of people: one folder per person, in the order of their names; none of hidden folders.

    A name is that of its folder in Unicode's composed form (NFC), as a Mac writes accents apart from their letters.

    Raises:
        FileNotFoundError: If the folder does not exist.
        PictureError: If it contains no folder with pictures.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {folder} does not exist. A folder of people has one folder per person.")
    found = [
        PersonPicture(path, unicodedata.normalize("NFC", person.name))
        for person in sorted(folder.iterdir())
        if person.is_dir() and not is_hidden(person.relative_to(folder))
        for path in pictures_under(person)
    ]
    if not found:
        raise PictureError(f"{folder} contains no folders with pictures. A folder of people has one folder per person.")
    return found


def read_face_picture(path: str | Path) -> np.ndarray:
    """Reads a picture as RGB uint8.

    Raises:
        FileNotFoundError: If the file does not exist.
        PictureError: If it is not a picture, or larger than any camera's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"The picture {path} does not exist.")
    try:
        height, width = picture_size_hw(path)
    except ValueError as error:
        raise PictureError(f"{path} is not a readable picture: {error}") from error
    if height * width > MOST_PIXELS:
        raise PictureError(
            f"{path} has {width:,} x {height:,} pixels. At most {MOST_PIXELS // 1_000_000} million are supported: make "
            "it smaller first."
        )
    try:
        return read_rgb(path)
    except ValueError as error:
        raise PictureError(f"{path} is not a readable picture: {error}") from error


def largest_face(encoder: FaceEncoder, path: str | Path) -> np.ndarray | None:
    """The encoding of the largest face of a picture; None if there is no face.

    Raises:
        FileNotFoundError, PictureError: As `read_face_picture`.
    """
    found = encoder(read_face_picture(path))
    number = found.faces.largest()
    return None if number is None else found.encodings[number]
