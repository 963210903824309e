"""MobileNetV2: the graph of keras.applications, layer by layer, and the residual property."""

import keras
import numpy as np
import pytest

from cnn_suite.models.mobilenet_v2 import mobilenet_v2


def shaped(builder, *arguments, **options):
    """A network whose weights have shapes and no values: quick, and enough to count and to name."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            return builder(*arguments, **options)
    finally:  # or Keras would give them values at the end of its next scope
        keras.utils.clear_session(free_memory=False)


def theirs(image_shape, alpha=0.35, **options):
    return keras.applications.MobileNetV2(image_shape, alpha=alpha, weights=None, **options)


def pictures(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, *shape)).astype(np.float32)


@pytest.fixture(scope="module")
def small():
    """A narrow one with 3 classes."""
    keras.utils.set_random_seed(0)
    return mobilenet_v2((32, 32, 3), 3, alpha=0.35)


# By hand: 3 * 3 * 3 * 32 weights in the first convolution, no bias; 4 * 32 in its norm.
def test_parameters_of_the_full_width_are_those_published():
    model = shaped(mobilenet_v2)
    assert model.count_params() == 3_538_984
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 3_504_872
    assert model.get_layer("Conv1").count_params() == 864
    assert model.get_layer("bn_Conv1").count_params() == 128


@pytest.mark.parametrize("alpha", [0.35, 1.0, 1.4])
def test_every_layer_has_the_name_and_the_parameters_of_keras_applications(alpha):
    models = shaped(mobilenet_v2, (64, 64, 3), alpha=alpha), shaped(theirs, (64, 64, 3), alpha)
    ours, reference = ([(layer.name, layer.count_params()) for layer in model.layers] for model in models)
    assert ours[:2] == [("image", 0), ("scale", 0)]
    assert ours[2:] == [(name, count) for name, count in reference[1:] if not name.endswith("_pad")]


@pytest.mark.parametrize("size_hw", [(34, 32), (33, 47)])
def test_outputs_equal_those_of_keras_applications_at_even_and_odd_sizes(size_hw):
    reference = theirs((*size_hw, 3), include_top=False)
    ours = mobilenet_v2((*size_hw, 3), alpha=0.35, include_top=False)
    for layer in (layer for layer in reference.layers if layer.weights):
        ours.get_layer(layer.name).set_weights(layer.get_weights())
    raw = pictures((*size_hw, 3))
    expected = reference(keras.applications.mobilenet_v2.preprocess_input(raw.copy()))
    np.testing.assert_allclose(ours(raw), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("size_hw", "expected"), [((33, 47), (2, 2)), ((None, None), (None, None))])
def test_without_top_the_map_is_a_thirty_second_of_the_picture_rounded_up(size_hw, expected):
    assert shaped(mobilenet_v2, (*size_hw, 3), include_top=False).output_shape == (None, *expected, 1280)


@pytest.mark.parametrize("size_hw", [(32, 32), (49, 48), (33, 47)])
def test_free_sides_give_what_fixed_ones_give_even_or_odd(small, size_hw):
    free, fixed = (mobilenet_v2((*sides, 3), 3, alpha=0.35) for sides in ((None, None), size_hw))
    for model in (free, fixed):
        model.set_weights(small.get_weights())
    images = pictures((*size_hw, 3))
    np.testing.assert_allclose(free(images), fixed(images), rtol=1e-5, atol=1e-6)


def test_a_block_whose_projection_is_zero_is_its_shortcut(small):
    inner = keras.Model(small.input, [small.get_layer(name).output for name in ("block_1_project_BN", "block_2_add")])
    norm = small.get_layer("block_2_project_BN")
    before, after = inner(pictures((32, 32, 3)))
    assert np.abs(np.asarray(after) - before).max() > 1e-3
    weights = norm.get_weights()
    norm.gamma.assign(np.zeros(norm.gamma.shape))
    before, after = inner(pictures((32, 32, 3)))
    norm.set_weights(weights)
    np.testing.assert_array_equal(before, after)


def test_probabilities_sum_to_one_for_a_batch_of_one(small):
    probabilities = np.asarray(small(np.zeros((1, 32, 32, 3), np.uint8)))
    assert probabilities.shape == (1, 3)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-6)


def test_black_is_minus_one_and_white_is_one_after_scaling(small):
    scaled = small.get_layer("scale")(np.array([[[[0.0, 127.5, 255.0]]]]))
    np.testing.assert_allclose(scaled, [[[[-1, 0, 1]]]], atol=1e-6)


def test_depthwise_kernels_start_with_the_deviation_for_nine_inputs(small):
    # The truncated normal of Keras keeps 0.88 of its deviation; every kernel here holds 9 * channels values.
    values = np.concatenate([np.ravel(layer.kernel) for layer in small.layers if layer.name.endswith("_depthwise")])
    assert 0.8 * (2 / 9) ** 0.5 < values.std() < 0.96 * (2 / 9) ** 0.5


def test_dropout_stands_before_the_predictions():
    model = shaped(mobilenet_v2, (32, 32, 3), 3, alpha=0.35, dropout=0.2, name="dropping")
    assert [layer.name for layer in model.layers][-2:] == ["dropout", "predictions"]
    assert (model.get_layer("dropout").rate, model.name) == (0.2, "dropping")


def test_a_saved_network_comes_back_equal(small, tmp_path):
    small.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(again(pictures((32, 32, 3))), small(pictures((32, 32, 3))))


def test_a_width_of_nothing_is_refused():
    with pytest.raises(ValueError, match="`alpha` of mobilenet_v2 must be a positive factor.* Received 0"):
        mobilenet_v2(alpha=0)


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of mobilenet_v2 must have sides of at least 32"):
        mobilenet_v2((224, 31, 3))


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="`classes` must be a whole number of at least 1. Received -1"):
        mobilenet_v2((32, 32, 3), -1, alpha=0.35)
