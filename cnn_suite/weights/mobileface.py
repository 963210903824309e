"""Weights of MobileFace V2 (becauseofAI/MobileFace, an MXNet parameter list) into our `mobileface_v2`.

MXNet keeps pictures channels first: kernels are `(out, in, height, width)`, depthwise ones `(channels, 1, height,
width)`, and the last dense layer reads its map channel by channel, ours pixel by pixel. The values stay as they are.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from cnn_suite.weights.mxnet_params import read_mxnet_params

STAGES, BLOCKS = 4, 3  # stages of the network, blocks of a stage
PARTS = ("expand", "depthwise", "project")  # convolutions of a block
FLATTEN = "flatten"

_ARRAYS = {
    "kernel": "arg:{}_weight",
    "bias": "arg:{}_bias",
    "gamma": "arg:{}_gamma",
    "beta": "arg:{}_beta",
    "moving_mean": "aux:{}_moving_mean",
    "moving_variance": "aux:{}_moving_var",
}


class _Place(NamedTuple):
    """Where an array of the file belongs."""

    layer: str
    weight: keras.Variable
    shape: tuple[int, ...]  # in the file
    in_our_order: Callable[[np.ndarray], np.ndarray]


def load_mobileface(model: keras.Model, path: str | Path) -> None:
    """Loads the weights of a file into a MobileFace V2 by name; all of them or, if an error is raised, none.

    Args:
        model: A model of `cnn_suite.models.mobileface_v2`.
        path: The file, `MobileFace_Identification_V2-0000.params`.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged or has another format, or the model's weights are not those of the file.
    """
    arrays = read_mxnet_params(path)
    places = dict(_places(model))
    _check_names(model, path, places, arrays)
    for name, place in places.items():
        _check_array(model, path, name, place, arrays[name])
    for name, place in places.items():
        place.weight.assign(place.in_our_order(arrays[name]))


def mxnet_names() -> dict[str, str]:
    """The name that the file has for each of our layers: it counts convolutions and norms from the second on."""
    names = {"stem_conv": "conv1", "stem_norm": "bn1", "embedding_dense": "fc5", "embedding_norm": "fc5_bn"}
    blocks = (f"stage{stage + 1}_block{block + 1}" for stage in range(STAGES) for block in range(BLOCKS))
    convolutions = (f"{block}_{part}" for block in blocks for part in PARTS)
    for number, name in enumerate(convolutions):
        names |= {name: f"convolution{number}", f"{name}_norm": f"batchnorm{number}"}
    return names


def _places(model: keras.Model) -> Iterator[tuple[str, _Place]]:
    """Every weight of the model under the name that its array has in the file."""
    names = mxnet_names()
    for layer in model.layers:
        for weight in layer.weights:
            # A layer that is none of ours keeps its name, which no file has: it is rejected with the others.
            known = layer.name in names and weight.name in _ARRAYS
            name = _ARRAYS[weight.name].format(names[layer.name]) if known else weight.path
            yield name, _Place(layer.name, weight, *_order(model, layer, weight))


def _order(
    model: keras.Model, layer: keras.layers.Layer, weight: keras.Variable
) -> tuple[tuple[int, ...], Callable[[np.ndarray], np.ndarray]]:
    """The shape that a weight has in the file, and the way from there to ours."""
    shape = tuple(weight.shape)
    if isinstance(layer, keras.layers.Dense) and weight.name == "kernel" and _has_layer(model, FLATTEN):
        height, width, channels = model.get_layer(FLATTEN).input.shape[1:]
        maps = (-1, channels, height, width)
        return shape[::-1], lambda array: array.reshape(maps).transpose(2, 3, 1, 0).reshape(shape)
    if len(shape) != 4:
        return shape, lambda array: array
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
    theirs = sorted(zip(axes, shape))
    return tuple(side for _, side in theirs), lambda array: array.transpose(axes)


def _has_layer(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def _check_names(
    model: keras.Model, path: str | Path, places: dict[str, _Place], arrays: dict[str, np.ndarray]
) -> None:
    missing = [name for name in places if name not in arrays]
    left_over = [name for name in arrays if name not in places]
    if missing or left_over:
        raise ValueError(
            f"{path} does not fit {model.name}: the file has no array for {_listed(missing)}, the model has no weight "
            f"for {_listed(left_over)}. Expected a model of `mobileface_v2` and "
            "MobileFace_Identification_V2-0000.params."
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "(none)"


def _check_array(model: keras.Model, path: str | Path, name: str, place: _Place, array: np.ndarray) -> None:
    if array.shape != place.shape or array.dtype.kind != "f":
        raise ValueError(
            f"Layer `{place.layer}` of {model.name} needs floats of shape {place.shape} as `{name}`. {path} has "
            f"{array.dtype} of shape {array.shape}. The file is for pictures of 112 x 112 pixels with three channels: "
            "use image_shape=(112, 112, 3)."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` of {path} contains a NaN or an infinite value. Download the file again.")
