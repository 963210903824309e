"""The receptive field: the pixels on which a position of a feature map depends."""

from functools import reduce
from typing import NamedTuple

import keras
from keras import layers

from cnn_suite.layers.residual import ResidualBlock
from cnn_suite.layers.resnet_block import BasicBlock, BottleneckBlock


class ReceptiveField(NamedTuple):
    """Position i of a map depends on `size` pixels from `first + i * stride` on; the same along both sides."""

    stride: int
    size: int
    first: int

    @property
    def reach(self) -> int:
        """Its extent from pixel `i * stride`, towards the farther side."""
        return max(-self.first, self.first + self.size - 1)


_WINDOWS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.MaxPooling2D, layers.AveragePooling2D)
_RESIDUAL = (ResidualBlock, BasicBlock, BottleneckBlock)
_PIXEL = ReceptiveField(1, 1, 0)


def receptive_field(model: keras.Model, tensor) -> ReceptiveField:
    """The receptive field of a tensor in a model.

    Args:
        model: A functional model of pictures.
        tensor: One of its tensors, `(batch, height, width, channels)`.

    Returns:
        Its stride, size and first pixel. Where windows of even sides are padded, the side that Keras pads less.

    Raises:
        ValueError: If a layer on the way changes the size in a way that is not known here, is a block other than a
            residual one, or paths of different strides meet.

    Source: Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, section 2.
    """
    known = {id(model.inputs[0]): _PIXEL}

    def field(of) -> ReceptiveField:
        if id(of) not in known:
            layer = of._keras_history.operation
            arguments = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
            known[id(of)] = _behind(layer, _merged(layer, [field(argument) for argument in arguments]))
        return known[id(of)]

    return field(tensor)


def _merged(layer, fields: list[ReceptiveField]) -> ReceptiveField:
    if len({field.stride for field in fields}) > 1:
        raise ValueError(f"Paths of different strides meet in {layer.name}: a receptive field is not defined there.")
    first = min(field.first for field in fields)
    end = max(field.first + field.size for field in fields)
    return ReceptiveField(fields[0].stride, end - first, first)


def _behind(layer, field: ReceptiveField) -> ReceptiveField:
    """The field of a layer's output from that of its input."""
    if isinstance(layer, _WINDOWS):
        kernel = getattr(layer, "pool_size", None) or layer.kernel_size
        dilation = getattr(layer, "dilation_rate", (1, 1))[0]
        span = (kernel[0] - 1) * dilation
        before = span // 2 if layer.padding == "same" else 0
        first = field.first - before * field.stride
        return ReceptiveField(field.stride * layer.strides[0], field.size + span * field.stride, first)
    if isinstance(layer, layers.ZeroPadding2D):
        return field._replace(first=field.first - layer.padding[0][0] * field.stride)
    if isinstance(layer, _RESIDUAL):  # the shortcut sees less than they do
        return reduce(lambda so_far, convolution: _behind(convolution, so_far), layer.convolutions, field)
    if hasattr(layer, "tensors") or isinstance(layer, keras.Model) or _changes_size(layer):
        raise ValueError(f"The receptive field behind {layer.name} ({type(layer).__name__}) is not known.")
    return field


def _changes_size(layer) -> bool:
    sides = {tuple(tensor.shape[1:3]) for tensor in (*_listed(layer.input), *_listed(layer.output))}
    return len(sides) > 1 or any(len(tensor.shape) != 4 for tensor in _listed(layer.output))


def _listed(tensors) -> list:
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
