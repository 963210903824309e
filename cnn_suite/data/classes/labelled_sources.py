"""Readers of classification data sets in all supported formats."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cnn_suite.data.boxes.sources import formats_of
from cnn_suite.data.classes.idx import is_idx, read_idx
from cnn_suite.data.classes.image_folder import is_image_folder, read_image_folder
from cnn_suite.data.classes.labelled import ClassificationData
from cnn_suite.data.classes.npz import is_npz, read_npz
from cnn_suite.data.classes.tfds_source import PREFIX, read_tfds

READERS: dict[str, tuple[Callable[[Path], bool], Callable[..., ClassificationData]]] = {
    "idx": (is_idx, read_idx),
    "npz": (is_npz, read_npz),
    "image_folder": (is_image_folder, read_image_folder),
}


def read_labelled_data(
    path: str | Path, format: str = "auto", labels: Sequence[str] | None = None
) -> ClassificationData:
    """Reads a data set.

    Args:
        path: Folder, zip or file; for `tfds:NAME` the folder of prepared data sets, empty for TFDS's default.
        format: "image_folder", "idx", "npz", "tfds:NAME", or "auto" to detect it.
        labels: Class names in order, or None for the data's own.

    Raises:
        FileNotFoundError: If there is nothing at `path`, or a data set of TFDS is not prepared.
        ValueError: If the format is unknown or not that of the data, the data look like a detector's, or they cannot be
            read.
    """
    names = tuple(labels) if labels else None
    if format.startswith(PREFIX):
        data_dir = str(Path(path).expanduser()) if str(path) else None
        return read_tfds(format.removeprefix(PREFIX), data_dir, names)
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no data set at {path}.")
    if format != "auto":
        if format not in READERS:
            raise ValueError(f"`format` must be auto, tfds:NAME or one of {', '.join(READERS)}. Received {format!r}.")
        return READERS[format][1](path, names)
    if detection := formats_of(path):
        raise ValueError(
            f"{path} looks like data for detection ({' or '.join(detection)}), not like pictures of one class each. "
            "Train a detector on it (task: detection), or say that the format is image_folder if its folders are "
            "classes."
        )
    for is_format, read in READERS.values():
        if is_format(path):
            return read(path, names)
    raise ValueError(
        f"{path} has no supported format: class folders (also in a zip), IDX files, or a NumPy archive (.npz)."
    )
