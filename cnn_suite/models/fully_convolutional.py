"""Converts a classifier to convolutions only, which evaluate all windows of a larger image in one pass.

Source: Sermanet et al. 2014, OverFeat, section 3.5, "ConvNets and sliding window efficiency".
"""

import keras
from keras import layers

_PER_PLACE = (layers.Dropout, layers.Activation, layers.ReLU, layers.Softmax, layers.BatchNormalization)
_POOLINGS: dict[type[layers.Layer], type[layers.Layer]] = {
    layers.GlobalAveragePooling2D: layers.AveragePooling2D,
    layers.GlobalMaxPooling2D: layers.MaxPooling2D,
}


_ENDS: tuple[type[layers.Layer], ...] = (layers.Flatten, *_POOLINGS)


def fully_convolutional(model: keras.Model) -> keras.Model:
    """The same network for pictures of any size, with an answer for every window instead of one.

    The dense layer after `Flatten` becomes a convolution as large as the feature map, those after it 1x1 convolutions,
    and a global pooling one over windows of that size. Windows lie as many pixels apart as the strides and poolings
    below multiply to. Their answers are the network's own where it has no padding; where it has, it sees the
    neighbourhood of a window in place of the padding.

    Args:
        model: A functional classifier of pictures `(batch, height, width, channels)` of known size, with one output
            `(batch, classes)`.

    Returns:
        Model from `(batch, height, width, channels)`, at least as large, to `(batch, rows, columns, classes)`, with a
        copy of the weights.

    Raises:
        ValueError: If the network has another form.
    """
    start = _start_of_head(model)
    window_hw = tuple(start.input.shape[1:3])
    if None in window_hw:
        raise ValueError(f"{model.name} must have an input of known size, as its windows have. Build it with one.")
    picture = model.inputs[0]  # a Sequential has no `input` before it is called
    body = keras.Model(picture, start.input)
    image = keras.Input((None, None, picture.shape[-1]), name="image", dtype=picture.dtype)
    opened = keras.models.clone_model(body, input_tensors=image)
    opened.set_weights(body.get_weights())
    x = opened.output
    pooling = next((kind for known, kind in _POOLINGS.items() if isinstance(start, known)), None)
    if pooling is not None:
        x, window_hw = pooling(window_hw, strides=1, name=start.name)(x), (1, 1)
    for layer in model.layers[model.layers.index(start) + 1 :]:
        if isinstance(layer, layers.Dense):
            x, window_hw = _as_convolution(layer, window_hw, x), (1, 1)
        elif isinstance(layer, _PER_PLACE):
            copy = layer.__class__.from_config(layer.get_config())
            x = copy(x)
            copy.set_weights(layer.get_weights())
        else:
            raise ValueError(
                f"{model.name} must end in dense layers, with nothing else than dropout, normalisation and activations "
                f"between. Its layer {layer.name!r} is a {layer.__class__.__name__}."
            )
    return keras.Model(image, x, name=model.name)


def _start_of_head(model: keras.Model):
    ends = [layer for layer in model.layers if isinstance(layer, _ENDS)]
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not ends or len(ends[-1].input.shape) != 4:
        raise ValueError(
            f"{model.name} must be a classifier with one input and one output, whose feature maps end in Flatten or a "
            "global pooling. `replace_head` gives a network such an end."
        )
    return ends[-1]


def _as_convolution(layer: layers.Dense, window_hw: tuple[int, int], x):
    """A dense layer on windows of a map."""
    convolution = layers.Conv2D(
        layer.units,
        window_hw,
        activation=layer.activation,
        use_bias=layer.use_bias,
        name=layer.name,
        dtype=layer.dtype_policy,
    )
    result = convolution(x)
    kernel, *bias = layer.get_weights()
    convolution.set_weights([kernel.reshape(convolution.kernel.shape), *bias])
    return result
