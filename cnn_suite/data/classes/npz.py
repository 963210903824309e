"""NumPy archives of pictures: `x_train, y_train, x_test, y_test` as Keras writes them, or `train_images, ...`."""

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from cnn_suite.data.classes.class_names import class_names
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures, of_arrays

_PAIRS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("images_{}", "labels_{}"))
_SPLITS = ("train", "val", "validation", "test")
_NAMES = "label_names"
_LARGEST_BYTES = 2**34


def is_npz(path: Path) -> bool:
    """Whether `path` is a NumPy archive."""
    return path.is_file() and path.suffix == ".npz"


def read_npz(
    path: Path,
    labels: tuple[str, ...] | None = None,
    of: Callable[[np.ndarray, np.ndarray, str], LabelledPictures] = of_arrays,
) -> ClassificationData:
    """Reads the splits of a NumPy archive; no pickled objects are loaded.

    Args:
        path: File with pairs `x_SPLIT, y_SPLIT` or `SPLIT_images, SPLIT_labels` of the splits train, val and test, or
            one pair `x, y` or `images, labels`.
        labels: Class names in order; the file's own `label_names` or "0" to the largest class by default.
        of: Makes pictures, or what stands for them, of examples, classes and the name of their source.

    Raises:
        ValueError: If the file is damaged, too large, contains no pair, or has classes beyond `labels`.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            pairs = _pairs(archive.files)
            wanted = [name for pair in pairs.values() for name in pair] + [_NAMES]
            _refuse_too_large(path, wanted)
            arrays = {name: archive[name] for name in wanted if name in archive.files}
            found = ", ".join(archive.files) or "nothing"
    except _TooLarge:
        raise
    except Exception as error:  # zipfile, zlib and NumPy have an error each
        raise ValueError(
            f"{path} is damaged or not a NumPy archive of plain arrays ({error}). Write it again."
        ) from error
    missing = [y for _, y in pairs.values() if y not in arrays]
    if not pairs or missing:
        raise ValueError(
            f"{path} must contain pairs such as x_train and y_train. "
            f"{f'It lacks {missing[0]}' if missing else 'It has none'}, only {found}."
        )
    splits = {split: of(arrays[x], arrays[y], f"{path}:{x}") for split, (x, y) in pairs.items()}
    own = tuple(map(str, arrays[_NAMES].reshape(-1).tolist())) if _NAMES in arrays else None
    return ClassificationData(class_names(splits, labels or own, str(path)), splits, path)


class _TooLarge(ValueError):
    """Arrays that would not fit."""


def _refuse_too_large(path: Path, names: Iterable[str]) -> None:
    """Adds up what the arrays take when they are unpacked, before any of them is."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
    total = sum(sizes.get(name, 0) for name in names)
    if total > _LARGEST_BYTES:
        raise _TooLarge(
            f"{path} unpacks to {total} bytes, more than the limit of {_LARGEST_BYTES} bytes in memory. "
            "Store the pictures as files in class folders."
        )


def _pairs(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Split to the names of its pictures and its classes."""
    known = set(names)
    possible = [(split, x.format(split), y.format(split)) for split in _SPLITS for x, y in _PAIRS]
    found = {split: (x, y) for split, x, y in possible if x in known}
    for x, y in (("x", "y"), ("images", "labels")):
        if not found and x in known:
            found = {"train": (x, y)}
    return found
