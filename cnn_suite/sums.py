"""Cost of a network, layer by layer: output shape, activation size, parameters, multiply-adds.

A multiply-add is one multiplication of a weight with a value, and its addition: what papers give as operations
(GoogLeNet, ResNet) or multiplications; `cnn_suite.multiply_adds` says how those of a layer are counted.

The network is traced once without computing anything. Layers inside of layers (a residual block's convolutions, a
nested model) are rows of their own, named `block/conv1`; a recurrent layer is one row with its cell.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from cnn_suite.multiply_adds import counted_whole, multiply_adds


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
        model: A model that knows its inputs: a functional one, or a `keras.Sequential` with an input. Of several
            inputs the first is the picture.
        image_shape: Shape of the input without its batch axis where the model leaves sides open; the model's own by
            default.

    Returns:
        A row for every layer that does work, in the order of the calls; a layer that is called again has its parameters
        only the first time.

    Raises:
        ValueError: If the model does not know its inputs, a side of a further input is open, or one of the first and
            `image_shape` is not given or another than the model takes; or if it has a recurrent layer with a cell of an
            unknown kind.
    """
    shape = _input_shape(model, image_shape)
    calls: list[tuple] = []
    counted: set[int] = set()

    def note(layer: keras.layers.Layer, path: str, inputs: Any, outputs: Any) -> None:
        fresh = [v for v in layer.weights if id(v) not in counted]
        counted.update(id(v) for v in fresh)
        calls.append((layer, path, _shape(inputs), _shape(outputs), sum(math.prod(v.shape) for v in fresh)))

    with _watched(model, note):
        specs = [tf.TensorSpec((1, *shape), model.inputs[0].dtype)]
        specs += [tf.TensorSpec((1, *more.shape[1:]), more.dtype) for more in model.inputs[1:]]
        form = getattr(model, "input", model.inputs[0])  # a list or dictionary; Sequential has none
        traced = tf.function(lambda *x: model(keras.tree.pack_sequence_as(form, x), training=False), autograph=False)
        traced.get_concrete_function(*specs)
    rows = [_sums_of(*call) for call in calls]
    return ModelSums(
        model.name,
        shape,
        model.count_params(),
        sum(math.prod(v.shape) for v in model.trainable_variables),
        sum(row.multiply_adds for row in rows),
        tuple(rows),
    )


def _input_shape(model: keras.Model, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    if not getattr(model, "inputs", None):
        raise ValueError(
            "`model` must know its inputs: a functional model, or a keras.Sequential with a keras.Input. "
            f"Received {type(model).__name__} {model.name!r} without any. Make a keras.Model of a keras.Input and what "
            "it gives for that."
        )
    if any(None in more.shape[1:] for more in model.inputs[1:]):
        raise ValueError(f"Only the first input of `model` may have unspecified sides. Received {model.name!r}.")
    own = tuple(model.inputs[0].shape[1:])
    shape = tuple(image_shape) if image_shape is not None else own
    if len(shape) != len(own) or any(side not in (None, given) for side, given in zip(own, shape)):
        raise ValueError(f"{model.name!r} takes inputs of shape {own} only. Received {shape}. Leave the size out.")
    if None in shape:
        raise ValueError(f"`image_shape` is required, because {model.name!r} takes any size: its input is {shape}.")
    return shape


@contextlib.contextmanager
def _watched(model: keras.Model, note: Callable[[keras.layers.Layer, str, Any, Any], None]) -> Iterator[None]:
    """Tells of every call of a layer that calls no other, or is counted with those: layer, path, inputs and outputs.

    Keras has no hooks, so that the one method that all calls go through is replaced for the time of the trace.
    """
    stack: list[list] = []  # of the calls under way: layer, whether its rows are those of layers inside
    original = layers.Layer.__call__

    def watched(self: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if stack and counted_whole(stack[-1][0]):
            return original(self, *args, **kwargs)
        if stack:
            stack[-1][1] = True
        stack.append([self, False])
        try:
            outputs = original(self, *args, **kwargs)
            if not stack[-1][1] and self is not model:
                given = args[0] if args else next(iter(kwargs.values()), None)
                note(self, "/".join(layer.name for layer, _ in stack[1:]), given, outputs)
            return outputs
        finally:
            stack.pop()

    layers.Layer.__call__ = watched
    try:
        yield
    finally:
        layers.Layer.__call__ = original


def _sums_of(
    layer: keras.layers.Layer, path: str, inputs: tuple[int, ...], outputs: tuple[int, ...], parameters: int
) -> LayerSums:
    work = multiply_adds(layer, inputs, outputs)
    return LayerSums(path, type(layer).__name__, outputs, math.prod(outputs), parameters, work)


def _shape(values: Any) -> tuple[int, ...]:
    """Shape of the first tensor, without its batch axis."""
    flat = keras.tree.flatten(values)
    return tuple(flat[0].shape[1:]) if flat and hasattr(flat[0], "shape") else ()
