"""Darknet's .weights files: a header and float32 values, put into a network so that every one of them is used.

The values have no names: they are the convolutions' in the order of the .cfg, each with its biases, with batch norm
then scales, means and variances, and its kernel `(filters, channels / groups, height, width)` at the end.

Source: Darknet's parser.c, save_convolutional_weights and load_weights_upto.
"""

import os
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from cnn_suite.weights.darknet_cfg import DarknetError
from cnn_suite.weights.darknet_plan import MOST_PARAMETERS
from cnn_suite.weights.darknet_steps import Convolution, Plan


class DarknetWeights(NamedTuple):
    """What a .weights file holds: Darknet's version, how many pictures it has seen, float32 `(n,)`; and its name."""

    major: int
    minor: int
    revision: int
    seen: int
    values: np.ndarray
    source: str


def read_darknet_weights(path: str | Path) -> DarknetWeights:
    """Reads a .weights file.

    Raises:
        DarknetError: If the file cannot be read, is too short for its header, ends within a number, is larger than any
            network that can be imported, or holds a NaN or an infinite value.
    """
    path = Path(path)
    if not path.is_file():
        raise DarknetError(f"Cannot read the .weights file {path}: there is no such file.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > 4 * MOST_PARAMETERS + 20:
                raise DarknetError(
                    f"{path.name} must hold at most {MOST_PARAMETERS:,} numbers. It has {size:,} bytes."
                )
            content = file.read(size)
    except OSError as error:
        raise DarknetError(f"Cannot read the .weights file {path}: {error.strerror or error}.") from error
    if len(content) < 12:
        raise DarknetError(f"{path.name} must begin with a header of 16 or 20 bytes. It has {len(content)} in all.")
    major, minor, revision = (int(number) for number in np.frombuffer(content, "<i4", 3))
    seen_type = np.dtype("<u8" if 2 <= major * 10 + minor and major < 1000 and minor < 1000 else "<u4")
    start = 12 + seen_type.itemsize
    if len(content) < start or (len(content) - start) % 4:
        raise DarknetError(
            f"{path.name} must hold a header of {start} bytes and whole numbers of 4 bytes. It has {len(content):,} "
            "bytes: it was cut off or is no .weights file."
        )
    seen = int(np.frombuffer(content, seen_type, 1, offset=12)[0])
    values = np.frombuffer(content, "<f4", offset=start)
    if not np.isfinite(values).all():
        raise DarknetError(f"{path.name} holds a NaN or an infinite value. Its training failed, or it is damaged.")
    return DarknetWeights(major, minor, revision, seen, values, path.name)


def load_darknet_weights(model: keras.Model, network: Plan, weights: DarknetWeights) -> None:
    """Puts every value of a .weights file into the network of its .cfg.

    Args:
        model: What `cnn_suite.models.darknet` made of the plan.
        network: The plan of the .cfg.
        weights: As `read_darknet_weights` gives them.

    Raises:
        DarknetError: If they are not exactly the values that the network needs; nothing is loaded then.
    """
    check_count(network, weights)
    rest = weights.values
    for number, step in enumerate(network.steps):
        if isinstance(step.settings, Convolution):
            _fill(model, network, number, rest[: step.parameters])
            rest = rest[step.parameters :]


def check_count(network: Plan, weights: DarknetWeights) -> None:
    """Refuses values that are more or fewer than the network needs.

    Raises:
        DarknetError: If they are.
    """
    if len(weights.values) == network.parameters:
        return
    held, where = 0, ""
    for step in network.steps:
        held += step.parameters
        if held > len(weights.values):
            where = f" They end within [{step.section.kind}] at line {step.section.line}."
            break
    raise DarknetError(
        f"{weights.source} must hold {network.parameters:,} values for {network.steps[0].section.source}. "
        f"It holds {len(weights.values):,}.{where} Take the .cfg that belongs to it."
    )


def _fill(model: keras.Model, network: Plan, number: int, values: np.ndarray) -> None:
    step = network.steps[number]
    settings = step.settings
    assert isinstance(settings, Convolution)
    biases, rest = np.split(values, [settings.filters])
    kernel_shape = (settings.filters, step.in_channels // settings.groups, settings.kernel, settings.kernel)
    if settings.batch_normalize:
        scales, means, variances, rest = np.split(rest, np.arange(1, 4) * settings.filters)
        model.get_layer(step.part("norm")).set_weights([scales, biases, means, variances])
    kernel = rest.reshape(kernel_shape)
    layer = model.get_layer(network.steps[step.head].name if step.head is not None else step.name)
    layer.set_weights([_keras_kernel(kernel, layer)] + ([] if settings.batch_normalize else [biases]))


def _keras_kernel(kernel: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """`(filters, channels, height, width)` as `(height, width, channels, filters)`, or as a depthwise layer's."""
    kernel = kernel.transpose(2, 3, 1, 0)
    if isinstance(layer, keras.layers.DepthwiseConv2D):  # one channel a filter, the filters of a channel together
        return kernel.reshape(layer.kernel.shape)
    return kernel
