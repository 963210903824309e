"""The grouped convolution: the numbers of Keras's own, by hand and on random input, and saving."""

import keras
import numpy as np
import pytest

from cnn_suite.layers.grouped_convolution import GroupedConv2D


def pictures(shape=(2, 5, 7, 12), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_each_group_sees_its_own_channels_only():
    layer = GroupedConv2D(2, 1, use_bias=False)
    layer.build((None, 1, 1, 4))
    layer.set_weights([np.array([[[[1.0, 10.0], [2.0, 20.0]]]])])  # (1, 1, channels of a group, filters)
    # first group: 1*1 + 2*2 = 5; second group: 3*10 + 4*20 = 110
    np.testing.assert_allclose(layer(np.array([[[[1.0, 2.0, 3.0, 4.0]]]])), [[[[5.0, 110.0]]]])


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_it_equals_keras_own_with_the_same_weights(groups):
    options = {"groups": groups, "strides": 2, "padding": "same", "activation": "relu"}
    ours, theirs = GroupedConv2D(6, (3, 5), **options), keras.layers.Conv2D(6, (3, 5), **options)
    x = pictures()
    ours.build(x.shape)
    theirs.build(x.shape)
    assert [tuple(weight.shape) for weight in ours.weights] == [(3, 5, 12 // groups, 6), (6,)]
    ours.set_weights([pictures(weight.shape, seed=1) for weight in ours.weights])
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    assert ours.compute_output_shape(x.shape) == theirs.compute_output_shape(x.shape)


def test_sides_may_stay_open_and_half_precision_stays_half():
    x = keras.Input((None, None, 4))
    model = keras.Model(x, GroupedConv2D(6, 3, dtype="mixed_float16")(x))
    assert model.output_shape == (None, None, None, 6)
    assert model(pictures((1, 3, 9, 4))).dtype == "float16"


def test_config_and_weights_survive_saving(tmp_path):
    x = keras.Input((4, 5, 6))
    model = keras.Model(x, GroupedConv2D(9, 3, 3, activation="tanh", name="grouped")(x))
    model.save(tmp_path / "grouped.keras")
    again = keras.saving.load_model(tmp_path / "grouped.keras")
    assert again.get_layer("grouped").get_config() == model.get_layer("grouped").get_config()
    np.testing.assert_array_equal(again(pictures((1, 4, 5, 6))), model(pictures((1, 4, 5, 6))))


def test_filters_that_do_not_divide_into_groups_are_refused():
    with pytest.raises(ValueError, match="number of filters must be evenly divisible by the number of groups"):
        GroupedConv2D(5, 3, groups=2)
