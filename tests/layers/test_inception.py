"""The inception module: its arithmetic in both forms, its inner tensors, its parameters, and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.layers.inception import InceptionModule

ROW = (2, 3, 4, 1, 5, 6)  # 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection


def pictures(shape=(2, 5, 7, 8), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def with_random_weights(module, channels):
    if not module.built:
        module.build((None, None, None, channels))
    for weight in module.weights:
        weight.assign(np.random.default_rng(1).normal(scale=0.3, size=weight.shape))
    return module


def convolved(x, convolution):
    return tf.nn.relu(tf.nn.conv2d(x, convolution.kernel, 1, "SAME") + convolution.bias)


def test_a_module_of_ones_sums_its_input_in_every_branch():
    module = InceptionModule(1, 1, 1, 1, 1, 1)
    module.build((None, 1, 1, 2))
    for weight in module.weights:
        weight.assign(np.ones(weight.shape) if len(weight.shape) == 4 else np.zeros(weight.shape))
    # one pixel with 3 and 4: every 1x1 gives 7, and 3x3, 5x5 and pooling see nothing else
    np.testing.assert_array_equal(module(np.array([[[[3.0, 4.0]]]])), [[[[7.0, 7.0, 7.0, 7.0]]]])


def test_the_branches_are_joined_in_the_order_of_the_table():
    module, x = with_random_weights(InceptionModule(*ROW), 8), pictures()
    found = module.convolutions
    expected = tf.concat(
        [
            convolved(x, found["1x1"]),
            convolved(convolved(x, found["3x3_reduce"]), found["3x3"]),
            convolved(convolved(x, found["5x5_reduce"]), found["5x5"]),
            convolved(tf.nn.max_pool2d(x, 3, 1, "SAME"), found["pool_proj"]),
        ],
        -1,
    )
    np.testing.assert_allclose(module(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("none", [0, None])
def test_the_naive_form_has_no_bottlenecks_and_lets_the_pooled_input_through(none):
    module, x = with_random_weights(InceptionModule(2, none, 4, none, 5, none), 8), pictures()
    found = module.convolutions
    assert list(found) == ["1x1", "3x3", "5x5"]
    pooled = tf.nn.max_pool2d(x, 3, 1, "SAME")
    expected = tf.concat([convolved(x, found[name]) for name in found] + [pooled], -1)
    np.testing.assert_allclose(module(x), expected, rtol=1e-4, atol=1e-5)
    assert module.compute_output_shape((2, 5, 7, 8)) == (2, 5, 7, 2 + 4 + 5 + 8)


def test_every_inner_tensor_has_a_name():
    module, x = with_random_weights(InceptionModule(*ROW), 8), pictures()
    found = module.tensors(x)
    channels = {"1x1": 2, "3x3_reduce": 3, "3x3": 4, "5x5_reduce": 1, "5x5": 5, "pool": 8, "pool_proj": 6, "out": 17}
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {
        name: (2, 5, 7, count) for name, count in channels.items()
    }
    np.testing.assert_array_equal(found["out"], module(x))
    assert list(InceptionModule(2, 0, 4, 0, 5, 0).tensors(x)) == ["1x1", "3x3", "5x5", "pool", "out"]


def test_the_module_3a_has_the_parameters_and_channels_of_the_table():
    module = InceptionModule(64, 96, 128, 16, 32, 32)
    module.build((None, 28, 28, 192))
    # 193*64 + 193*96 + (9*96+1)*128 + 193*16 + (25*16+1)*32 + 193*32
    assert module.count_params() == 12352 + 18528 + 110720 + 3088 + 12832 + 6176 == 163_696
    assert module.compute_output_shape((None, 28, 28, 192)) == (None, 28, 28, 256)


def test_bottlenecks_save_parameters():
    slim, naive = InceptionModule(64, 96, 128, 16, 32, 32), InceptionModule(64, 0, 128, 0, 32, 0)
    for module in (slim, naive):
        module.build((None, 28, 28, 192))
    # 193*64 + (9*192+1)*128 + (25*192+1)*32
    assert naive.count_params() == 387_296 > 2 * slim.count_params()


def test_activation_sides_and_a_batch_of_one():
    module = with_random_weights(InceptionModule(*ROW, activation="tanh"), 8)
    y = np.asarray(module(pictures((1, 1, 3, 8))))
    assert y.shape == (1, 1, 3, 17) and y.min() < 0
    x = keras.Input((None, None, 8))
    assert InceptionModule(*ROW)(x).shape == (None, None, None, 17)


def test_half_precision_reaches_the_convolutions():
    module = InceptionModule(*ROW, dtype="mixed_float16")
    assert module(pictures()).dtype == "float16"
    assert {weight.dtype for weight in module.weights} == {"float32"}
    assert {tensor.dtype.name for tensor in module.tensors(tf.cast(pictures(), "float16")).values()} == {"float16"}


@pytest.mark.parametrize("row", [ROW, (2, 0, 4, 0, 5, 0)])
def test_config_and_weights_survive_saving(tmp_path, row):
    x = keras.Input((4, 5, 8))
    module = InceptionModule(*row, activation="tanh", name="module")
    model = keras.Model(x, module(x))
    with_random_weights(module, 8)
    model.save(tmp_path / "module.keras")
    again = keras.saving.load_model(tmp_path / "module.keras")
    assert again.get_layer("module").get_config() == module.get_config()
    np.testing.assert_array_equal(again(pictures((1, 4, 5, 8))), model(pictures((1, 4, 5, 8))))


@pytest.mark.parametrize(
    "place, argument, least",
    [
        (0, "filters_1x1", "1"),
        (1, "reduce_3x3", r"0 \(0 for none\)"),
        (2, "filters_3x3", "1"),
        (3, "reduce_5x5", r"0 \(0 for none\)"),
        (4, "filters_5x5", "1"),
        (5, "pool_projection", r"0 \(0 for none\)"),
    ],
)
def test_filters_that_are_none_are_refused(place, argument, least):
    row = [*ROW]
    row[place] = -1
    with pytest.raises(ValueError, match=f"`{argument}` of an inception .* at least {least}. Received -1"):
        InceptionModule(*row)
    row[place] = 2.5
    with pytest.raises(ValueError, match=f"`{argument}` of an inception .* Received 2.5"):
        InceptionModule(*row)
