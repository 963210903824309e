"""Deep Compression's file of a pruned and quantised network (`.net`): a few bytes a weight back into arrays.

A pruned layer is a list of entries, each a code, an index into a codebook of 256 shared values, and a gap, the number
of zeros since the entry before. Gaps have four bits: where more than 15 zeros lie between two weights, an entry of code
0 stands in between, a filler, whose value is 0. The file, all little-endian and without padding, is

    uint32 a layer       number of its entries, fillers among them
    then, layer by layer
      256 float32        codebook; code 0 is the value 0
      float32 an output  biases
      uint8 an entry     codes
      4 bits an entry    gaps, two a byte, the lower half first; the last half byte is spare if the number is odd

It names no layers and no shapes: these come from the network that it was made of. What is read and made is never larger
than those shapes allow, whatever the file says. Files whose dense layers have 4-bit codes (AlexNet's) are not read.

Source: Han, Mao and Dally 2016, Deep Compression, section 2 (relative index, figure 2) and section 3 (codebook); the
layout is that of the authors' decode.py (songhan/SqueezeNet-Deep-Compression), which has no Huffman coding.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

CODES = 256
_CODEBOOK_BYTES = 4 * CODES

Shapes = Mapping[str, tuple[int, ...]]
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]


def read_deep_compression(path: str | os.PathLike[str], shapes: Shapes) -> Arrays:
    """Kernel and bias of every layer of a file.

    Args:
        path: A `.net` file.
        shapes: Shape of every layer's kernel by name, in the file's order; outputs come first, as in Caffe:
            `(filters, channels, height, width)`. A layer has one bias per output.

    Returns:
        Kernel, float32 of the given shape, and bias, float32 `(outputs,)`, by the names of `shapes`.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged, or not of a network of these shapes, or a shape is invalid.
    """
    _check_shapes(shapes)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no Deep Compression file {path}. Expected the .net file of a network.")
    size, most = path.stat().st_size, _bytes_of(shapes, [math.prod(shape) for shape in shapes.values()])
    if size > most:  # before it is read: a file of many gigabytes is rejected as fast as any other
        raise _fault(str(path), f"it has {size} bytes, but no such network needs more than {most}")
    return decode_layers(path.read_bytes(), shapes, str(path))


def decode_layers(data: bytes, shapes: Shapes, source: str = "The data") -> Arrays:
    """Kernel and bias of every layer of a file's content.

    Args:
        data: The whole content.
        shapes: As of `read_deep_compression`.
        source: What it came from, for messages.

    Returns:
        As `read_deep_compression`; nothing in it shares memory with `data`.

    Raises:
        ValueError: As `read_deep_compression`.
    """
    _check_shapes(shapes)
    counts = _checked_counts(data, shapes, source)
    rest, decoded = np.frombuffer(data, np.uint8)[4 * len(shapes) :], {}
    for (name, shape), count in zip(shapes.items(), counts):
        size = _layer_bytes(shape, count)
        decoded[name] = _layer(rest[:size], shape, count, name, source)
        rest = rest[size:]
    return decoded


def _check_shapes(shapes: Shapes) -> None:
    for name, shape in shapes.items():
        if not shape or min(shape) < 1:
            raise ValueError(f"The shape of layer `{name}` must have axes of at least 1. Received {tuple(shape)}.")


def _checked_counts(data: bytes, shapes: Shapes, source: str) -> list[int]:
    """Entries of every layer; with them the length of the whole file is known, and is checked."""
    if len(data) < 4 * len(shapes):
        raise _fault(source, f"it has {len(data)} bytes, but the entry counts alone need {4 * len(shapes)}")
    counts = [int(count) for count in np.frombuffer(data, "<u4", len(shapes))]
    for (name, shape), count in zip(shapes.items(), counts):
        if count > math.prod(shape):
            raise _fault(source, f"layer `{name}` has {count} entries for a kernel of {math.prod(shape)} weights")
    needed = _bytes_of(shapes, counts)
    if len(data) != needed:
        state = "is truncated" if len(data) < needed else "continues after its last layer"
        raise _fault(source, f"it {state}: its entry counts require {needed} bytes, it has {len(data)}")
    return counts


def _layer(
    block: np.ndarray, shape: tuple[int, ...], count: int, name: str, source: str
) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum([_CODEBOOK_BYTES, 4 * shape[0], count])
    codebook, bias, codes, packed = np.split(block, ends)
    codebook, bias = codebook.view("<f4"), bias.view("<f4").astype(np.float32)
    if codebook[0] != 0:
        raise _fault(source, f"code 0 of layer `{name}` is {codebook[0]}, but pruned weights need 0")
    if not (np.isfinite(codebook).all() and np.isfinite(bias).all()):
        raise _fault(source, f"layer `{name}` has a codebook value or a bias that is not finite")
    gaps = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)
    if gaps[count:].any():
        raise _fault(source, f"the unused half byte after the last gap of layer `{name}` is {gaps[-1]}, not 0")
    positions = np.cumsum(gaps[:count].astype(np.int64) + 1) - 1
    kernel = np.zeros(math.prod(shape), np.float32)
    if count and positions[-1] >= kernel.size:
        raise _fault(
            source, f"the last entry of layer `{name}` is for weight {positions[-1]} of 0 to {kernel.size - 1}"
        )
    kernel[positions] = codebook[codes]
    return kernel.reshape(shape), bias


def _bytes_of(shapes: Shapes, counts: list[int]) -> int:
    return 4 * len(shapes) + sum(_layer_bytes(shape, count) for shape, count in zip(shapes.values(), counts))


def _layer_bytes(shape: tuple[int, ...], count: int) -> int:
    return _CODEBOOK_BYTES + 4 * shape[0] + count + (count + 1) // 2


def _fault(source: str, text: str) -> ValueError:
    return ValueError(
        f"{source} is not a complete Deep Compression file of these layers: {text}. Download it again, or give the "
        "shapes of the network it was made from."
    )
