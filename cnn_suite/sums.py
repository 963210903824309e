"""Cost of a network, layer by layer: output shape, activation size, parameters, multiply-adds.

A multiply-add is one multiplication of a weight with a value, and its addition: what papers give as operations
(GoogLeNet, ResNet) or multiplications. Only layers with weight kernels have any; additions of biases, norms, poolings
and activations are not counted, as in the papers.

The network is traced once without computing anything. Layers inside layers (a residual block's convolutions, a
nested model) are rows of their own, named `block/conv1`.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers


@dataclass(frozen=True)
class LayerSums:
    """One call of a layer, for a batch of one; shapes are without the batch axis."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    activation_size: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class ModelSums:
    """A whole network."""

    name: str
    input_shape: tuple[int, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    layers: tuple[LayerSums, ...]


def model_sums(model: keras.Model, image_shape: Sequence[int] | None = None) -> ModelSums:
    """Computes the cost of a network.

    Args:
        model: Any Keras model; of several inputs the first is the picture.
        image_shape: Shape of the input without its batch axis where the model leaves sides open; the model's own by
            default.

    Returns:
        A row for every layer that does work, in the order of the calls; a layer that is called again has its parameters
        only the first time.

    Raises:
        ValueError: If a side of a further input is open, or one of the first and `image_shape` is not given.
    """
    shape = _input_shape(model, image_shape)
    rows: list[LayerSums] = []
    counted: set[int] = set()

    def note(layer: keras.layers.Layer, path: str, inputs: Any, outputs: Any) -> None:
        fresh = [v for v in layer.weights if id(v) not in counted]
        counted.update(id(v) for v in fresh)
        rows.append(_sums_of(layer, path, inputs, outputs, sum(math.prod(v.shape) for v in fresh)))

    with _watched(model, note):
        specs = [tf.TensorSpec((1, *shape), model.inputs[0].dtype)]
        specs += [tf.TensorSpec((1, *more.shape[1:]), more.dtype) for more in model.inputs[1:]]
        call = tf.function(lambda *x: model(x[0] if len(x) == 1 else list(x), training=False), autograph=False)
        call.get_concrete_function(*specs)
    return ModelSums(
        model.name,
        shape,
        model.count_params(),
        sum(math.prod(v.shape) for v in model.trainable_variables),
        sum(row.multiply_adds for row in rows),
        tuple(rows),
    )


def _input_shape(model: keras.Model, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    if any(None in more.shape[1:] for more in model.inputs[1:]):
        raise ValueError(f"Only the first input of `model` may have unspecified sides. Received {model.name!r}.")
    shape = tuple(image_shape) if image_shape is not None else tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise ValueError(f"`image_shape` is required, because {model.name!r} takes any size: its input is {shape}.")
    return shape


@contextlib.contextmanager
def _watched(model: keras.Model, note: Callable[[keras.layers.Layer, str, Any, Any], None]) -> Iterator[None]:
    """Tells of every call of a layer that calls no other layer: the layer, its path, its inputs and outputs.

    Keras has no hooks, so that the one method that all calls go through is replaced for the time of the trace.
    """
    stack: list[list] = []  # of the calls under way: name, whether a layer was called inside
    original = layers.Layer.__call__

    def watched(self: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if stack:
            stack[-1][1] = True
        stack.append([self.name, False])
        try:
            outputs = original(self, *args, **kwargs)
            if not stack[-1][1] and self is not model:
                note(self, "/".join(name for name, _ in stack[1:]), args[0] if args else None, outputs)
            return outputs
        finally:
            stack.pop()

    layers.Layer.__call__ = watched
    try:
        yield
    finally:
        layers.Layer.__call__ = original


def _sums_of(layer: keras.layers.Layer, path: str, inputs: Any, outputs: Any, parameters: int) -> LayerSums:
    shape = _shape(outputs)
    return LayerSums(
        path,
        type(layer).__name__,
        shape,
        math.prod(shape),
        parameters,
        _multiply_adds(layer, _shape(inputs), shape),
    )


def _shape(values: Any) -> tuple[int, ...]:
    """Shape of the first tensor, without its batch axis."""
    flat = keras.tree.flatten(values)
    return tuple(flat[0].shape[1:]) if flat and hasattr(flat[0], "shape") else ()


def _multiply_adds(layer: keras.layers.Layer, inputs: Sequence[int], outputs: Sequence[int]) -> int:
    """Every weight of a kernel is used once for every place of the output (of the input, where it is transposed)."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    places = math.prod(outputs[1:] if first else outputs[:-1])
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        return places * sum(math.prod(v.shape) for v in (layer.depthwise_kernel, layer.pointwise_kernel))
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
        return math.prod(inputs[1:] if first else inputs[:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, layers.EinsumDense):
        return math.prod(outputs) * math.prod(layer.kernel.shape) // _shared_with_output(layer)
    kernel = getattr(layer, "kernel", None)  # of convolutions, depthwise ones and dense layers
    return places * math.prod(kernel.shape) if kernel is not None else 0


def _shared_with_output(layer: layers.EinsumDense) -> int:
    """Product of the kernel's axes that are axes of the output: they are in both factors."""
    _, kernel_axes, output_axes = layer.equation.replace("->", ",").split(",")
    return math.prod(size for axis, size in zip(kernel_axes, layer.kernel.shape) if axis in output_axes)
