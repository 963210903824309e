"""MXNet's list of named arrays: the `.params` files of its models, read without MXNet.

A file is a header (magic, reserved), the number of arrays, the arrays, the number of names, the names. Of these
`arg:conv1_weight` is a parameter that training learns, `aux:bn1_moving_mean` a statistic that it follows. All numbers
are little-endian.

Nothing is believed before the bytes for it have been seen: what is read is never larger than the file, whatever it
says.

Source: MXNet 1.x, src/ndarray/ndarray.cc, NDArray::Load and NDArray::Save.
"""

import math
import os
import struct
from pathlib import Path

import numpy as np

LIST_MAGIC = 0x112
ARRAY_MAGICS = {0xF993FAC8: 1, 0xF993FAC9: 2, 0xF993FACA: 3}  # version of an array's own header

# By mshadow's number of the type. 16-bit brain floats and booleans, numbers 12 and 7, are in no weights file.
DTYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}
_DENSE = 0  # storage type; 1 and 2 are sparse
_MOST_AXES = 32


def read_mxnet_params(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Every array of a file, by its name in the file.

    Args:
        path: A `.params` file that MXNet's `save_checkpoint`, `nd.save` or Gluon's `save_parameters` wrote.

    Returns:
        Arrays in the file's order under names such as `arg:conv1_weight`; they cannot be written to.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it has another format, is truncated, or contains something unsupported.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no MXNet parameter file {path}. Expected the .params file of a model.")
    return mxnet_arrays(path.read_bytes(), str(path))


def mxnet_arrays(data: bytes, source: str = "The data") -> dict[str, np.ndarray]:
    """Every array of a file's content, by its name.

    Args:
        data: The whole content.
        source: What it came from, for messages.

    Returns:
        Arrays as of `read_mxnet_params`: views of `data`, no copies.

    Raises:
        ValueError: As `read_mxnet_params`.
    """
    reader = _Reader(data, source)
    (magic,) = reader.numbers("Q", "its magic number")
    if magic != LIST_MAGIC:
        raise reader.fault(
            f"it begins with {magic:#x}, not with {LIST_MAGIC:#x}, the magic number of a list of arrays. "
            "A symbol file (.json) contains no weights; use the .params file next to it"
        )
    reader.numbers("Q", "its reserved word")
    (count,) = reader.numbers("Q", "the number of its arrays")
    # Lists grow with what has been read: a count of 2 ** 63 ends with the file's last byte.
    arrays = [_array(reader, number) for number in range(count)]
    (names_count,) = reader.numbers("Q", "the number of its names")
    if names_count != count:
        raise reader.fault(f"it contains {count} arrays and {names_count} names; expected one name per array")
    names = [_name(reader, number) for number in range(names_count)]
    if reader.left:
        raise reader.fault(f"{reader.left} bytes follow the last name, where the file should end")
    found: dict[str, np.ndarray] = {}
    for name, array in zip(names, arrays):
        if name in found:
            raise reader.fault(f"two arrays have the name {name!r}")
        found[name] = array
    return found


class _Reader:
    """A place in the content that only moves over bytes that are there."""

    def __init__(self, data: bytes, source: str) -> None:
        self._data, self._place, self._source = memoryview(data), 0, source

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._place

    def take(self, count: int, what: str) -> memoryview:
        """The next bytes."""
        if count > self.left:
            raise self.fault(f"it is truncated: {what} needs {count} bytes at byte {self._place}, {self.left} are left")
        self._place += count
        return self._data[self._place - count : self._place]

    def numbers(self, form: str, what: str) -> tuple[int, ...]:
        """The next little-endian numbers, by the letters of `struct`."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}"), what))

    def fault(self, text: str) -> ValueError:
        """An error that says so of this file."""
        return ValueError(f"{self._source} is not a complete, readable MXNet parameter file: {text}.")


def _array(reader: _Reader, number: int) -> np.ndarray:
    what = f"array {number}"
    shape = _shape(reader, what)
    reader.numbers("2i", f"the device of {what}")  # where it was when it was saved
    (kind,) = reader.numbers("i", f"the type of {what}")
    if kind not in DTYPES:
        known = ", ".join(f"{key} ({np.dtype(name).name})" for key, name in DTYPES.items())
        raise reader.fault(f"{what} has values of type {kind}. Supported types: {known}; save it as float32")
    dtype = np.dtype(DTYPES[kind])
    values = reader.take(math.prod(shape) * dtype.itemsize, f"{what} of {dtype.name} and shape {shape}")
    return np.frombuffer(values, dtype).reshape(shape)


def _shape(reader: _Reader, what: str) -> tuple[int, ...]:
    """Reads an array's header up to its shape."""
    (magic,) = reader.numbers("I", f"the head of {what}")
    if magic not in ARRAY_MAGICS:
        raise reader.fault(f"{what} begins with {magic:#x}, which is not an array of MXNet 1.0 or later")
    if ARRAY_MAGICS[magic] > 1:  # before, there was no other storage than dense
        (storage,) = reader.numbers("i", f"the storage type of {what}")
        if storage != _DENSE:
            raise reader.fault(f"{what} is sparse (storage type {storage}); save it as a dense array")
    (axes,) = reader.numbers("i", f"the number of axes of {what}")
    if not 1 <= axes <= _MOST_AXES:
        raise reader.fault(f"{what} has {axes} axes, expected 1 to {_MOST_AXES}")
    shape = reader.numbers(f"{axes}q", f"the shape of {what}")
    if min(shape) < 1:
        raise reader.fault(f"{what} has the shape {shape}, whose sides must all be at least 1")
    return shape


def _name(reader: _Reader, number: int) -> str:
    (length,) = reader.numbers("Q", f"the length of name {number}")
    text = bytes(reader.take(length, f"name {number}"))
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise reader.fault(f"name {number} is not UTF-8 text ({error})") from error
