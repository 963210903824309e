"""Receptive fields: by hand, and by which pixels have a gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnn_suite.layers.inception import InceptionModule
from cnn_suite.layers.residual import ResidualBlock
from cnn_suite.layers.resnet_block import BasicBlock
from cnn_suite.models.receptive_field import ReceptiveField, receptive_field
from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.models.surgery import features_at
from cnn_suite.models.vgg import vgg16


def network(*steps, sides=(None, None)):
    image = keras.Input((*sides, 1))
    x = image
    for step in steps:
        x = step(x)
    return keras.Model(image, x)


def field_of(*steps):
    model = network(*steps)
    return receptive_field(model, model.output)


def seen(model, position, side=41):
    """First and last row that position `(position, position)` of the output depends on."""
    for layer in model.layers:
        layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
    picture = tf.constant(np.random.default_rng(0).uniform(1, 2, (1, side, side, 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(picture)
        value = model(picture)[0, position, position, 0]
    rows = np.flatnonzero(np.abs(tape.gradient(value, picture)).sum((0, 2, 3)))
    return rows.min(), rows.max()


def test_a_picture_sees_itself():
    model = network(layers.ReLU())
    assert receptive_field(model, model.inputs[0]) == (1, 1, 0)
    assert receptive_field(model, model.output) == (1, 1, 0)


# 3x3 after 3x3: 5 pixels, two on either side where padded. A pooling of 2 in between: strides double what follows.
def test_convolutions_and_poolings_by_hand():
    def conv(padding, **more):
        return layers.Conv2D(1, 3, padding=padding, **more)

    assert field_of(conv("valid"), conv("valid")) == (1, 5, 0)
    assert field_of(conv("same"), conv("same")) == (1, 5, -2)
    assert field_of(conv("same"), layers.MaxPooling2D(2), conv("same")) == (2, 8, -3)
    assert field_of(conv("same", dilation_rate=2)) == (1, 5, -2)
    assert field_of(layers.ZeroPadding2D(2), layers.Conv2D(1, 5)) == (1, 5, -2)


@pytest.mark.parametrize(("field", "reach"), [((1, 1, 0), 0), ((2, 5, -2), 2), ((4, 15, -4), 10), ((4, 15, -12), 12)])
def test_its_reach_is_to_the_farther_side(field, reach):
    assert ReceptiveField(*field).reach == reach


STACKS = {
    "valid": (layers.Conv2D(1, 3, 2), layers.AveragePooling2D(3, 2), layers.Conv2D(1, 3, padding="same")),
    "separable": (layers.SeparableConv2D(1, 5, padding="same"), layers.DepthwiseConv2D(3, 2)),
    "dilated": (layers.Conv2D(1, 3, dilation_rate=3), layers.AveragePooling2D(2), layers.Conv2D(1, 3)),
    "padded": (layers.ZeroPadding2D(1), layers.Conv2D(1, 3, 2), layers.Conv2D(1, 3, padding="same")),
    "residual": (layers.Conv2D(4, 1), BasicBlock(4), ResidualBlock(4)),
    "pointwise": (layers.Conv2D(1, 1, 2), layers.LeakyReLU(), layers.BatchNormalization()),
}


@pytest.mark.parametrize("name", STACKS)
def test_it_is_where_the_gradient_is(name):
    model = network(*STACKS[name])
    field = receptive_field(model, model.output)
    first = field.first + 4 * field.stride
    assert seen(model, 4) == (first, first + field.size - 1)


# Where a stride meets padding, Keras pads by the size of the picture: the field shifts by less than a stride.
@pytest.mark.parametrize("side", [40, 41, 42, 43])
def test_padded_strides_shift_it_by_less_than_a_stride(side):
    model = network(*(layers.Conv2D(1, 3, 2, padding="same") for _ in range(2)))
    field = receptive_field(model, model.output)
    first, last = seen(model, 4, side)
    assert last - first + 1 == field.size == 7
    assert 0 <= first - (field.first + 4 * field.stride) < field.stride


def test_branches_see_what_the_widest_does():
    image = keras.Input((None, None, 1))
    narrow = layers.Conv2D(2, 1)(image)
    wide = layers.Conv2D(2, 5, padding="same")(image)
    model = keras.Model(image, [layers.Concatenate()([narrow, wide]), layers.Add()([wide, narrow])])
    assert [receptive_field(model, tensor) for tensor in model.outputs] == [(1, 5, -2), (1, 5, -2)]


# SqueezeNet 1.1: conv1 3/2, pool1 3/2, two modules of 3x3, pool3 3/2, two modules: 3, 7, 15, 23, 31, 47, 63 pixels.
def test_squeezenet_and_vgg_by_hand():
    model = squeezenet((None, None, 3), include_top=False)
    fields = {name: receptive_field(model, model.get_layer(name).output) for name in ("conv1", "fire3_concat")}
    assert fields == {"conv1": (2, 3, 0), "fire3_concat": (4, 23, -8)}
    assert receptive_field(model, model.get_layer("fire5_concat").output) == (8, 63, -24)
    model = vgg16((None, None, 3), include_top=False)
    assert receptive_field(model, model.get_layer("block2_conv2").output) == (2, 14, -6)
    assert receptive_field(model, model.get_layer("block5_conv3").output)[:2] == (16, 196)


def test_what_is_not_known_is_refused_by_name():
    image = keras.Input((32, 32, 4))
    opened = features_at(keras.Model(image, BasicBlock(4, name="block")(image)), ["block/conv1"])
    cases = {
        "grown": layers.UpSampling2D(2, name="grown")(image),
        "flat": layers.Flatten(name="flat")(image),
        "averaged": layers.GlobalAveragePooling2D(keepdims=True, name="averaged")(image),
        "module": InceptionModule(1, None, 1, None, 1, None, name="module")(image),
        "block_opened": opened.output["block/conv1"],
        "inner": keras.Model(image, layers.ReLU()(image), name="inner")(image),
    }
    for name, tensor in cases.items():
        model = keras.Model(image, tensor)
        with pytest.raises(ValueError, match=rf"The receptive field behind {name} \(\w+\) is not known"):
            receptive_field(model, tensor)


def test_paths_of_different_strides_are_refused():
    image = keras.Input((32, 32, 1))
    near, far = layers.Conv2D(1, 1, 2)(image), layers.Conv2D(1, 17, 1)(image)
    model = keras.Model(image, layers.Add(name="met")([near, far]))
    with pytest.raises(ValueError, match="Paths of different strides meet in met"):
        receptive_field(model, model.output)
