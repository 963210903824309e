"""SqueezeNet: parameters of both versions, its fire modules, its head, sizes and errors; weights in tests/weights."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.models.surgery import features_at


def pictures(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("variant, total, body", [("1.1", 1_235_496, 722_496), ("1.0", 1_248_424, 735_424)])
def test_both_versions_have_their_published_parameters(variant, total, body):
    assert squeezenet(variant=variant).count_params() == total
    assert squeezenet(variant=variant, include_top=False).count_params() == body


def test_parameters_and_sizes_of_version_1_1():
    model = squeezenet()
    names = ("conv1", "pool1", "fire3_concat", "pool3", "fire5_concat", "pool5", "fire9_concat", "conv10")
    assert [tuple(model.get_layer(name).output.shape[1:]) for name in names] == [
        (113, 113, 64),
        (56, 56, 64),
        (56, 56, 128),
        (27, 27, 128),
        (27, 27, 256),
        (13, 13, 256),
        (13, 13, 512),
        (13, 13, 1000),
    ]
    # (64 + 1) * 16, (16 + 1) * 64, (9 * 16 + 1) * 64, (512 + 1) * 1000
    expected = {"fire2_squeeze1x1": 1040, "fire2_expand1x1": 1088, "fire2_expand3x3": 9280, "conv10": 513_000}
    assert {name: model.get_layer(name).count_params() for name in expected} == expected


def test_parameters_and_sizes_of_version_1_0_are_those_of_table_1_and_of_the_authors_last_convolution():
    model = squeezenet(variant="1.0")
    names = ("conv1", "pool1", "fire4_concat", "pool4", "fire8_concat", "pool8", "fire9_concat", "conv10")
    assert [tuple(model.get_layer(name).output.shape[1:]) for name in names] == [
        (111, 111, 96),
        (55, 55, 96),
        (55, 55, 256),
        (27, 27, 256),
        (27, 27, 512),
        (13, 13, 512),
        (13, 13, 512),
        (15, 15, 1000),  # 13 in table 1, `pad: 1` in the authors' file
    ]
    fires = [
        sum(model.get_layer(f"fire{i}_{part}").count_params() for part in ("squeeze1x1", "expand1x1", "expand3x3"))
        for i in range(2, 10)
    ]
    # Table 1, column "# parameter before pruning"
    assert fires == [11_920, 12_432, 45_344, 49_440, 104_880, 111_024, 188_992, 197_184]
    assert model.get_layer("conv1").count_params() == 14_208


def test_a_fire_module_squeezes_and_expands():
    body, x = squeezenet((31, 40, 3), include_top=False), pictures((1, 31, 40, 3))
    found = features_at(body, ["pool1", "fire2_squeeze1x1", "fire2_concat"])(x)
    squeeze, one, three = (body.get_layer(f"fire2_{part}") for part in ("squeeze1x1", "expand1x1", "expand3x3"))
    y = tf.nn.relu(tf.nn.conv2d(found["pool1"], squeeze.kernel, 1, "SAME") + squeeze.bias)
    np.testing.assert_allclose(found["fire2_squeeze1x1"], y, rtol=1e-3, atol=1e-4)
    branches = [tf.nn.relu(tf.nn.conv2d(y, conv.kernel, 1, "SAME") + conv.bias) for conv in (one, three)]
    np.testing.assert_allclose(found["fire2_concat"], tf.concat(branches, -1), rtol=1e-3, atol=1e-4)


def test_the_head_is_the_softmax_of_the_average_of_a_map_for_every_class():
    model, x = squeezenet((63, 70, 3), 4), pictures((2, 63, 70, 3))
    maps = features_at(model, ["conv10"])(x)["conv10"]
    np.testing.assert_allclose(model(x), tf.nn.softmax(tf.reduce_mean(maps, (1, 2))), rtol=1e-5)
    assert model.get_layer("drop9").rate == 0.5
    assert "drop9" not in [layer.name for layer in squeezenet((63, 70, 3), 4, dropout=0.0).layers]


def naive_pooling(x, rounds_up):
    """3x3 windows, every second pixel, cut off at the border: Caffe's output size, or Keras's."""
    sides = [(side - 3) / 2 + 1 for side in x.shape[1:3]]
    height, width = (int(np.ceil(side) if rounds_up else np.floor(side)) for side in sides)
    rows = [[x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(width)] for i in range(height)]
    return np.stack([np.stack(row, 1) for row in rows], 1)


@pytest.mark.parametrize("variant", ["1.0", "1.1"])
@pytest.mark.parametrize("sides", [(31, 33), (32, 35), (36, 38)])
def test_poolings_of_version_1_0_round_up_and_those_of_1_1_down(variant, sides):
    body, x = squeezenet((*sides, 3), variant=variant, include_top=False), pictures((2, *sides, 3))
    found = features_at(body, ["conv1", "pool1"])(x)
    expected = naive_pooling(np.asarray(found["conv1"]), variant == "1.0")
    np.testing.assert_array_equal(found["pool1"], expected)


def test_the_last_convolution_of_version_1_0_sees_a_border_of_zeros():
    model, x = squeezenet((50, 61, 3), 4, variant="1.0"), pictures((1, 50, 61, 3))
    found = features_at(model, ["fire9_concat", "conv10"])(x)
    inside, maps = (np.asarray(found[name]) for name in ("fire9_concat", "conv10"))
    assert maps.shape[1:3] == (inside.shape[1] + 2, inside.shape[2] + 2)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("conv10").weights)
    np.testing.assert_allclose(maps[:, 1:-1, 1:-1], np.maximum(inside @ kernel[0, 0] + bias, 0), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(maps[:, 0], np.broadcast_to(np.maximum(bias, 0), maps[:, 0].shape))
    np.testing.assert_allclose(model(x), tf.nn.softmax(maps.mean((1, 2))), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_signals_neither_vanish_nor_explode_before_training(channels):
    body, x = squeezenet((95, 95, channels), include_top=False), pictures((1, 95, 95, channels))
    found = features_at(body, ["conv1", "fire9_concat"])(x)
    for features in found.values():
        assert 0.05 < float(tf.math.reduce_std(features)) < 20


@pytest.mark.parametrize("variant, smallest", [("1.1", 31), ("1.0", 21)])
def test_the_smallest_and_odd_sizes_work_and_one_pixel_less_is_refused(variant, smallest):
    body = squeezenet((smallest, smallest, 3), variant=variant, include_top=False)
    assert body.output_shape == (None, 1, 1, 512)
    model = squeezenet((smallest, smallest + 12, 1), 4, variant=variant)
    assert model(pictures((1, smallest, smallest + 12, 1))).shape == (1, 4)
    with pytest.raises(ValueError, match=f"of squeezenet must have sides of at least {smallest}. Received"):
        squeezenet((smallest, smallest - 1, 3), variant=variant)


def test_sides_may_stay_open():
    assert squeezenet((None, None, 3), 4)(pictures((1, 51, 64, 3))).shape == (1, 4)
    assert squeezenet((None, None, 3), include_top=False).output_shape == (None, None, None, 512)


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"variant": "1.2"}, "`variant` of squeezenet must be one of 1.0, 1.1. Received '1.2'"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"dropout": 1.0}, "`dropout` must be at least 0 and less than 1. Received 1.0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        squeezenet(**wrong)
