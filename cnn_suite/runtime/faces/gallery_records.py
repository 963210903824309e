"""What a gallery holds, what goes wrong with one, and what may be put into it: names, encodings, pictures.

An encoding is float32 `(dimensions,)` of unit length. NumPy and the standard library only.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

LONGEST_NAME = 100  # characters
LONGEST_PICTURE = 4 * 2**20  # bytes of a JPEG
UNIT_TOLERANCE = 1e-3  # of an encoding's length; float16 networks miss 1 by half of it


class GalleryError(ValueError):
    """A gallery that cannot be used as asked: damaged, another model's, locked, a name that is taken or not there."""


@dataclass(frozen=True)
class Person:
    """One enrolled person.

    Args:
        name: As it was enrolled, in Unicode's composed form (NFC).
        encodings: How many encodings there are of the person, at least one.
        created: When the first of them came, UTC, ISO 8601.
        changed: When the last of them came.
    """

    name: str
    encodings: int
    created: str
    changed: str


@dataclass(frozen=True, eq=False)
class StoredEncoding:
    """One encoding with everything that is kept of it.

    Args:
        id: Its number in the gallery, never given twice; 0 where it comes from an exported file.
        name: The person's.
        encoding: Float32 `(dimensions,)`, unit length.
        quality: Figures of the picture by name, as the enrolment gate measured them.
        source: Where it came from: a file's name, "camera".
        created: When, UTC, ISO 8601.
        picture: The JPEG, or None: pictures are kept only when asked for.
    """

    id: int
    name: str
    encoding: np.ndarray
    quality: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    created: str = ""
    picture: bytes | None = None


@dataclass(frozen=True)
class HistoryEntry:
    """One change of the gallery: what, who and when (UTC, ISO 8601)."""

    time: str
    action: str
    name: str
    detail: str


def checked_name(name: str) -> str:
    """A person's name trimmed and in Unicode's composed form, so that one name has one spelling.

    Raises:
        GalleryError: If it is empty, too long, invisible or holds control characters.
    """
    if not isinstance(name, str):
        raise GalleryError(f"A name must be text. Received {type(name).__name__}.")
    tidy = unicodedata.normalize("NFC", name).strip()
    kinds = [unicodedata.category(character) for character in tidy]
    if not any(kind[0] not in "CZM" for kind in kinds):
        raise GalleryError(f"A name must hold at least one visible character. Received {name!r:.60}.")
    if len(tidy) > LONGEST_NAME:
        raise GalleryError(f"A name must have at most {LONGEST_NAME} characters. Received {len(tidy)}: {tidy!r:.40}….")
    if any(kind in ("Cc", "Cs", "Zl", "Zp") for kind in kinds):
        raise GalleryError(f"A name must be one line without control characters. Received {name!r:.60}.")
    return tidy


def checked_encodings(encodings: np.ndarray, dimensions: int) -> np.ndarray:
    """Encodings as float32 `(n, dimensions)`; one alone may come as `(dimensions,)`.

    Raises:
        GalleryError: If there is none, the dimension is another, a number is not finite or a length is not 1.
    """
    try:
        rows = np.asarray(encodings, np.float32)
    except (TypeError, ValueError) as error:
        raise GalleryError(f"`encodings` must be numbers of shape (n, {dimensions}): {error}.") from error
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != dimensions or not len(rows):
        raise GalleryError(
            f"`encodings` must have shape (n, {dimensions}) with n at least 1. Received shape {np.shape(encodings)}. "
            "They must come from the model that the gallery was made with."
        )
    if not np.isfinite(rows).all():
        raise GalleryError("`encodings` must be finite. Received a NaN or an infinite value: was no face found?")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    wrong = int(np.argmax(np.abs(lengths - 1)))
    if abs(lengths[wrong] - 1) > UNIT_TOLERANCE:
        raise GalleryError(
            f"`encodings` must have length 1. Received length {lengths[wrong]:g} in row {wrong}. "
            "Divide each encoding by its length first."
        )
    return rows


def checked_picture(picture: bytes | None) -> bytes | None:
    """A JPEG's bytes, or None.

    Raises:
        GalleryError: If it is no JPEG or larger than `LONGEST_PICTURE`.
    """
    if picture is None:
        return None
    if not isinstance(picture, bytes) or not picture.startswith(b"\xff\xd8\xff"):
        raise GalleryError("A picture must be the bytes of a JPEG file, or None.")
    if len(picture) > LONGEST_PICTURE:
        raise GalleryError(f"A picture may have {LONGEST_PICTURE} bytes. Received {len(picture)}. Make it smaller.")
    return picture


def quality_text(quality: Mapping[str, float]) -> str:
    """Figures of quality as JSON.

    Raises:
        GalleryError: If they are not finite numbers by name.
    """
    try:
        return json.dumps({str(name): float(value) for name, value in quality.items()}, allow_nan=False)
    except (AttributeError, TypeError, ValueError) as error:
        raise GalleryError(f"`quality` must be finite numbers by name. Received {quality!r:.80}.") from error


def quality_from_text(text: str) -> dict[str, float]:
    """The figures that `quality_text` wrote.

    Raises:
        ValueError: If the text is something else.
    """
    quality = json.loads(text)
    if not isinstance(quality, dict) or not all(type(value) in (int, float) for value in quality.values()):
        raise ValueError(f"Expected numbers by name as JSON. Received {text!r:.80}.")
    return {name: float(value) for name, value in quality.items()}
