"""A residual network for signals, pictures and volumes: the same blocks with one, two or three axes.

Source: Wang et al. 2017, Time Series Classification from Scratch with Deep Neural Networks, section II.C, whose network
is that of the defaults; its blocks after He et al. 2015.
"""

from collections.abc import Sequence

import keras
from keras import layers

from cnn_suite.layers.fused_batch_norm import FusedBatchNormalization
from cnn_suite.models.classifier_head import classifier

_CONVOLUTIONS = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}
_POOLS = {1: layers.GlobalAveragePooling1D, 2: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling3D}
_MOMENTUM = 0.9  # small data sets are a few hundred steps


def array_resnet(
    shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = (64, 128, 128),
    kernels: Sequence[int] = (8, 5, 3),
    strides: int = 1,
    standardize: bool = True,
    dropout: float = 0.0,
    name: str = "array_resnet",
) -> keras.Model:
    """A classifier of arrays.

    Args:
        shape: Sides and channels of an example: `(length, channels)`, `(height, width, channels)` or
            `(depth, height, width, channels)`.
        classes: Number of classes.
        filters: Filters of every block.
        kernels: Sides of the filters of the convolutions inside a block, one after another.
        strides: Stride of the first convolution of every block, along every axis.
        standardize: Whether every example is brought to mean 0 and standard deviation 1 first.
        dropout: Dropout rate of the features.
        name: Name of the model.

    Returns:
        Model from float `(batch, *shape)` to class probabilities `(batch, classes)`.

    Raises:
        ValueError: If the shape has another number of axes, or an argument is out of its range.
    """
    axes = len(shape) - 1
    if axes not in _CONVOLUTIONS or min(shape) < 1:
        raise ValueError(
            "`shape` must be one, two or three sides and the channels, such as (96, 1) for a signal of 96 samples. "
            f"Received {tuple(shape)}."
        )
    if not filters or not kernels or min(*filters, *kernels, strides) < 1:
        raise ValueError(
            "`filters` and `kernels` must have at least one number, and these and `strides` must be at least 1. "
            f"Received {tuple(filters)}, {tuple(kernels)} and {strides}."
        )
    values = keras.Input(tuple(shape), name="values")
    x = values
    if standardize:
        every = list(range(1, axes + 2))
        x = layers.LayerNormalization(every, epsilon=1e-6, center=False, scale=False, dtype="float32", name="scale")(x)
    for number, width in enumerate(filters, 1):
        x = _block(x, axes, width, kernels, strides, f"block{number}")
    x = _POOLS[axes](name="avg_pool")(x)
    return keras.Model(values, classifier(x, classes, dropout), name=name)


def _block(x, axes: int, filters: int, kernels: Sequence[int], strides: int, name: str):
    convolution, shortcut = _CONVOLUTIONS[axes], x
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    for number, kernel in enumerate(kernels, 1):
        step = strides if number == 1 else 1
        x = convolution(filters, kernel, step, name=f"{name}_conv{number}", **options)(x)
        x = FusedBatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm{number}")(x)
        if number < len(kernels):
            x = layers.ReLU(name=f"{name}_relu{number}")(x)
    if strides > 1 or shortcut.shape[-1] != filters:
        shortcut = convolution(filters, 1, strides, name=f"{name}_shortcut_conv", **options)(shortcut)
        shortcut = FusedBatchNormalization(momentum=_MOMENTUM, name=f"{name}_shortcut_norm")(shortcut)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))
