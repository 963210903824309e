"""Pictures with one class each, the common representation of classification data; and leak-free splits of them.

A picture is decoded on demand. Its content (the bytes of its file or pixels) gives a fingerprint, by which splits are
drawn: the same whatever the order of the files, and with identical pictures on the same side. Once drawn, the limits of
a split say of every picture on which side it is, also of those that come later.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """Pictures in order.

    Args:
        names: Human-readable names of the pictures: paths, or numbers.
        class_ids: Int32 `(n,)`.
        load: Maps a picture's number to its pixels, uint8 `(height, width, channels)`, RGB or grey.
        content: Maps a picture's number to the bytes of its content.
    """

    names: Sequence[str]
    class_ids: np.ndarray
    load: Callable[[int], np.ndarray]
    content: Callable[[int], bytes]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Iterable[int]) -> "LabelledPictures":
        """The selected pictures, in the given order."""
        chosen = np.asarray(list(indices), np.int64)
        load, content = self.load, self.content
        return LabelledPictures(
            [self.names[i] for i in chosen],
            self.class_ids[chosen],
            lambda index: load(int(chosen[index])),
            lambda index: content(int(chosen[index])),
        )

    def fingerprints(self) -> np.ndarray:
        """SHA-256 of every picture's content, `(n,)` bytes."""
        return np.array([hashlib.sha256(self.content(i)).digest() for i in range(len(self))], "S32")


@dataclass(frozen=True, eq=False)
class ClassificationData:
    """A data set: class names and one or more splits.

    Args:
        labels: Class names in the order of the class numbers.
        splits: Maps split names to pictures.
        root: Location of the data, for messages.
    """

    labels: tuple[str, ...]
    splits: Mapping[str, LabelledPictures]
    root: Path | str

    def pictures(self, names: Sequence[str]) -> LabelledPictures:
        """The pictures of some splits, one after the other.

        Raises:
            KeyError: If there is no such split; the text lists those there are.
        """
        unknown = [name for name in names if name not in self.splits]
        if unknown:
            raise KeyError(f"{self.root} has no split {unknown[0]!r}. Known splits: {', '.join(self.splits)}.")
        return joined([self.splits[name] for name in names])


def joined(parts: Sequence[LabelledPictures]) -> LabelledPictures:
    """Several sets of pictures as one."""
    if len(parts) == 1:
        return parts[0]
    owners = [(part, index) for part in parts for index in range(len(part))]
    return LabelledPictures(
        [part.names[index] for part, index in owners],
        np.concatenate([np.zeros(0, np.int32), *(part.class_ids for part in parts)]).astype(np.int32),
        lambda number: owners[number][0].load(owners[number][1]),
        lambda number: owners[number][0].content(owners[number][1]),
    )


def of_arrays(images: np.ndarray, class_ids: np.ndarray, source: str) -> LabelledPictures:
    """Pictures from an array.

    Args:
        images: Uint8 `(n, height, width)` or `(n, height, width, channels)`.
        class_ids: Whole numbers `(n,)` or `(n, 1)`.
        source: Source of the data, for messages.

    Raises:
        ValueError: If an array has the wrong type or shape, or their lengths differ.
    """
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise ValueError(
            f"{source}: pictures must be uint8 of shape (n, height, width), with or without 1 or 3 channels at the "
            f"end. Received {images.dtype} of shape {images.shape}."
        )
    pixels = images[..., None] if images.ndim == 3 else images
    return _numbered(pixels, class_ids, source)


def of_numbers(values: np.ndarray, class_ids: np.ndarray, source: str) -> LabelledPictures:
    """Signals or volumes from an array, in place of pictures.

    Args:
        values: Finite numbers `(n, ...)`.
        class_ids: Whole numbers `(n,)` or `(n, 1)`.
        source: Source of the data, for messages.

    Raises:
        ValueError: If an array has the wrong type or shape, or their lengths differ.
    """
    if values.dtype.kind not in "biuf" or values.ndim < 2 or 0 in values.shape[1:]:
        raise ValueError(
            f"{source}: examples must be numbers of shape (n, length), (n, depth, height, width) or the like. "
            f"Received {values.dtype} of shape {values.shape}."
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
        raise ValueError(
            f"{source}: all numbers must be finite. Example {first} has others. Series of several lengths, which some "
            "files fill up with NaN, must be cut or filled up to one length."
        )
    return _numbered(values, class_ids, source)


def _numbered(values: np.ndarray, class_ids: np.ndarray, source: str) -> LabelledPictures:
    class_ids = class_ids.reshape(-1) if class_ids.ndim == 2 and class_ids.shape[1] == 1 else class_ids
    if class_ids.dtype.kind not in "iu" or class_ids.shape != (len(values),):
        raise ValueError(
            f"{source}: classes must be whole numbers of shape ({len(values)},), one per example. "
            f"Received {class_ids.dtype} of shape {class_ids.shape}."
        )
    names = [f"{source}[{index}]" for index in range(len(values))]
    numbers = np.clip(class_ids, -1, 2**31 - 1).astype(np.int32)
    return LabelledPictures(names, numbers, values.__getitem__, lambda index: values[index].tobytes())


def held_out(pictures: LabelledPictures, limits: Sequence[str]) -> tuple[LabelledPictures, LabelledPictures]:
    """Splits pictures into two parts: the rest, and those held out.

    A picture that occurs more than once, in whatever class, is never in both parts.

    Args:
        pictures: All of them.
        limits: For every class the fingerprint up to which its pictures are held out, as `held_out_limits` gives it.
    """
    prints = pictures.fingerprints().tolist()
    chosen = {one for one, class_id in zip(prints, pictures.class_ids) if _digits(one) <= limits[class_id]}
    is_chosen = np.array([one in chosen for one in prints], bool)
    return pictures.take(np.flatnonzero(~is_chosen)), pictures.take(np.flatnonzero(is_chosen))


def held_out_limits(pictures: LabelledPictures, share: float, labels: Sequence[str]) -> tuple[str, ...]:
    """Limits for `held_out` that hold out a share of every class, the same for everybody who has these pictures.

    Args:
        pictures: All of them.
        share: Fraction of every class.
        labels: Names of the classes.

    Returns:
        For every class the first 16 hexadecimal digits of a fingerprint; empty for one without pictures.

    Raises:
        ValueError: If a class is too small to have pictures in both parts.
    """
    limits, prints = [""] * len(labels), pictures.fingerprints()
    for class_id, members in _by_class(pictures, prints):
        count = round(share * len(members))
        if not 0 < count < len(members):
            raise ValueError(
                f"data.held_out: a fraction of {share} of the {len(members)} examples of {labels[class_id]!r} is "
                f"{count}. Both parts need examples of every class: add some, change the fraction, or name a split in "
                "data.validation."
            )
        limits[class_id] = _digits(prints[members[count - 1]])
    return tuple(limits)


def _digits(fingerprint: bytes) -> str:
    return fingerprint[:8].hex()


def few_of_each(pictures: LabelledPictures, count: int) -> LabelledPictures:
    """At most `count` pictures of every class, drawn by fingerprint."""
    groups = _by_class(pictures, pictures.fingerprints())
    return pictures.take(np.sort(np.concatenate([members[:count] for _, members in groups])))


def without_those_of(pictures: LabelledPictures, others: LabelledPictures) -> tuple[LabelledPictures, int]:
    """Pictures whose content does not occur in another set, and the number of those removed."""
    known = set(others.fingerprints().tolist())
    kept = [index for index, one in enumerate(pictures.fingerprints().tolist()) if one not in known]
    return pictures.take(kept), len(pictures) - len(kept)


def _by_class(pictures: LabelledPictures, prints: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The members of every class that occurs, in the order of their fingerprints."""
    order = np.argsort(prints, kind="stable")
    classes = np.unique(pictures.class_ids).tolist()
    return [(class_id, order[pictures.class_ids[order] == class_id]) for class_id in classes]
