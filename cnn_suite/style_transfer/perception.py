"""The network for content and style features, with the weights of its layers.

Known networks are rows of a table with the layers that work well for them; any other Keras model serves with layers of
one's own choice: `Perception(model, content={"conv4": 1.0}, style={...})`.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import keras

from cnn_suite.cache_folders import files_folder
from cnn_suite.known_weights import KNOWN
from cnn_suite.models.receptive_field import ReceptiveField, receptive_field
from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.models.surgery import features_at
from cnn_suite.models.vgg import vgg16, vgg19

POOLINGS = ("max", "average")


class Backbone(NamedTuple):
    """One row per known network."""

    build: Callable[..., keras.Model]
    weights: str  # its row in `cnn-suite weights`
    content: tuple[str, ...]
    style: tuple[str, ...]
    smallest: int  # side of a picture that leaves a position in the last layer


_VGG = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")  # Gatys et al. 2015, section 2

BACKBONES = {
    "squeezenet": Backbone(
        squeezenet,
        "squeezenet1.1-notop",
        ("fire5_concat",),
        ("conv1", "fire2_concat", "fire3_concat", "fire4_concat", "fire5_concat"),
        31,
    ),
    "vgg16": Backbone(vgg16, "vgg16-notop", ("block4_conv2",), _VGG, 32),
    "vgg19": Backbone(vgg19, "vgg19-notop", ("block4_conv2",), _VGG, 32),
}


class Perception:
    """Features of pictures, and the weights of their layers.

    Args:
        model: A functional Keras model of pictures 0..255 `(batch, height, width, 3)` with open sides.
        content: Layer to its weight; names as `cnn_suite.models.surgery.tensor_names` lists them.
        style: Layer to its weight, the notes' lambda.
        smallest: The smallest side of a picture.

    Raises:
        ValueError: If there is no layer for content or style, a weight is not positive, or a layer does not exist.
    """

    def __init__(
        self, model: keras.Model, content: Mapping[str, float], style: Mapping[str, float], *, smallest: int = 32
    ):
        for what, layers in (("content", content), ("style", style)):
            if not layers or min(layers.values()) <= 0:
                raise ValueError(f"`{what}` must name layers with positive weights. Received {dict(layers)}.")
        self.name = model.name
        self.content, self.style, self.smallest = dict(content), dict(style), smallest
        self.features = features_at(model, list(dict.fromkeys([*content, *style])))
        self.features.trainable = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that is looked at, once."""
        return tuple(self.features.output)

    @cached_property
    def fields(self) -> dict[str, ReceptiveField]:
        """The receptive field of every layer.

        Raises:
            ValueError: If it cannot be told; see `receptive_field`.
        """
        return {name: receptive_field(self.features, tensor) for name, tensor in self.features.output.items()}


def load_perception(
    backbone: str = "squeezenet",
    weights: str | Path | None = None,
    *,
    pooling: str = "max",
    content: Mapping[str, float] | None = None,
    style: Mapping[str, float] | None = None,
) -> Perception:
    """A known network with its ImageNet weights.

    Args:
        backbone: "squeezenet", "vgg16" or "vgg19".
        weights: Its weights file; None or empty for the one that was pulled.
        pooling: "max" as the networks were trained, or "average", which Gatys et al. found smoother.
        content: Layers and weights instead of the table's.
        style: Layers and weights instead of the table's.

    Raises:
        ValueError: If the network or the pooling is unknown, a layer does not exist, or the file does not fit.
        FileNotFoundError: If there is no weights file; the message says which command to run.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"`backbone` must be one of {', '.join(BACKBONES)}. Received {backbone!r}.")
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {', '.join(POOLINGS)}. Received {pooling!r}.")
    row = BACKBONES[backbone]
    model = row.build((None, None, 3), include_top=False, weights=_weights_file(row, weights))
    if pooling == "average":
        model = _with_average_pooling(model)
    return Perception(
        model,
        content or dict.fromkeys(row.content, 1.0),
        style or dict.fromkeys(row.style, 1.0),
        smallest=row.smallest,
    )


def _weights_file(row: Backbone, weights: str | Path | None) -> Path:
    known = KNOWN[row.weights]
    if weights:
        given = Path(weights).expanduser()
        if not given.is_file():
            raise FileNotFoundError(
                f"There is no weights file {given}. Correct its path, or name no file, for the one that "
                f"`cnn-suite pull {known.name}` fetches."
            )
        return given
    pulled = files_folder(known.name) / known.files[0].name
    if not pulled.is_file():
        raise FileNotFoundError(
            f"There is no weights file {pulled}. Type `cnn-suite pull {known.name}` to fetch it, or "
            f"`cnn-suite pull {known.name} --from FILE` if you downloaded it manually."
        )
    return pulled


def _with_average_pooling(model: keras.Model) -> keras.Model:
    """The same network with average instead of max pooling.

    Source: Gatys et al. 2015, section 2.
    """

    def swapped(layer: keras.layers.Layer) -> keras.layers.Layer:
        if not isinstance(layer, keras.layers.MaxPooling2D):
            return layer.__class__.from_config(layer.get_config())
        return keras.layers.AveragePooling2D(layer.pool_size, layer.strides, layer.padding, name=layer.name)

    averaging = keras.models.clone_model(model, clone_function=swapped)
    averaging.set_weights(model.get_weights())
    return averaging
