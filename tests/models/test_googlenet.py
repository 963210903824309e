"""GoogLeNet: the notes' table row by row, its side branches in training and their removal, sizes and errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.models.googlenet import AUXILIARY_LOSS_WEIGHTS, googlenet, without_auxiliary
from cnn_suite.models.surgery import features_at

# The notes' table: layer, output size, and parameters by (kernel * kernel * channels + 1) * filters.
TABLE = [
    ("conv1", (112, 112, 64), 9_472),
    ("pool1", (56, 56, 64), 0),
    ("conv2_reduce", (56, 56, 64), 4_160),
    ("conv2", (56, 56, 192), 110_784),
    ("pool2", (28, 28, 192), 0),
    ("inception_3a", (28, 28, 256), 163_696),
    ("inception_3b", (28, 28, 480), 388_736),
    ("pool3", (14, 14, 480), 0),
    ("inception_4a", (14, 14, 512), 376_176),
    ("inception_4b", (14, 14, 512), 449_160),
    ("inception_4c", (14, 14, 512), 510_104),
    ("inception_4d", (14, 14, 528), 605_376),
    ("inception_4e", (14, 14, 832), 868_352),
    ("pool4", (7, 7, 832), 0),
    ("inception_5a", (7, 7, 832), 1_043_456),
    ("inception_5b", (7, 7, 1024), 1_444_080),
    ("avg_pool", (1024,), 0),
    ("dropout", (1024,), 0),
    ("predictions", (1000,), 1_025_000),
]
SMALL = (65, 70, 3)


def pictures(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.fixture(scope="module")
def trained_with_branches():
    return googlenet(SMALL, 4, auxiliary=True)


def test_every_row_of_the_table_has_its_size_and_parameters():
    model = googlenet()
    found = [(layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers]
    assert [row for row in found if row[0] not in ("image", "scale", "norm1", "norm2")] == TABLE
    assert model.count_params() == 6_998_552
    assert model.get_layer("dropout").rate == 0.4


def test_both_side_branches_are_those_of_the_paper():
    model = googlenet(auxiliary=True)
    assert model.count_params() == 13_378_280
    assert {name: tensor.shape for name, tensor in model.output.items()} == {
        name: (None, 1000) for name in AUXILIARY_LOSS_WEIGHTS
    }
    for branch, channels, before in (("auxiliary1", 512, "4a"), ("auxiliary2", 528, "4d")):
        assert model.get_layer(f"{branch}_pool").output.shape == (None, 4, 4, channels)
        assert model.get_layer(f"{branch}_pool").input is model.get_layer(f"inception_{before}").output
        assert model.get_layer(f"{branch}_conv").count_params() == 128 * (channels + 1)
        assert model.get_layer(f"{branch}_fc").count_params() == 1024 * (4 * 4 * 128 + 1)
        assert model.get_layer(f"{branch}_dropout").rate == 0.7
        assert model.get_layer(branch).count_params() == 1_025_000


def test_normalisation_stands_behind_the_first_pooling_and_before_the_second():
    body, x = googlenet((33, 40, 3), include_top=False), pictures((1, 33, 40, 3))
    found = features_at(body, ["pool1", "norm1", "conv2", "norm2", "pool2"])(x)
    for before, after in (("pool1", "norm1"), ("conv2", "norm2")):
        expected = tf.nn.local_response_normalization(found[before], 2, 2.0, 1e-4, 0.75)
        np.testing.assert_allclose(found[after], expected, rtol=1e-4)
    np.testing.assert_array_equal(found["pool2"], tf.nn.max_pool2d(found["norm2"], 3, 2, "SAME"))


def test_tensors_inside_of_a_module_can_be_reached():
    body = googlenet((32, 32, 3), include_top=False)
    found = features_at(body, ["inception_3a/5x5_reduce", "inception_3a/out", "inception_3a"])(pictures((1, 32, 32, 3)))
    assert found["inception_3a/5x5_reduce"].shape == (1, 4, 4, 16)
    np.testing.assert_array_equal(found["inception_3a/out"], found["inception_3a"])


def test_without_branches_the_predictions_are_the_same(trained_with_branches, tmp_path):
    model, x = trained_with_branches, pictures((2, *SMALL))
    single = without_auxiliary(model)
    assert single.name == model.name
    np.testing.assert_allclose(single(x), model(x)["predictions"], rtol=1e-6)
    assert not [layer.name for layer in single.layers if "auxiliary" in layer.name]
    assert single.count_params() == googlenet(SMALL, 4).count_params()
    assert single.get_layer("inception_5b") is model.get_layer("inception_5b")
    single.save(tmp_path / "single.keras")
    again = keras.saving.load_model(tmp_path / "single.keras")
    np.testing.assert_array_equal(again(x), single(x))


def test_branches_can_be_dropped_from_a_saved_model_and_from_one_without_any(trained_with_branches, tmp_path):
    trained_with_branches.save(tmp_path / "model.keras")
    single, x = without_auxiliary(keras.saving.load_model(tmp_path / "model.keras")), pictures((1, *SMALL))
    np.testing.assert_allclose(single(x), trained_with_branches(x)["predictions"], rtol=1e-6)
    np.testing.assert_array_equal(without_auxiliary(single)(x), single(x))


@pytest.mark.slow
def test_all_three_outputs_learn_with_their_weights():
    model = googlenet(SMALL, 4, auxiliary=True)
    losses = {name: "sparse_categorical_crossentropy" for name in AUXILIARY_LOSS_WEIGHTS}
    model.compile(keras.optimizers.SGD(1e-3), losses, loss_weights=AUXILIARY_LOSS_WEIGHTS)
    x, y = pictures((4, *SMALL)), np.arange(4)
    labels = dict.fromkeys(losses, y)
    before = [layer.get_weights()[0] for layer in map(model.get_layer, losses)]
    first = model.evaluate(x, labels, verbose=0, return_dict=True)
    summed = first["predictions_loss"] + 0.3 * (first["auxiliary1_loss"] + first["auxiliary2_loss"])
    np.testing.assert_allclose(first["loss"], summed, rtol=1e-5)
    model.fit(x, labels, epochs=3, verbose=0)
    assert model.evaluate(x, labels, verbose=0, return_dict=True)["loss"] < first["loss"]
    for old, layer in zip(before, map(model.get_layer, losses)):
        assert np.abs(layer.get_weights()[0] - old).max() > 0


def test_the_smallest_and_odd_sizes_work_and_one_pixel_less_is_refused(trained_with_branches):
    assert googlenet((1, 1, 3), 4)(pictures((1, 1, 1, 3))).shape == (1, 4)
    assert googlenet((33, 47, 1), 4)(pictures((1, 33, 47, 1))).shape == (1, 4)
    with pytest.raises(ValueError, match="of googlenet must have sides of at least 1. Received"):
        googlenet((0, 1, 3))
    assert trained_with_branches.get_layer("auxiliary1_pool").output.shape[1:3] == (1, 1)
    with pytest.raises(ValueError, match="of googlenet with auxiliary=True must have sides of at least 65. Received"):
        googlenet((64, 65, 3), auxiliary=True)


def test_sides_may_stay_open_but_not_with_side_branches():
    body = googlenet((None, None, 3), include_top=False)
    assert body(pictures((1, 33, 47, 3))).shape == (1, 2, 2, 1024)
    assert googlenet((None, None, 3), 4).output_shape == (None, 4)
    with pytest.raises(ValueError, match="must have fixed sides with auxiliary=True.*or use auxiliary=False"):
        googlenet((None, 224, 3), auxiliary=True)


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"auxiliary": True, "include_top": False}, "cannot have auxiliary branches without top"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"dropout": 1.0}, "`dropout` must be at least 0 and less than 1. Received 1.0"),
        ({"auxiliary": True, "image_shape": (65, 65)}, r"must be \(height, width, channels\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        googlenet(**{"image_shape": SMALL, **wrong})


def test_a_model_without_predictions_has_nothing_to_keep():
    with pytest.raises(ValueError, match="googlenet has no layer 'predictions' to keep.*'inception_5b'"):
        without_auxiliary(googlenet((8, 8, 3), include_top=False))
