"""Readers of signals and volumes with one class each."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cnn_suite.data.classes.labelled import ClassificationData, of_numbers
from cnn_suite.data.classes.npz import is_npz, read_npz
from cnn_suite.data.classes.ucr import is_ucr, read_ucr


def _read_npz(path: Path, labels: tuple[str, ...] | None) -> ClassificationData:
    return read_npz(path, labels, of_numbers)


READERS: dict[str, tuple[Callable[[Path], bool], Callable[..., ClassificationData]]] = {
    "ucr": (is_ucr, read_ucr),
    "npz": (is_npz, _read_npz),
}


def read_array_data(
    path: str | Path, format: str = "auto", labels: Sequence[str] | None = None
) -> ClassificationData:
    """Reads a data set whose "pictures" are arrays of numbers `(n, ...)`, all of one shape.

    Args:
        path: Folder of the UCR archive, or a NumPy archive.
        format: "ucr", "npz", or "auto" to detect it.
        labels: Class names in order, or None for the data's own.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If the format is unknown or not that of the data, they cannot be read, or their shapes differ.
    """
    path, names = Path(path).expanduser(), tuple(labels) if labels else None
    if not path.exists():
        raise FileNotFoundError(f"There is no data set at {path}.")
    if format != "auto" and format not in READERS:
        raise ValueError(f"`format` must be auto or one of {', '.join(READERS)}. Received {format!r}.")
    for name, (is_format, read) in READERS.items():
        if name == format or (format == "auto" and is_format(path)):
            data = read(path, names)
            _check_shapes(data)
            return data
    raise ValueError(
        f"{path} has no supported format: a folder with NAME_TRAIN.tsv of the UCR archive, or a NumPy archive (.npz)."
    )


def _check_shapes(data: ClassificationData) -> None:
    shapes = {split: part.load(0).shape for split, part in data.splits.items() if len(part)}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{shape} in {split}" for split, shape in shapes.items())
        raise ValueError(f"{data.root}: all examples must have the same shape. Received {found}.")
