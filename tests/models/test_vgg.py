"""VGG: counts, shapes and names of the paper and of keras.applications."""

import keras
import numpy as np
import pytest

from cnn_suite.models.vgg import CONVOLUTIONS, FILTERS, vgg, vgg11, vgg13, vgg16, vgg19


def shaped(builder, *arguments, **options):
    """A network whose weights have shapes and no values: VGG's are half a gigabyte."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            return builder(*arguments, **options)
    finally:  # or Keras would give them values at the end of its next scope
        keras.utils.clear_session(free_memory=False)


def layer_names(builder, *arguments, **options):
    return [layer.name for layer in shaped(builder, *arguments, **options).layers]


@pytest.fixture(scope="module")
def small():
    """VGG-11 with 3 classes for 32x32 pictures."""
    keras.utils.set_random_seed(0)
    return vgg11((32, 32, 3), 3)


# By hand: the first convolution of all of them has 3 * 3 * 3 * 64 weights and 64 biases, 1,792.
def test_the_first_convolution_has_1792_parameters(small):
    assert small.get_layer("block1_conv1").count_params() == 1792


@pytest.mark.parametrize(
    ("builder", "top", "count"),
    [
        (vgg11, True, 132_863_336),
        (vgg13, True, 133_047_848),
        (vgg16, True, 138_357_544),
        (vgg19, True, 143_667_240),
        (vgg16, False, 14_714_688),
        (vgg19, False, 20_024_384),
    ],
)
def test_parameters_are_those_published(builder, top, count):
    assert shaped(builder, include_top=top).count_params() == count


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_parameters_are_the_sum_over_the_table(name):
    count, channels = 0, 3
    for filters, convolutions in zip(FILTERS, CONVOLUTIONS[name]):
        for _ in range(convolutions):
            count, channels = count + 9 * channels * filters + filters, filters
    count += 512 * 2 * 3 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 5 + 5
    assert shaped(vgg, CONVOLUTIONS[name], (64, 96, 3), 5).count_params() == count


@pytest.mark.parametrize(("builder", "depth"), [(vgg11, 11), (vgg13, 13), (vgg16, 16), (vgg19, 19)])
def test_the_number_in_the_name_is_that_of_the_layers_with_weights(builder, depth):
    names = layer_names(builder, (32, 32, 3), 2)
    assert len([name for name in names if "conv" in name or name in ("fc1", "fc2", "predictions")]) == depth


@pytest.mark.parametrize(("ours", "theirs"), [(vgg16, keras.applications.VGG16), (vgg19, keras.applications.VGG19)])
def test_layers_are_named_as_in_keras_applications(ours, theirs):
    names = layer_names(ours, (32, 32, 3))
    assert names[:2] == ["image", "scale"]
    expected = layer_names(theirs, input_shape=(32, 32, 3), weights=None)[1:]
    assert [name for name in names[2:] if "dropout" not in name] == expected


@pytest.mark.parametrize(
    ("size_hw", "expected"), [((32, 32), (1, 1)), ((224, 224), (7, 7)), ((63, 97), (1, 3)), ((None, 64), (None, 2))]
)
def test_without_top_the_map_is_a_thirty_second_of_the_picture(size_hw, expected):
    assert shaped(vgg16, (*size_hw, 3), include_top=False).output_shape == (None, *expected, 512)


def test_probabilities_of_every_picture_sum_to_one(small):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    probabilities = np.asarray(small(images))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-6)


def test_logits_come_out_without_an_activation(small):
    logits = vgg11((32, 32, 3), 3, classifier_activation=None)
    logits.set_weights(small.get_weights())
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    np.testing.assert_allclose(keras.ops.softmax(logits(image)), small(image), rtol=1e-5, atol=1e-6)


def test_a_picture_of_the_mean_colour_is_zero_after_scaling(small):
    scaled = small.get_layer("scale")(np.full((1, 2, 2, 3), [123.68, 116.779, 103.939], np.float32))
    np.testing.assert_allclose(scaled, 0, atol=1e-5)


def test_dropout_stands_after_both_hidden_layers_and_can_be_left_out(small):
    order = [layer.name for layer in small.layers][-6:]
    assert order == ["flatten", "fc1", "fc1_dropout", "fc2", "dropout", "predictions"]
    assert small.get_layer("fc1_dropout").rate == small.get_layer("dropout").rate == 0.5
    assert not [name for name in layer_names(vgg11, (32, 32, 3), 3, dropout=0) if "dropout" in name]


def test_pictures_of_one_channel_are_taken():
    model = vgg11((32, 48, 1), include_top=False)
    assert model(np.zeros((1, 32, 48, 1), np.uint8)).shape == (1, 1, 1, 512)


def test_the_name_of_the_model_is_the_builders_unless_given(small):
    assert small.name == "vgg11"
    assert shaped(vgg13, include_top=False, name="other").name == "other"


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match=r"`image_shape` of vgg16 must have sides of at least 32. .*\(31, 32, 3\)"):
        vgg16((31, 32, 3))


def test_free_sides_with_top_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of vgg19 must have fixed sides.*include_top=False"):
        vgg19((None, None, 3))


@pytest.mark.parametrize("dropout", [1.0, -0.1])
def test_a_dropout_that_is_no_share_is_refused(dropout):
    with pytest.raises(ValueError, match=f"`dropout` must be at least 0 and less than 1. Received {dropout}"):
        shaped(vgg11, (32, 32, 3), 3, dropout=dropout)


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="`classes` must be a whole number of at least 1. Received 0"):
        shaped(vgg11, (32, 32, 3), 0)


def test_a_missing_weights_file_is_named():
    with pytest.raises(FileNotFoundError, match="There is no weights file `none.h5`.*vgg16_weights"):
        vgg16((32, 32, 3), include_top=False, weights="none.h5")
