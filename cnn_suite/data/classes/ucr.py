"""Signals of the UCR archive: `NAME_TRAIN.tsv` and `NAME_TEST.tsv`, one signal a line with its class in front.

Source: Dau et al. 2018, The UCR Time Series Archive.
"""

from pathlib import Path

import numpy as np

from cnn_suite.data.classes.class_names import class_names
from cnn_suite.data.classes.labelled import ClassificationData, of_numbers

_SPLITS = {"train": "*_TRAIN.tsv", "test": "*_TEST.tsv"}


def is_ucr(path: Path) -> bool:
    """Whether `path` is a folder with signals of the UCR archive."""
    return path.is_dir() and any(any(path.glob(pattern)) for pattern in _SPLITS.values())


def read_ucr(path: Path, labels: tuple[str, ...] | None = None) -> ClassificationData:
    """Reads the splits of one data set.

    Args:
        path: Folder with NAME_TRAIN.tsv, NAME_TEST.tsv or both, all of the same length.
        labels: Class names in the order of the classes' numbers; the numbers themselves by default.

    Raises:
        ValueError: If there is no such file or several of a split, one cannot be read, or the lengths differ.
    """
    files = {split: _only(path, pattern) for split, pattern in _SPLITS.items() if any(path.glob(pattern))}
    if not files:
        raise ValueError(f"{path} must contain NAME_TRAIN.tsv or NAME_TEST.tsv. It has neither.")
    tables = {split: _table(file) for split, file in files.items()}
    if len({table.shape[1] for table in tables.values()}) > 1:
        lengths = ", ".join(f"{table.shape[1] - 1} in {files[split].name}" for split, table in tables.items())
        raise ValueError(f"{path}: all signals must have the same length. Received {lengths} numbers.")
    numbers = np.unique(np.concatenate([table[:, 0] for table in tables.values()]))
    splits = {
        split: of_numbers(
            table[:, 1:].astype(np.float32), np.searchsorted(numbers, table[:, 0]).astype(np.int32), str(files[split])
        )
        for split, table in tables.items()
    }
    own = tuple(np.format_float_positional(number, trim="-") for number in numbers)
    return ClassificationData(class_names(splits, labels or own, str(path)), splits, path)


def _only(folder: Path, pattern: str) -> Path:
    files = sorted(folder.glob(pattern))
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"{folder} must contain one data set. Received {names}. Give each a folder of its own.")
    return files[0]


def _table(file: Path) -> np.ndarray:
    """Class and samples of every signal, `(n, 1 + length)`."""
    try:
        table = np.loadtxt(file, delimiter="\t", ndmin=2)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{file} must contain one signal a line, its class and its samples with tabs between, all of the same "
            f"length ({error})."
        ) from error
    if table.shape[1] < 2:
        raise ValueError(f"{file} must contain a class and at least one sample a line. Received shape {table.shape}.")
    unknown = np.flatnonzero(~np.isfinite(table[:, 0]))
    if len(unknown):
        raise ValueError(
            f"{file}: every signal must have a class, a finite number. Signal {unknown[0]} has {table[unknown[0], 0]}. "
            "Give it its class or take it out."
        )
    return table
