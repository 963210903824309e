"""IDX files, the format of MNIST: `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, `t10k-...`, also gzipped.

Source: Y. LeCun, The MNIST database, "File formats for the MNIST database".
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from cnn_suite.data.classes.class_names import class_names
from cnn_suite.data.classes.labelled import ClassificationData, of_arrays

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_SPLIT_OF = {"train": "train", "t10k": "test"}
_LARGEST_BYTES = 2**34
_GZIP_RATIO = 1032  # the most that deflate can make of one byte (zlib's technical notes)


def is_idx(path: Path) -> bool:
    """Whether a folder contains a pair of IDX files."""
    return path.is_dir() and bool(_image_files(path))


def read_idx(path: Path, labels: tuple[str, ...] | None = None) -> ClassificationData:
    """Reads every pair of pictures and classes in a folder.

    Args:
        path: Folder. `train-...` is the split "train", `t10k-...` the split "test", anything else its own name.
        labels: Class names in order; "0" to the largest class by default.

    Raises:
        ValueError: If there is no pair, a file is damaged or lacks its partner, or has classes beyond `labels`.
    """
    if not is_idx(path):
        raise ValueError(f"{path} is not a folder of IDX files such as train-images-idx3-ubyte.")
    splits = {}
    for images_file in _image_files(path):
        prefix = images_file.name.split("-images")[0].split(".images")[0]
        labels_file = _partner(images_file)
        pictures = of_arrays(idx_array(images_file), idx_array(labels_file), str(images_file))
        splits[_SPLIT_OF.get(prefix, prefix)] = pictures
    return ClassificationData(class_names(splits, labels, str(path)), splits, path)


def idx_array(path: Path) -> np.ndarray:
    """The array of an IDX file, gzipped or not.

    Raises:
        ValueError: If it is not an IDX file, or its length differs from its header.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            stored = path.stat().st_size * (_GZIP_RATIO if path.suffix == ".gz" else 1)
            return _array(cast(BinaryIO, file), path, stored)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy it again.") from error


def _array(file: BinaryIO, path: Path, most_bytes: int) -> np.ndarray:
    """The array in an open file that cannot hold more than `most_bytes`; never reads more than its header says."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES or not start[3]:
        raise ValueError(f"{path} is not an IDX file: it must begin with 0, 0, a type and a number of dimensions.")
    extents = file.read(4 * start[3])
    if len(extents) < 4 * start[3]:
        raise ValueError(f"{path} ends within its header.")
    shape = struct.unpack(f">{start[3]}I", extents)
    dtype = np.dtype(_DTYPES[start[2]])
    expected = math.prod(shape) * dtype.itemsize
    if expected > min(_LARGEST_BYTES, most_bytes):
        raise ValueError(f"{path} declares {expected} bytes of values for shape {shape}, more than it can contain.")
    values = file.read(expected + 1)
    if len(values) != expected:
        holds = "more" if len(values) > expected else len(values)
        raise ValueError(f"{path} declares {expected} bytes of values for shape {shape} but contains {holds}.")
    return np.frombuffer(values, dtype).reshape(shape)


def _image_files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if "idx3" in file.name and "images" in file.name)


def _partner(images_file: Path) -> Path:
    name = images_file.name.replace("images", "labels").replace("idx3", "idx1")
    for candidate in (name, name.removesuffix(".gz"), name + ".gz"):
        if (images_file.parent / candidate).is_file():
            return images_file.parent / candidate
    raise ValueError(f"{images_file} lacks its classes: {images_file.parent / name} does not exist.")
