"""Networks that paint: their size, pictures of any size, styles and mixtures, precision, saving, refusals."""

import keras
import numpy as np
import pytest

from cnn_suite.models.stylizer import copy_styles, styles_of, stylizer
from cnn_suite.models.surgery import features_at


def pictures(size_hw=(24, 20), count=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size_hw, 3)).astype(np.float32)


def varied(model, seed=1):
    """The network with scales, shifts and last weights that differ, as after a training."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.name.endswith("_norm") or layer.name == "picture_conv":
            layer.set_weights([weight + generator.normal(0, 0.1, weight.shape) for weight in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def thin():
    keras.utils.set_random_seed(0)
    return varied(stylizer(variant="thin"))


@pytest.fixture(scope="module")
def johnson():
    keras.utils.set_random_seed(0)
    return varied(stylizer())


@pytest.fixture(scope="module")
def three():
    """Three styles."""
    keras.utils.set_random_seed(0)
    return varied(stylizer(styles=3, variant="thin"))


# By hand, without biases but the last: 9*9*3*32 + 9*32*64 + 9*64*128 on the way down, 10 of 9*128*128, 9*128*64 +
# 9*64*32 + 9*9*32*3 + 3 on the way up, and 2 * (32 + 64 + 128 + 10*128 + 64 + 32) scales and shifts.
def test_johnson_has_the_papers_filters(johnson):
    convolutions = 7_776 + 18_432 + 73_728 + 10 * 147_456 + 73_728 + 18_432 + 7_776 + 3
    assert johnson.count_params() == convolutions + 2 * 1_600 == 1_677_635
    assert johnson.input_shape == johnson.output_shape == (None, None, None, 3)


# 25*3*32 + 9*32*64, 8 of 9*64*64, 9*64*32 + 9*32*12 + 12, four pixels of three colours; 2 * (32 + 64 + 8*64 + 32 + 3),
# the last 3 of the picture's own colours.
def test_thin_is_a_fifth_of_it_and_works_at_a_quarter_of_the_resolution(thin):
    convolutions = 2_400 + 18_432 + 8 * 36_864 + 18_432 + 3_456 + 12
    assert thin.count_params() == convolutions + 2 * 643 == 338_930
    inner = features_at(thin, ["block4_add", "up1_relu"])(pictures((48, 64)))
    assert inner["block4_add"].shape[1:3] == (12, 16)
    assert inner["up1_relu"].shape[1:3] == (24, 32)


# Two more blocks of two convolutions each.
def test_thin6_is_thin_with_two_more_blocks(thin):
    deeper = stylizer(variant="thin6")
    assert deeper.count_params() == thin.count_params() + 4 * (36_864 + 2 * 64) == 486_898
    more = {layer.name for layer in deeper.layers} - {layer.name for layer in thin.layers}
    assert {name.split("_")[0] for name in more} == {"block5", "block6"}


# Of the 2 * (32 + 64) statistics of both maps on the way down 32 numbers, and of these two changes for each channel of
# the norms behind them: all but the first.
def test_the_adaptive_one_knows_the_statistics_of_the_first_maps():
    plain, model = stylizer(variant="thin6"), stylizer(variant="thin6_adaptive")
    channels = 64 + 12 * 64 + 32 + 3
    assert model.count_params() == plain.count_params() + (192 + 1) * 32 + 32 * 2 * channels == 548_562
    assert model.get_layer("down1_norm").context_kernel is None


# Instance normalisation makes pictures of all contrasts alike; what is painted differs by the context alone.
def test_the_adaptive_one_paints_pictures_of_another_contrast_otherwise():
    keras.utils.set_random_seed(0)
    faint = 96 + pictures() / 4
    for variant, differs in (("thin6", False), ("thin6_adaptive", True)):
        model = varied(stylizer(variant=variant))
        change = features_at(model, ["picture_conv"])
        apart = np.abs(change(faint)["picture_conv"] - change(pictures())["picture_conv"]).max()
        assert (apart > 0.05) == differs


def test_the_docstring_gives_every_count(johnson, thin):
    models = (johnson, thin, stylizer(variant="thin6"), stylizer(variant="thin6_adaptive"))
    assert all(f"{model.count_params():,}" in stylizer.__doc__ for model in models)


def test_an_untrained_thin_network_changes_no_more_than_brightness_and_contrast_of_every_colour():
    painted = np.asarray(stylizer(styles=2, variant="thin")([pictures(), np.array([[0.3, 0.7]], np.float32)]))
    for channel in range(3):
        both = painted[..., channel].ravel(), pictures()[..., channel].ravel()
        assert np.corrcoef(*both)[0, 1] == pytest.approx(1, abs=1e-5)


def test_a_style_more_costs_a_scale_and_a_shift_a_channel(thin, three):
    assert three.count_params() == thin.count_params() + 2 * 2 * 643
    assert styles_of(thin) == 1 and styles_of(three) == 3
    assert [tensor.shape for tensor in three.inputs] == [(None, None, None, 3), (None, 3)]


@pytest.mark.parametrize("size_hw", [(8, 8), (9, 15), (33, 18), (11, 40)])
def test_pictures_of_any_size_keep_it(thin, size_hw):
    painted = np.asarray(thin(pictures(size_hw)))
    assert painted.shape == (1, *size_hw, 3)
    assert np.isfinite(painted).all() and np.abs(painted - pictures(size_hw)).mean() > 1


def test_the_larger_variant_keeps_odd_sizes_too_and_fixed_ones_are_said(johnson):
    assert johnson(pictures((9, 14))).shape == (1, 9, 14, 3)
    assert stylizer((9, 14, 3), variant="thin").output_shape == (None, 9, 14, 3)


# tanh gives -1..1 of 150 levels round 127.5.
def test_black_and_white_can_be_reached_and_not_much_beyond():
    model = stylizer((8, 8, 3))
    for bias, least, most in ((-9.0, -22.6, 0.0), (9.0, 255.0, 277.6)):
        model.get_layer("picture_conv").bias.assign([bias] * 3)
        painted = np.asarray(model(pictures((8, 8))))
        assert least <= painted.min() and painted.max() <= 277.6
        assert least <= np.median(painted) <= most


def test_every_picture_of_a_batch_is_painted_by_itself(thin):
    batch = pictures(count=3)
    np.testing.assert_allclose(thin(batch)[1:2], thin(batch[1:2]), atol=0.01)


def test_styles_paint_differently_and_a_mixture_lies_between_what_each_would_do(three):
    batch = np.repeat(pictures(), 4, axis=0)
    weights = np.array([[1, 0, 0], [0, 1, 0], [0.999, 0.001, 0], [0.5, 0.5, 0]], np.float32)
    first, second, nearly, half = np.asarray(three([batch, weights]))
    apart = np.abs(first - second).mean()
    assert apart > 1 and np.abs(nearly - first).mean() < 0.1 * apart
    for one in (first, second):
        assert 0.1 * apart < np.abs(half - one).mean() < 0.9 * apart


def test_one_style_of_several_is_the_network_with_that_ones_scales_and_shifts(thin, three):
    keras.utils.set_random_seed(0)
    alone = stylizer(variant="thin")
    for layer in three.layers:
        if layer.name.endswith("_norm"):
            alone.get_layer(layer.name).set_weights([weight[1:2] for weight in layer.get_weights()])
        elif layer.weights:
            alone.get_layer(layer.name).set_weights(layer.get_weights())
    mixture = np.eye(3, dtype=np.float32)[1:2]
    np.testing.assert_allclose(three([pictures(), mixture]), alone(pictures()), atol=1e-2)


def test_a_saved_network_comes_back_equal(three, tmp_path):
    three.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    inputs = [pictures(), np.array([[0.2, 0.3, 0.5]], np.float32)]
    np.testing.assert_allclose(again(inputs), three(inputs), atol=1e-3)


def test_half_precision_paints_in_16_bits_and_learns_in_32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        keras.utils.set_random_seed(0)
        model = varied(stylizer(variant="thin"))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("block1_first_conv").compute_dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in model.weights)
    painted = model(pictures())
    assert painted.dtype == "float32"
    assert np.isfinite(np.asarray(painted)).all()


def test_impossible_networks_are_refused():
    with pytest.raises(ValueError, match=r"`image_shape` of stylizer must have 3 channels. Received \(64, 64, 1\)"):
        stylizer((64, 64, 1))
    with pytest.raises(ValueError, match=r"`image_shape` of stylizer must have sides of at least 8. Received \(64, 7"):
        stylizer((64, 7, 3))
    with pytest.raises(
        ValueError, match="`variant` of stylizer must be one of johnson, thin, thin6, .* Received 'fat'"
    ):
        stylizer(variant="fat")
    with pytest.raises(ValueError, match="`styles` of stylizer must be at least 1. Received 0"):
        stylizer(styles=0, variant="thin")


# From one network to another


def test_a_style_is_what_the_other_network_paints_with_its_mixture(three):
    mixtures = np.array([[0.2, 0.5, 0.3], [0, 0, 1]], np.float32)
    two = stylizer(styles=2, variant="thin")
    copy_styles(two, three, mixtures)
    picture = pictures()
    for number, mixture in enumerate(mixtures):
        own = two([picture, np.eye(2, dtype=np.float32)[[number]]])
        np.testing.assert_allclose(own, three([picture, mixture[None]]), rtol=1e-4, atol=1e-2)
    one = stylizer(variant="thin")
    copy_styles(one, two, np.array([[0, 1]]))
    np.testing.assert_allclose(one(picture), three([picture, mixtures[1:]]), rtol=1e-4, atol=1e-2)


def test_blocks_that_the_other_network_has_not_change_nothing_at_first_and_can_learn(three):
    deeper = stylizer(variant="thin6")
    copy_styles(deeper, three, np.array([[0.2, 0.5, 0.3]]))
    mixture = np.float32([[0.2, 0.5, 0.3]])
    np.testing.assert_allclose(deeper(pictures()), three([pictures(), mixture]), rtol=1e-4, atol=1e-2)
    deeper.compile("sgd", "mse")
    before = deeper.get_layer("block6_second_norm").get_weights()[0]
    deeper.train_on_batch(pictures(), pictures(seed=1))
    assert np.abs(deeper.get_layer("block6_second_norm").get_weights()[0] - before).min() > 0


def test_a_context_that_the_other_network_has_not_changes_nothing_at_first_and_one_that_it_has_is_kept(three):
    adaptive, again = (stylizer(variant="thin6_adaptive") for _ in range(2))
    mixture = np.float32([[0.2, 0.5, 0.3]])
    copy_styles(adaptive, three, mixture)
    np.testing.assert_allclose(adaptive(pictures()), three([pictures(), mixture]), rtol=1e-4, atol=1e-2)
    copy_styles(again, varied(adaptive), np.ones((1, 1)))
    np.testing.assert_allclose(again(pictures()), adaptive(pictures()), rtol=1e-4, atol=1e-2)
    with pytest.raises(ValueError, match="no more layers than stylizer. stylizer has context beside them"):
        copy_styles(stylizer(variant="thin6"), adaptive, np.ones((1, 1)))


def test_blocks_of_the_other_network_are_not_lost(thin):
    with pytest.raises(ValueError, match="`source` must have no more layers than stylizer. .* has block5_first_conv, "):
        copy_styles(thin, stylizer(variant="thin6"), np.ones((1, 1)))


def test_networks_of_different_variants_share_no_styles(thin, johnson):
    before = thin.get_weights()
    with pytest.raises(ValueError, match="`source` must have no more layers than stylizer. .* block5_first_conv"):
        copy_styles(thin, johnson, np.ones((1, 1)))
    for kept, weight in zip(before, thin.get_weights()):
        np.testing.assert_array_equal(kept, weight)
