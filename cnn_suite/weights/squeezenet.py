"""ImageNet weights of SqueezeNet into our `squeezenet`: 1.1 of keras-squeezenet, 1.0 of the authors' compressed file.

The first are HDF5 files of Keras 2, the second is a file of Deep Compression (`.net`). Both are for pictures in BGR
order, 0..255, with a mean taken away. Our network takes RGB and scales it in another way, so that its first convolution
gets the weights that give the same responses to the same picture.
"""

from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from cnn_suite.weights.deep_compression import read_deep_compression
from cnn_suite.weights.hdf5_nodes import array_at, group_at, names_at

FIRST = "conv1"
HEAD = "conv10"
SCALE = "scale"


class Published(NamedTuple):
    """What the files of a version are for."""

    version: str
    mean: tuple[float, float, float]  # taken from R, G and B


KERAS = Published("1.1", (123.68, 116.779, 103.939))  # keras.applications' "caffe" mode
COMPRESSED = Published("1.0", (123, 117, 104))  # the authors' SqueezeNet_trainval.prototxt


def load_squeezenet(model: keras.Model, path: str | Path) -> None:
    """Loads the weights of a file into a SqueezeNet by layer name; all of them or, if an error is raised, none.

    Args:
        model: A model of `cnn_suite.models.squeezenet`.
        path: The file: for 1.1 `squeezenet_weights_tf_dim_ordering_tf_kernels.h5` or the same with `_notop`; for 1.0
            `compressed_SqueezeNet.net`, known by its ending, which has a top: a model without one does without it.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is damaged or has another format, or the model's layers are not those of the file.

    Source: Keras 2's HDF5 layout: the attribute `layer_names` of the root, and `weight_names` of every layer's group.
    Han et al. 2016, Deep Compression, for the other: `cnn_suite.weights.deep_compression`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no SqueezeNet weights file {path}. Expected an HDF5 file of keras-squeezenet "
            "(squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5) or compressed_SqueezeNet.net. Download it, or "
            "omit `weights`."
        )
    compressed = path.suffix.lower() == ".net"
    published, arrays = (COMPRESSED, _read_compressed(path)) if compressed else (KERAS, _read_keras(path))
    wanted = {layer.name: layer for layer in model.layers if layer.weights}
    if compressed and HEAD not in wanted:
        del arrays[HEAD]
    _check_layers(model, path, list(wanted), list(arrays))
    for name, layer in wanted.items():
        shapes = [tuple(weight.shape) for weight in layer.weights]
        _check_shapes(model, path, published.version, name, shapes, arrays[name])
    arrays[FIRST] = _for_our_scale(model.get_layer(SCALE), published.mean, *arrays[FIRST])
    for name, layer in wanted.items():
        layer.set_weights(arrays[name])


def compressed_shapes() -> dict[str, tuple[int, int, int, int]]:
    """Caffe's kernel shapes `(filters, channels, height, width)` of SqueezeNet 1.0, in the order of its file.

    Source: Iandola et al. 2016, SqueezeNet, table 1; the authors' SqueezeNet_deploy.prototxt.
    """
    shapes, channels = {FIRST: (96, 3, 7, 7)}, 96
    for number in range(2, 10):
        squeeze = 16 * (number // 2)
        expand = 4 * squeeze
        shapes[f"fire{number}_squeeze1x1"] = (squeeze, channels, 1, 1)
        shapes[f"fire{number}_expand1x1"] = (expand, squeeze, 1, 1)
        shapes[f"fire{number}_expand3x3"] = (expand, squeeze, 3, 3)
        channels = 2 * expand
    return {**shapes, HEAD: (1000, channels, 1, 1)}


def _read_compressed(path: Path) -> dict[str, list[np.ndarray]]:
    """Arrays of every layer of SqueezeNet 1.0's file, kernels in Keras's order of axes."""
    layers = read_deep_compression(path, compressed_shapes())
    return {name: [kernel.transpose(2, 3, 1, 0), bias] for name, (kernel, bias) in layers.items()}


def _for_our_scale(
    rescaling: keras.layers.Rescaling, mean: tuple[float, ...], kernel: np.ndarray, bias: np.ndarray
) -> list[np.ndarray]:
    """The first convolution for inputs `ours = factor * rgb + offset` instead of `theirs = bgr - mean`.

    In RGB order `theirs = ours / factor - (offset / factor + mean)`: the factor goes into the kernel, the rest, a
    constant, into the bias. That is exact, as this convolution does not pad.
    """
    factor, offset = (np.broadcast_to(np.asarray(value, float), 3) for value in (rescaling.scale, rescaling.offset))
    kernel = kernel[:, :, ::-1].astype(float)
    constant = np.einsum("hwcf,c->f", kernel, offset / factor + mean)
    return [kernel / factor[:, None], bias - constant]


def _read_keras(path: Path) -> dict[str, list[np.ndarray]]:
    """Arrays of every layer of a file that has any, by our names."""
    try:
        with h5py.File(path, "r") as file:
            # a whole saved model keeps them one level down
            root = group_at(file, "model_weights") if "model_weights" in file else file
            groups = {name: group_at(root, name) for name in names_at(root, "layer_names")}
            if not groups:
                raise ValueError("it has no layer_names")
            found = {
                name: [array_at(group, key) for key in names_at(group, "weight_names")]
                for name, group in groups.items()
            }
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} ({path.stat().st_size} bytes) is damaged or not a Keras 2 weights file: {error}. Expected an HDF5 "
            "file of keras-squeezenet with `layer_names` and `weight_names`. Download it again."
        ) from error
    return {name.replace("/", "_"): arrays for name, arrays in found.items() if arrays}


def _check_layers(model: keras.Model, path: Path, wanted: list[str], given: list[str]) -> None:
    missing = [name for name in wanted if name not in given]
    left_over = [name for name in given if name not in wanted]
    if not missing and not left_over:
        return
    advice = "Expected a model of `squeezenet` and a file of keras-squeezenet or compressed_SqueezeNet.net."
    if missing == [HEAD]:
        advice = "The file has no top: use include_top=False, and add your own head."
    elif left_over == [HEAD]:
        advice = "The file has a top: use include_top=True, or the file whose name ends in `_notop`."
    raise ValueError(
        f"{path} does not fit {model.name}: the file has no array for {_listed(missing)}, the model has no layer for "
        f"{_listed(left_over)}. {advice}"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "(none)"


def _check_shapes(
    model: keras.Model,
    path: Path,
    version: str,
    name: str,
    wanted: list[tuple[int, ...]],
    arrays: list[np.ndarray],
) -> None:
    given = [array.shape for array in arrays]
    if given != wanted:
        raise ValueError(
            f"Layer `{name}` of {model.name} needs arrays of shapes {wanted}. {path} has {given}. The file is for "
            f"SqueezeNet {version} for three channels and, with top, 1000 classes: use variant='{version}' and a "
            "matching image_shape."
        )
