"""Networks of Darknet's .cfg files as functional Keras models, from YOLOv2 to YOLOv4.

Layers are named after the line of their section, `line9_convolutional`, `line9_norm`, `line9_activation`, so that the
.cfg is the map of the model. Shapes, limits and what is refused: `cnn_suite.weights.darknet_plan`.

Source: Redmon & Farhadi 2016 (YOLO9000) and 2018 (YOLOv3), Bochkovskiy et al. 2020 (YOLOv4), and Darknet's own code.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
from keras import layers

from cnn_suite.layers.channel_group import ChannelGroup
from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.layers.grouped_convolution import GroupedConv2D
from cnn_suite.layers.max_pool_padding import MaxPoolPadding
from cnn_suite.layers.reorganise import Reorganise
from cnn_suite.layers.yolo_head import YoloHead
from cnn_suite.weights import darknet_steps as planned
from cnn_suite.weights.darknet_cfg import read_cfg
from cnn_suite.weights.darknet_plan import plan
from cnn_suite.weights.darknet_steps import Head
from cnn_suite.weights.darknet_weights import check_count, load_darknet_weights, read_darknet_weights

EPSILON = 1e-5  # blas.c, normalize_cpu of AlexeyAB's branch
MOMENTUM = 0.97  # of a fine-tuning of some thousand steps
KERAS_ACTIVATIONS = {"swish": "silu", "logistic": "sigmoid"}


def darknet(
    cfg: str | Path | planned.Plan,
    *,
    classes: int | None = None,
    anchors_px: Sequence[Sequence[Sequence[float]]] | None = None,
    weights: str | Path | None = None,
    epsilon: float = EPSILON,
    name: str = "darknet",
) -> keras.Model:
    """The network of a .cfg.

    Args:
        cfg: A .cfg file, or its plan.
        classes: Number of classes of its heads; as the .cfg says by default.
        anchors_px: For each head its anchors, `(heads, anchors, 2)` in pixels of the input, finest head first; as the
            .cfg says by default.
        weights: Its .weights file; random weights by default.
        epsilon: Added to the variances of batch norms; OpenCV's reader, after an older Darknet, has 1e-6.
        name: Name of the model.

    Returns:
        Model from RGB 0..255 `(batch, height, width, 3)`, of any size that the strides divide, to a dictionary with
        the raw output of every head, `(batch, rows, columns, anchors, 5 + classes)`, by its name, such as
        `line212_yolo`; without heads, to what the last section gives. Scaling to 0..1 is the first layer.

    Raises:
        DarknetError: If the .cfg cannot be imported, or the .weights are not those of exactly this network.
        ValueError: If `anchors_px` are not those of all heads, or `weights` come with other heads than the .cfg's.
    """
    network = cfg if isinstance(cfg, planned.Plan) else plan(read_cfg(cfg))
    if weights is None:
        return _model(_with_heads(network, classes, anchors_px), epsilon, name)
    if classes is not None or anchors_px is not None:
        raise ValueError(
            "`weights` are those of the heads of the .cfg. Received `classes` or `anchors_px` too. Load them "
            "without, and take the body with `cnn_suite.models.surgery.copy_body`."
        )
    content = read_darknet_weights(weights)
    check_count(network, content)  # before anything is allocated
    model = _model(network, epsilon, name)
    load_darknet_weights(model, network, content)
    return model


def _with_heads(network: planned.Plan, classes: int | None, anchors_px) -> planned.Plan:
    """The plan with other classes and anchors in its heads."""
    heads = {number: step.settings for number, step in enumerate(network.steps) if isinstance(step.settings, Head)}
    if anchors_px is not None and len(anchors_px) != len(heads):
        raise ValueError(
            f"`anchors_px` must hold {len(heads)} lists of anchors, one a head, finest first. "
            f"Received {len(anchors_px)}."
        )
    steps = list(network.steps)
    for place, number in enumerate(sorted(heads, key=lambda number: heads[number].stride)):
        settings = heads[number] if classes is None else replace(heads[number], classes=classes)
        if anchors_px is not None:
            settings = replace(settings, anchors_px=anchors_px[place])
        steps[number] = replace(steps[number], settings=settings)
    return replace(network, steps=tuple(steps))


def _model(network: planned.Plan, epsilon: float, name: str) -> keras.Model:
    image = keras.Input((None, None, 3), name="image")
    picture = layers.Rescaling(1 / 255, name="scale")(image)
    tensors: list = []
    outputs = {}
    for step in network.steps:
        sources = [picture if number < 0 else tensors[number] for number in step.sources]
        if step.head is not None:
            tensors.append(None)  # its head holds the convolution
            continue
        if isinstance(step.settings, planned.Convolution):
            tensors.append(_convolution(sources[0], step.settings, step, epsilon))
        else:
            tensors.append(_BUILDERS[type(step.settings)](sources, step.settings, step))
        if isinstance(step.settings, Head):
            outputs[step.name] = tensors[-1]
    return keras.Model(image, outputs or tensors[-1], name=name)


def _convolution(x, settings: planned.Convolution, step: planned.Step, epsilon: float):
    same = settings.stride == 1 and settings.kernel == 2 * settings.padding + 1
    if settings.padding and not same:  # on all sides, where Keras's "same" pads an even map at its end only
        x = layers.ZeroPadding2D(settings.padding, name=step.part("pad"))(x)
    arguments = {
        "strides": settings.stride,
        "padding": "same" if same else "valid",
        "use_bias": not settings.batch_normalize,
        "name": step.name,
    }
    if settings.groups == 1:
        x = layers.Conv2D(settings.filters, settings.kernel, **arguments)(x)
    elif settings.groups == step.in_channels:
        multiplier = settings.filters // settings.groups
        x = layers.DepthwiseConv2D(settings.kernel, depth_multiplier=multiplier, **arguments)(x)
    else:
        x = GroupedConv2D(settings.filters, settings.kernel, settings.groups, **arguments)(x)
    if settings.batch_normalize:
        x = FusedBatchNormalization(momentum=MOMENTUM, epsilon=epsilon, name=step.part("norm"))(x)
    return _activated(x, settings.activation, step)


def _activated(x, activation: str, step: planned.Step):
    if activation == "linear":
        return x
    name = step.part("activation")
    if activation == "leaky":
        return layers.LeakyReLU(0.1, name=name)(x)
    return layers.Activation(KERAS_ACTIVATIONS.get(activation, activation), name=name)(x)


def _maxpool(sources, settings: planned.MaxPool, step: planned.Step):
    (x,) = sources
    kernel, stride, padding = settings.kernel, settings.stride, settings.padding
    same = padding == kernel - 1 and (stride == 1 or kernel == stride == 2)
    if padding and not same:
        before, after = padding // 2, padding - padding // 2
        x = MaxPoolPadding(before, after, name=step.part("pad"))(x)
    return layers.MaxPooling2D(kernel, stride, padding="same" if same else "valid", name=step.name)(x)


def _average(sources, settings: planned.AveragePool, step: planned.Step):
    return layers.GlobalAveragePooling2D(keepdims=True, name=step.name)(sources[0])


def _upsample(sources, settings: planned.Upsample, step: planned.Step):
    x = layers.UpSampling2D(settings.stride, name=step.name)(sources[0])
    return x if settings.scale == 1 else layers.Rescaling(settings.scale, name=step.part("scale"))(x)


def _route(sources, settings: planned.Route, step: planned.Step):
    if settings.groups > 1:
        sources = [
            ChannelGroup(settings.groups, settings.group, name=step.part(f"group_{place}"))(x)
            for place, x in enumerate(sources)
        ]
    return sources[0] if len(sources) == 1 else layers.Concatenate(name=step.name)(sources)


def _shortcut(sources, settings: planned.Shortcut, step: planned.Step):
    return _activated(layers.Add(name=step.name)(sources), settings.activation, step)


def _reorg(sources, settings: planned.Reorg, step: planned.Step):
    return Reorganise(settings.stride, name=step.name)(sources[0])


def _dropout(sources, settings: planned.Dropout, step: planned.Step):
    return layers.Dropout(settings.rate, name=step.name)(sources[0])


def _head(sources, settings: Head, step: planned.Step):
    head = YoloHead(
        settings.anchors_px,
        settings.classes,
        settings.stride,
        scale_xy=settings.scale_xy,
        class_activation=settings.class_activation,
        squared_sizes=settings.squared_sizes,
        name=step.name,
    )
    return head(sources[0])


_BUILDERS: dict[type, Callable] = {
    planned.MaxPool: _maxpool,
    planned.AveragePool: _average,
    planned.Upsample: _upsample,
    planned.Route: _route,
    planned.Shortcut: _shortcut,
    planned.Reorg: _reorg,
    planned.Dropout: _dropout,
    Head: _head,
}
