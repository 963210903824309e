"""Modification of existing networks: access inner tensors, freeze layers, replace the head.

Names are those of layers (`conv4_block6`) or, for what is inside a block, `block/tensor` (`conv4_block6/conv1`): a
block is any layer with a method `tensors(x)` that gives its inner tensors by name.
"""

import re
from collections.abc import Container, Sequence
from itertools import groupby

import keras
from keras import layers

from cnn_suite.models.classifier_head import classifier
from cnn_suite.nearest_names import nearest_names

_NORMS = (layers.BatchNormalization, layers.GroupNormalization, layers.LayerNormalization)
_SETTINGS = ("strides", "shortcut", "activation")  # of layers, that no shape of a weight tells


def features_at(model: keras.Model, names: Sequence[str]) -> keras.Model:
    """A model with the same input and weights that outputs inner tensors.

    Args:
        model: A functional model.
        names: Layers, or `block/tensor`.

    Returns:
        Model from the input to a dictionary of tensors by name.

    Raises:
        ValueError: If there is no such layer or tensor; the text names the closest.
    """
    opened: dict[str, dict] = {}
    tensors = {name: _tensor_at(model, name, opened) for name in names}
    return keras.Model(model.input, tensors, name=f"{model.name}_features")


def tensor_names(model: keras.Model) -> list[str]:
    """Every name that `features_at` accepts, in order."""
    found = []
    for layer in model.layers:
        found.append(layer.name)
        if hasattr(layer, "tensors"):
            found += [f"{layer.name}/{name}" for name in _opened(layer)]
    return found


def _tensor_at(model: keras.Model, name: str, opened: dict[str, dict]):
    """One tensor; blocks that are opened on the way are kept in `opened`, as each can be opened once a model."""
    layer = _layer_at(model, name.partition("/")[0])
    inner = name.partition("/")[2]
    if not inner:
        return layer.output
    if layer.name not in opened:
        opened[layer.name] = _opened(layer) if hasattr(layer, "tensors") else {}
    tensors = opened[layer.name]
    if inner not in tensors:
        raise ValueError(
            f"`{layer.name}` of {model.name} has no tensor {inner!r}. It has: {', '.join(tensors) or 'none'}."
        )
    return tensors[inner]


class _Opened(layers.Layer):
    """A block that gives all its inner tensors instead of its output.

    One layer for the whole block: the layers inside different blocks have the same names, which a functional model
    could not hold beside each other.
    """

    def __init__(self, block: keras.layers.Layer):
        super().__init__(name=f"{block.name}_opened", dtype=block.dtype_policy)
        self.block = block
        self.built = True

    def tensors(self, x, training=None) -> dict:
        """Those of the block."""
        return self.block.tensors(x, training=training)

    def call(self, x):
        return self.tensors(x, training=False)


def _opened(block: keras.layers.Layer) -> dict:
    return _Opened(block)(block.input)


def _layer_at(model: keras.Model, name: str) -> keras.layers.Layer:
    known = [layer.name for layer in model.layers]
    if name not in known:
        near = nearest_names(name, known, most=3)
        raise ValueError(
            f"{model.name} has no layer {name!r}. Closest: {', '.join(near or known[-3:])}. "
            "`cnn_suite.models.surgery.tensor_names` lists them all."
        )
    return model.layers[known.index(name)]


def set_trainable(model: keras.Model, train: str) -> list[str]:
    """Selects the trainable layers; all others are frozen, with batch norms in inference mode.

    Compile the model afterwards: Keras fixes the selection when the training step is compiled.

    Args:
        model: A functional model.
        train: "all", "head" (the last layer with weights), or the name of the first trainable layer or block.

    Returns:
        Names of the trainable layers with weights.

    Raises:
        ValueError: If there is no such layer, or none from it on has weights.
    """
    with_weights = [number for number, layer in enumerate(model.layers) if layer.weights]
    last = with_weights[-1] if with_weights else -1
    known = {"all": 0, "head": max(last, 0)}
    start = known[train] if train in known else model.layers.index(_layer_at(model, train))
    if start > last:
        hint = f"The last layer with weights is {model.layers[last].name!r}." if with_weights else "It has none at all."
        raise ValueError(f"{model.name} has no weights to learn from {model.layers[start].name!r} on. {hint}")
    for number, layer in enumerate(model.layers):
        layer.trainable = number >= start
    return [layer.name for layer in model.layers[start:] if layer.weights]


def lengthen_statistics(model: keras.Model, momentum: float) -> None:
    """Makes every batch norm remember at least as long as `momentum` says, those inside of blocks included.

    For weights that are replaced by their moving average: the statistics of the latest weights do not fit it. A mean
    over the same steps is that of the averaged weights, as far as the layers before it are linear.

    Args:
        model: Any model; compile it afterwards.
        momentum: That of the moving average of the weights.

    Source: Izmailov et al. 2018, Averaging Weights Leads to Wider Optima, section 3.2, which measures the statistics
    anew instead.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = max(layer.momentum, momentum)


def blocks(model: keras.Model) -> list[list[str]]:
    """Names of the layers with weights, block by block from the input on.

    Neighbours whose names begin alike up to their first number (`block5_conv1`, `block5_conv2`) are one block; the axes
    in the name of a kind (`conv2d_1`) are none. Normalisations that would be a block by themselves belong to the layer
    before them.
    """
    found: list[list[str]] = []
    with_weights = (layer for layer in model.layers if layer.weights)
    for _, neighbours in groupby(with_weights, key=lambda layer: _block_of(layer.name)):
        block = list(neighbours)
        if found and all(isinstance(layer, _NORMS) for layer in block):
            found[-1] += [layer.name for layer in block]
        else:
            found.append([layer.name for layer in block])
    return found


def _block_of(name: str) -> str:
    match = re.match(r"(?:\D|[123]d(?![^_]))*+\d+", name)
    return match.group() if match else name


def layer_rates(model: keras.Model, decay: float) -> dict[str, float]:
    """Factors of the learning rate: 1 for the last block, `decay` for the one before, its square before that.

    Args:
        model: A functional model.
        decay: Factor from one block to the one before it; 1 gives no factors at all.

    Returns:
        Maps layer names to factors.
    """
    if decay == 1:
        return {}
    return {name: decay**depth for depth, block in enumerate(reversed(blocks(model))) for name in block}


def behind(model: keras.Model, layer: keras.layers.Layer) -> keras.Model:
    """The same network and weights, with another layer inserted after its input.

    Args:
        model: A functional model of pictures.
        layer: From pictures of any size to those that the model takes. Its `call` must not have `training=True` for a
            default, as Keras's own preprocessing layers do: Keras would then train whenever the model is called.

    Returns:
        Model from pictures `(batch, height, width, channels)` with open sides.
    """
    image = keras.Input((None, None, model.input_shape[-1]), name="image")
    return keras.Model(image, model.call(layer(image)), name=model.name)  # `call` joins the layers, not the model


def head_names(model: keras.Model) -> set[str]:
    """Names of the layers that give a network's outputs: the last with weights on the way to each of them.

    Args:
        model: A functional model.

    Raises:
        ValueError: If several layers are joined behind the last weights, so that no single one gives an output.
    """
    heads = set()
    for output in model.outputs:
        names = _last_with_weights([output])
        if len(names) != 1:
            raise ValueError(f"{model.name} has no single layer with weights that gives {output.name!r}.")
        heads |= names
    return heads


def output_layer_names(model: keras.Model) -> set[str]:
    """Names of all layers whose weights reach the outputs with no other weights in between.

    Args:
        model: A functional model.
    """
    return _last_with_weights(model.outputs)


def _last_with_weights(tensors: Sequence[keras.KerasTensor]) -> set[str]:
    names, ahead = set(), list(tensors)
    while ahead:
        made = ahead.pop()._keras_history
        if getattr(made.operation, "weights", None):  # an operation of keras.ops has no such attribute
            names.add(made.operation.name)
        else:  # of a layer that is used several times, what this output came from
            ahead += made.operation._inbound_nodes[made.node_index].input_tensors
    return names


def copy_body(model: keras.Model, source: keras.Model, heads: Container[str]) -> list[str]:
    """Copies the weights of all layers below the heads from another network with the same body.

    Args:
        model: The network to change.
        source: The network to copy from; its layers have the same names and shapes.
        heads: Names of the layers that keep their own weights.

    Returns:
        Names of the changed layers.

    Raises:
        ValueError: If a layer with weights is missing in `source`, or has other shapes, strides, shortcuts or
            activations there. Nothing is changed then.
    """
    theirs = {layer.name: layer for layer in source.layers}
    found = {layer.name: layer for layer in model.layers if layer.weights and layer.name not in heads}
    for name, layer in found.items():
        wanted = [tuple(weight.shape) for weight in layer.weights]
        given = [tuple(weight.shape) for weight in theirs[name].weights] if name in theirs else "no such layer"
        if wanted != given:
            raise ValueError(
                f"`source` must have the same body as {model.name}. For its layer {name} with weights {wanted}, "
                f"{source.name} has {given}. Build both from the same description."
            )
        _check_settings(model, layer, source, theirs[name])
    for name, layer in found.items():
        layer.set_weights(theirs[name].get_weights())
    return list(found)


def _check_settings(model: keras.Model, layer: keras.layers.Layer, source: keras.Model, other: keras.layers.Layer):
    """Refuses weights for a layer that would compute something else with them."""
    ours, theirs = layer.get_config(), other.get_config()
    for key in _SETTINGS:
        if ours.get(key) != theirs.get(key):
            raise ValueError(
                f"`source` must have the same body as {model.name}. Its layer {layer.name} has {key}: {ours.get(key)}, "
                f"in {source.name} {key}: {theirs.get(key)}. Build both from the same description."
            )


def as_functional(model: keras.Model) -> keras.Model:
    """The same layers and weights as a functional model, whose `input` and `output` a `keras.Sequential` has not.

    Raises:
        ValueError: If the model does not know its inputs, as a subclassed one or a Sequential that was never built.
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            "A model that knows its inputs is needed: a functional one, or a keras.Sequential with a keras.Input. "
            f"Received {type(model).__name__} {model.name!r} without any."
        )
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def replace_head(
    model: keras.Model,
    classes: int,
    *,
    dropout: float = 0.0,
    activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """The same network with a new, untrained last layer; all other layers keep their weights.

    Args:
        model: A classifier, whose last layer with weights gives its classes, or a network without top, which ends in a
            feature map `(batch, height, width, channels)`.
        classes: Number of the new classes.
        dropout: Dropout rate of the features.
        activation: None for logits.
        name: Name of the new model; defaults to the old name.

    Returns:
        A classifier.

    Raises:
        ValueError: If the model does not know its inputs, has several outputs, or neither a map at its end nor a layer
            with weights.
    """
    model = as_functional(model)
    x = _features_below_head(model)
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(model.input, classifier(x, classes, dropout, activation), name=name or model.name)


def _features_below_head(model: keras.Model):
    """The input of the layer that gives the classes, before a dropout of the old head; the output without a top."""
    if isinstance(model.output, dict | list | tuple):
        raise ValueError(
            f"`model` must have one output to get another head. Received {model.name} with {len(model.outputs)}. Build "
            "it without side branches, or take `cnn_suite.models.googlenet.without_auxiliary` of it."
        )
    if len(model.output.shape) == 4:
        return model.output
    with_weights = [layer for layer in model.layers if layer.weights]
    if not with_weights:
        raise ValueError(f"`model` must have a layer with weights, its head. Received {model.name} without any.")
    below = with_weights[-1].input
    before = below._keras_history.operation
    return before.input if isinstance(before, layers.Dropout) else below
