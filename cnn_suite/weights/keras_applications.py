"""ImageNet weights of keras.applications, read by layer name into the builders of `cnn_suite.models`.

Three layouts of .h5 file are understood: weights alone (the published files), `model.save("x.h5")`, and Keras 3's
`model.save_weights("x.weights.h5")`. Keras itself assigns the first two by order, which our ResNets, whose blocks are
one layer each, do not share: here names decide, and every array of the file and every weight of the model must match.

keras.applications' VGG and ResNet take pictures as blue, green, red; ours take red, green, blue and scale inside the
network. So the input channels of their very first kernel are reversed. MobileNetV2 takes red, green, blue.

Names and hashes: keras/src/applications/{vgg16,vgg19,resnet,mobilenet_v2}.py of Keras 3.15.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py
import keras
import numpy as np

from cnn_suite.weights.hdf5_nodes import array_at, group_at, names_at

Key = tuple[str, str]  # layer and weight, as "conv2_block1_1_conv" and "kernel"

URL = "https://storage.googleapis.com/tensorflow/keras-applications/"

# Path below `URL` and md5; none is published for MobileNetV2, whose other files end in _{alpha}_{side}.
KNOWN_FILES = {
    "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5": "64373286793e3c8b2b4e3219cbf3544b",
    "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5": "6d6bbae143d832006294945121d1f1fc",
    "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5": "cbe5617147190e668d6c5d5026f83318",
    "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5": "253f8cb515780f3b799900260a226db6",
    "resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5": "2cb95161c43110f7111970584f804107",
    "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": "4d473c1dd8becc155b73f8504c6f6626",
    "resnet/resnet101_weights_tf_dim_ordering_tf_kernels.h5": "f1aeb4b969a6efcfb50fad2f0c20cfc5",
    "resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5": "88cf7a10940856eca736dc7b7e228a21",
    "resnet/resnet152_weights_tf_dim_ordering_tf_kernels.h5": "100835be76be38e30d865e96f2aaae62",
    "resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5": "ee4c566cf9a93f14d82f913c2dc6dd0c",
    "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5": "",
    "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5": "",
}

_BLUE_FIRST = ("block1_conv1", "conv1_conv")  # first layers of VGG and ResNet
_TOP = ("fc1", "fc2", "predictions")

# What layers and weights were called when the published files were written. The ResNet-50 of 2017 ("res2a_branch2a")
# is not here on purpose: it was trained with another epsilon.
_OLDER_LAYERS = (
    (re.compile(r"^(probs|Logits)$"), "predictions"),
    (re.compile(r"^mobl(\d+)_conv_\d+_([a-z]+)$"), r"block_\1_\2"),
    (re.compile(r"^bn(\d+)_conv(?:_\d+)?_bn_([a-z]+)$"), r"block_\1_\2_BN"),
    (re.compile(r"^block_0_"), "expanded_conv_"),
)
_WEIGHT = re.compile(
    r"(?:^|[/_])(depthwise_kernel|kernel|bias|gamma|beta|moving_mean|moving_variance|W|b)(?:_\d+)?(?::0)?$"
)
_OLDER_WEIGHTS = {"depthwise_kernel": "kernel", "W": "kernel", "b": "bias"}
_KERNEL_ORDER, _NORM_ORDER = ("kernel", "bias"), ("gamma", "beta", "moving_mean", "moving_variance")
_INNER = re.compile(r"^(conv|norm)(\d)$")  # layers inside a residual block


def load_keras_applications(model: keras.Model, path: str | Path) -> None:
    """Loads the weights of a keras.applications file into a model.

    If the file is rejected, the model is unchanged.

    Args:
        model: VGG, ResNet (50, 101, 152) or MobileNetV2 of `cnn_suite.models`, with or without top as the file.
        path: The file.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, or does not contain exactly the weights of the model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(_missing_file(model, path))
    found = _found(path)
    wanted = dict(_weights(model))
    _check_names(path, wanted, found)
    _check_shapes(path, wanted, found)
    for key, weight in wanted.items():
        array = found[key]
        if key[0] in _BLUE_FIRST and key[1] == "kernel":
            array = array[:, :, ::-1]
        weight.assign(array)


def _weights(model: keras.Model) -> Iterator[tuple[Key, keras.Variable]]:
    """Every weight of the model under the name that keras.applications has for it."""
    for layer in model.layers:
        for weight in layer.weights:
            *_, inner, leaf = weight.path.split("/")
            match = _INNER.match(inner)
            if match and inner != layer.name:
                kind = "conv" if match[1] == "conv" else "bn"
                yield (f"{layer.name}_{match[2]}_{kind}", leaf), weight
            else:
                yield (layer.name if inner == layer.name else f"{layer.name}/{inner}", leaf), weight


def _found(path: Path) -> dict[Key, np.ndarray]:
    """Every array of the file, with the names of today."""
    try:
        with h5py.File(path, "r") as file:
            layers = list(_layers(group_at(file, "model_weights") if "model_weights" in file else file))
    except (OSError, KeyError, RuntimeError, ValueError) as error:  # no HDF5, cut short, or not what it says it holds
        raise ValueError(_damaged_file(path, error)) from error
    if "scale" in dict(layers):
        raise ValueError(
            f"`{path}` was saved from a cnn_suite network, which expects RGB order, not from keras.applications. "
            "Build the network without `weights` and call its method load_weights."
        )
    pairs = [((_layer_of_today(layer), name), array) for layer, arrays in layers for name, array in arrays.items()]
    if len(dict(pairs)) < len(pairs):
        raise ValueError(
            f"`{path}` contains two layers of the same name among {_some([key for key, _ in pairs], 1000)}."
        )
    return dict(pairs)


def _layers(file: h5py.Group) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Layers of the file, also those without weights, and the arrays of each by name."""
    names = names_at(file, "layer_names")
    if not names:
        yield from _layers_of_keras_3(file)
    for layer in [*names, *(["top_level_model_weights"] if "top_level_model_weights" in file else [])]:
        arrays = {}
        group = group_at(file, layer)
        for name in names_at(group, "weight_names"):
            match = _WEIGHT.search(name)
            leaf = _OLDER_WEIGHTS.get(match[1], match[1]) if match else name
            arrays[name if leaf in arrays else leaf] = array_at(group, name)  # a network in it has many kernels
        yield layer, arrays


def _layers_of_keras_3(file: h5py.Group) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The same of a `.weights.h5`: arrays are numbered, in groups `layers/.../vars` that carry the layer's name."""
    paths: list[str] = []
    file.visit(paths.append)
    for path in paths:
        # The random state of a dropout is not a weight.
        if path.startswith("layers/") and path.endswith("/vars") and "/seed_generator/" not in path:
            group = group_at(file, path)
            leaves = {1: _KERNEL_ORDER[:1], 2: _KERNEL_ORDER, 4: _NORM_ORDER}.get(len(group), tuple(group))
            layer = str(group.attrs.get("name", path.removesuffix("/vars")))
            yield layer, {leaf: array_at(group, str(number)) for number, leaf in enumerate(leaves)}


def _layer_of_today(name: str) -> str:
    for pattern, today in _OLDER_LAYERS:
        name = pattern.sub(today, name)
    return name


def _check_names(path: Path, wanted: dict[Key, keras.Variable], found: dict[Key, np.ndarray]) -> None:
    missing, strange = [key for key in wanted if key not in found], [key for key in found if key not in wanted]
    if not missing and not strange:
        return
    if not missing and _is_top(strange, wanted):
        classes = found["predictions", "bias"].shape[0] if ("predictions", "bias") in found else "some"
        raise ValueError(
            f"`{path}` includes the top, for {classes} classes, but the model does not. "
            f"Use include_top=True with classes={classes}, or the file that ends in notop."
        )
    if not strange and _is_top(missing, found):
        raise ValueError(
            f"`{path}` does not include the top, but the model has one. Use include_top=False, then "
            "`cnn_suite.models.surgery.replace_head` for your own head, or the file with top."
        )
    raise ValueError(
        f"`{path}` does not match the weight names of this model. "
        f"Expected but not found: {_some(missing)}. Found but not expected: {_some(strange)}. "
        "Build the network the file was made for."
    )


def _check_shapes(path: Path, wanted: dict[Key, keras.Variable], found: dict[Key, np.ndarray]) -> None:
    for key, weight in wanted.items():
        expected, received = tuple(weight.shape), found[key].shape
        if expected == received and np.issubdtype(found[key].dtype, np.floating):
            continue
        if key[0] == "predictions" and expected[:-1] == received[:-1]:
            raise ValueError(
                f"`{path}` includes the top for {received[-1]} classes, but the model has {expected[-1]}: "
                f"use classes={received[-1]}, or include_top=False and the file without top for your own classes."
            )
        raise ValueError(
            f"`{path}` does not fit: {'/'.join(key)} should be floats of shape {expected}. "
            f"Received {found[key].dtype} of shape {received}. "
            "Build the model with the image_shape, alpha and classes of the file."
        )


def _is_top(keys: Iterable[Key], others: Iterable[Key]) -> bool:
    """Whether these are dense layers at the end of which the other side has nothing."""
    known = {layer for layer, _ in others}
    return all(layer in _TOP and layer not in known for layer, _ in keys)


def _some(keys: list[Key], count: int = 6) -> str:
    names = list(dict.fromkeys(layer for layer, _ in keys))
    more = f" and {len(names) - count} more layers" if len(names) > count else ""
    return (", ".join(names[:count]) or "nothing") + more


def _missing_file(model: keras.Model, path: Path) -> str:
    of_model = [known for known in KNOWN_FILES if Path(known).name.startswith(f"{model.name}_weights")]
    files = "; ".join(_described(known) for known in of_model or KNOWN_FILES)
    return (
        f"There is no weights file `{path}`. keras.applications keeps what it downloaded in ~/.keras/models. "
        f"Its files: {files}. Download one from {URL} and give its path."
    )


def _damaged_file(path: Path, error: Exception) -> str:
    known = next((known for known in KNOWN_FILES if Path(known).name == path.name), None)
    told = f" The keras.applications file of that name is {_described(known)}." if known else ""
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    return (
        f"`{path}` is damaged or not an HDF5 file of weights ({error}). Its md5 is {md5}, its size "
        f"{path.stat().st_size} bytes.{told} Download it again{f' from {URL}{known}' if known else ''}."
    )


def _described(known: str) -> str:
    return f"{known} (md5 {KNOWN_FILES[known] or 'not published'})"
