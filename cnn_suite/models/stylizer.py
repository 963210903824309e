"""Networks that paint a picture in one pass, after Johnson et al. 2016: down, residual blocks, up.

They upsample by repeating cells before a convolution instead of by strided convolutions, which leave a
checkerboard, and normalise every picture by itself. Variants are rows of a table: `johnson`, the paper's size, and for
live video on CPUs `thin`, which works at half of the picture's resolution and less, `thin6`, the same with six residual
blocks instead of four, and `thin6_adaptive`, whose normalisations also scale by what they take away.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from cnn_suite.layers.channel_statistics import ChannelStatistics
from cnn_suite.layers.cropped_to import CroppedTo
from cnn_suite.layers.depth_to_space import DepthToSpace
from cnn_suite.layers.instance_norm import InstanceNorm
from cnn_suite.layers.mirror_border import MirrorBorder
from cnn_suite.layers.nearest_upsampling import NearestUpsampling
from cnn_suite.models.image_input import ImageShape, image_input
from cnn_suite.models.surgery import copy_body
from cnn_suite.models.variant_table import variant_row

IMAGE_SHAPE = (None, None, 3)
SMALLEST = 8  # side of a picture: the maps in the middle have two cells then


class Variant(NamedTuple):
    """A row a network. Convolutions are (filters, kernel, factor): strides on the way down, enlargements before the
    convolution on the way up; the last one gives the picture."""

    down: tuple[tuple[int, int, int], ...]
    blocks: int
    up: tuple[tuple[int, int, int], ...]
    residual: bool  # whether maps of the way down, and at last the picture itself, are added on the way up
    context: int = 0  # units of the layer that tells every normalisation of the picture's statistics; 0 for none


VARIANTS = {
    "johnson": Variant(((32, 9, 1), (64, 3, 2), (128, 3, 2)), 5, ((64, 3, 2), (32, 3, 2), (3, 9, 1)), False),
    "thin": Variant(((32, 5, 2), (64, 3, 2)), 4, ((32, 3, 2), (3, 3, 2)), True),
    "thin6": Variant(((32, 5, 2), (64, 3, 2)), 6, ((32, 3, 2), (3, 3, 2)), True),
    "thin6_adaptive": Variant(((32, 5, 2), (64, 3, 2)), 6, ((32, 3, 2), (3, 3, 2)), True, context=32),
}


class Conditions(NamedTuple):
    """What a normalisation depends on beside the map itself."""

    mixture: Any = None  # weight of every style
    context: Any = None  # what the network knows of the whole picture


def stylizer(
    image_shape: ImageShape = IMAGE_SHAPE,
    styles: int = 1,
    *,
    variant: str = "johnson",
    name: str = "stylizer",
) -> keras.Model:
    """A style network.

    Args:
        image_shape: Height, width and 3 channels; None for a free side.
        styles: Number of styles.
        variant: "johnson" (1,677,635 parameters for one style), "thin" (338,930), "thin6" (486,898) or "thin6_adaptive"
            (548,562).
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, 3)`, and with several styles the weight of each
        `(batch, styles)` as a second input, to painted pictures of the same size, 0..255 and a little beyond.

    Raises:
        ValueError: If the shape is invalid or too small, the variant is unknown, or there is no style.

    Source: Johnson et al. 2016, Perceptual Losses for Real-Time Style Transfer, and its supplementary material,
    table 1. Deviations: resize-convolution (Odena et al. 2016), instance normalisation (Ulyanov et al. 2016),
    conditional with several styles (Dumoulin et al. 2017), mirrored borders everywhere, where the paper's blocks have
    none. The thin ones are our own: they learn what to change in the picture, as so few channels would lose it. The
    adaptive one follows Jia et al. 2019, Instance-Level Meta Normalization, with the statistics of the first maps for
    all normalisations behind them: how strongly a picture must be painted depends on the whole of it.
    """
    row = variant_row(VARIANTS, variant, name)
    image, x = image_input(image_shape, SMALLEST, "symmetric", name)
    if image_shape[2] != 3:
        raise ValueError(f"`image_shape` of {name} must have 3 channels. Received {tuple(image_shape)}.")
    if styles < 1:
        raise ValueError(f"`styles` of {name} must be at least 1. Received {styles}.")
    mixture = keras.Input((styles,), name="mixture") if styles > 1 else None
    given = Conditions(mixture)
    scaled, below, raw = x, [], []
    for number, (filters, kernel, stride) in enumerate(row.down, 1):
        x = _convolved(x, filters, kernel, stride, f"down{number}")
        raw.append(x)
        if row.context and number == len(row.down):
            given = given._replace(context=_context(raw, row.context))
        x = _normalised(x, given, f"down{number}")
        x = layers.ReLU(name=f"down{number}_relu")(x)
        below.append(x)
    for number in range(1, row.blocks + 1):
        x = _residual(x, given, f"block{number}")
    *stages, (_, kernel, factor) = row.up
    for number, (filters, size, enlarged) in enumerate(stages, 1):
        x = NearestUpsampling(enlarged, name=f"up{number}_enlarged")(x)
        x = _convolution(x, filters, size, given, f"up{number}")
        x = layers.ReLU(name=f"up{number}_relu")(x)
        if row.residual and number < len(below):
            earlier = below[-1 - number]
            x = layers.Add(name=f"up{number}_add")([_fitted(x, earlier, f"up{number}"), earlier])
    x = _change(x, scaled, kernel, factor, given) if row.residual else _whole(x, kernel, factor)
    x = CroppedTo(dtype="float32", name="cropped")(x, image)
    return keras.Model(image if mixture is None else [image, mixture], x, name=name)


def styles_of(model: keras.Model) -> int:
    """Number of styles of a `stylizer` network."""
    return 1 if len(model.inputs) == 1 else model.inputs[1].shape[-1]


def copy_styles(model: keras.Model, source: keras.Model, mixtures: np.ndarray) -> None:
    """Gives a style network the weights of another one; each of its styles becomes a mixture of the other's styles.

    In each of its styles the network then paints as `source` does with that mixture. Residual blocks and a context that
    `source` has not change nothing at first.

    Args:
        model: The network to change.
        source: A network of the same variant, or of one that differs in having fewer blocks or no context.
        mixtures: Weights of the styles of `source` for each style of `model`, `(styles, styles of source)`.

    Raises:
        ValueError: If the networks differ in more than that. Nothing is changed then.
    """
    norms = {layer.name: layer for layer in model.layers if isinstance(layer, InstanceNorm)}
    ours, theirs = ({layer.name for layer in network.layers if layer.weights} for network in (model, source))
    if lost := theirs - ours:
        raise ValueError(
            f"`source` must have no more layers than {model.name}. {source.name} has {', '.join(sorted(lost))} beside "
            "them. Build the same variant, or the one with more layers."
        )
    added = {name for name in ours - theirs if name.startswith(("block", "context"))}
    copy_body(model, source, {*norms, *added})
    for name, norm in norms.items():
        if name not in added:
            _copy_norm(norm, source.get_layer(name), mixtures)
        elif name.endswith("_second_norm"):  # what a block adds is multiplied by it
            norm.gamma.assign(np.zeros(norm.gamma.shape))


def _copy_norm(norm: InstanceNorm, source: InstanceNorm, mixtures: np.ndarray) -> None:
    norm.gamma.assign(mixtures @ source.gamma)
    norm.beta.assign(mixtures @ source.beta)
    if source.context_kernel is not None:
        norm.context_kernel.assign(source.context_kernel)


def _whole(x, kernel: int, factor: int):
    """A picture from nothing, as in the paper; 150 rather than 127.5, so that tanh need not saturate for white."""
    x = NearestUpsampling(factor, name="picture_enlarged")(x)
    x = _bordered(layers.Conv2D(3, kernel, activation="tanh", name="picture_conv"), x)
    return layers.Rescaling(150.0, 127.5, dtype="float32", name="picture")(x)  # half precision is too coarse for 0..255


def _change(x, picture, kernel: int, factor: int, given: Conditions):
    """The given picture, each colour brought to a mean and a deviation of the style, and what is added to it.

    At first nothing is added, so that training starts with all of the content. What is added is computed at the
    resolution of the map, `factor**2` pixels per cell (Shi et al. 2016, Real-Time Single Image Super-Resolution).
    """
    colours = _normalised(picture, given, "colours")
    convolution = layers.Conv2D(3 * factor**2, kernel, kernel_initializer="zeros", name="picture_conv")
    x = DepthToSpace(factor, name="picture_enlarged")(_bordered(convolution, x))
    colours_scaled = layers.Rescaling(0.5, name="colours_scale")(colours)
    x = layers.Add(dtype="float32", name="picture_add")([_fitted(x, picture, "picture"), colours_scaled])
    return layers.Rescaling(127.5, 127.5, dtype="float32", name="picture")(x)


def _fitted(x, earlier, name: str):
    """A map at the size of an earlier one: strides round up what enlargements then double."""
    return CroppedTo(name=f"{name}_fitted")(x, earlier)


def _context(maps, units: int):
    """What the statistics of maps that are not normalised yet say of the picture, `(batch, units)`."""
    statistics = [ChannelStatistics(name=f"down{number}_statistics")(x) for number, x in enumerate(maps, 1)]
    joined = layers.Concatenate(dtype="float32", name="statistics")(statistics)
    return layers.Dense(units, activation="tanh", dtype="float32", name="context")(joined)


def _residual(x, given: Conditions, name: str):
    inner = _convolution(x, x.shape[-1], 3, given, f"{name}_first")
    inner = layers.ReLU(name=f"{name}_relu")(inner)
    inner = _convolution(inner, x.shape[-1], 3, given, f"{name}_second")
    return layers.Add(name=f"{name}_add")([x, inner])


def _convolution(x, filters: int, kernel: int, given: Conditions, name: str):
    return _normalised(_convolved(x, filters, kernel, 1, name), given, name)


def _convolved(x, filters: int, kernel: int, stride: int, name: str):
    """Without bias: the normalisation behind it would take it away."""
    convolution = layers.Conv2D(
        filters, kernel, stride, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )
    return _bordered(convolution, x)


def _bordered(convolution: layers.Conv2D, x):
    """A convolution that sees mirrored cells beyond the edge, where zeros would be painted as a frame."""
    x = MirrorBorder(convolution.kernel_size[0] // 2, name=f"{convolution.name}_border")(x)
    return convolution(x)


def _normalised(x, given: Conditions, name: str):
    styles = 1 if given.mixture is None else given.mixture.shape[-1]
    return InstanceNorm(styles, name=f"{name}_norm")(x, given.mixture, given.context)
