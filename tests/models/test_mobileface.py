"""MobileFace V2: its size, its names, its padding, embeddings of unit length.

Values are compared with the authors' network in tests/weights/test_mobileface.py.
"""

import keras
import numpy as np
import pytest

from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.sums import model_sums


def pictures(shape, count=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.float32)


@pytest.fixture(scope="module")
def faces():
    return mobileface_v2()


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return mobileface_v2((33, 40, 3))


# By hand: 3 * 3 * 3 * 32 + 32 in the first convolution; the last map of 4 x 4 x 128 to 256 numbers, without bias.
def test_parameters_are_those_of_the_authors_file(faces):
    assert faces.get_layer("stem_conv").count_params() == 896
    assert faces.get_layer("embedding_dense").count_params() == 4 * 4 * 128 * 256
    sums = model_sums(faces)
    assert (sums.parameters, sums.multiply_adds) == (892_384, 40_671_584)
    norms = sum(layer.count_params() for layer in faces.layers if layer.name.endswith("_norm"))
    assert sums.trainable == 892_384 - norms // 2  # means and variances are not learned


def test_there_are_37_convolutions_and_38_norms_of_mxnets_epsilon(faces):
    kinds = [type(layer).__name__ for layer in faces.layers]
    assert (kinds.count("Conv2D"), kinds.count("DepthwiseConv2D"), kinds.count("Add")) == (25, 12, 8)
    norms = [layer for layer in faces.layers if layer.name.endswith("_norm")]
    assert len(norms) == 38 and {norm.epsilon for norm in norms} == {1e-3}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("stem_relu", (56, 56, 32)),
        ("stage1_block1_expand", (56, 56, 96)),
        ("stage1_block3_add", (28, 28, 32)),
        ("stage2_block3_add", (14, 14, 32)),
        ("stage3_block1_depthwise", (7, 7, 96)),
        ("stage3_block2_expand", (7, 7, 192)),
        ("stage4_block3_add", (4, 4, 128)),
        ("embedding", (256,)),
    ],
)
def test_layers_have_stable_names_and_the_sizes_of_the_authors(faces, name, shape):
    assert faces.get_layer(name).output.shape[1:] == shape


def test_only_blocks_after_the_first_of_a_stage_have_a_shortcut(faces):
    added = [layer.name for layer in faces.layers if layer.name.endswith("_add")]
    assert added == [f"stage{stage}_block{block}_add" for stage in (1, 2, 3, 4) for block in (2, 3)]


def test_a_block_whose_projection_is_zero_is_its_shortcut(small):
    norm = small.get_layer("stage3_block2_project_norm")
    names = ("stage3_block1_project_norm", "stage3_block2_add")
    inner = keras.Model(small.input, [small.get_layer(name).output for name in names])
    before, after = inner(pictures((33, 40, 3)))
    assert np.abs(np.asarray(after) - before).max() > 1e-3
    weights = norm.get_weights()
    norm.gamma.assign(np.zeros(norm.gamma.shape))
    before, after = inner(pictures((33, 40, 3)))
    norm.set_weights(weights)
    np.testing.assert_array_equal(before, after)


# The tap above and left of the middle meets the zeros beside a picture in the first row and column, 255 elsewhere:
# (255 - 127.5) / 128 = 0.99609375. Keras's "same" would put the zeros of an even side right and below.
def test_zeros_lie_on_every_side_before_a_convolution_of_strides_two():
    model = mobileface_v2((32, 36, 3))
    kernel = np.zeros((3, 3, 3, 32), np.float32)
    kernel[0, 0, 1] = 1
    model.get_layer("stem_conv").set_weights([kernel, np.zeros(32)])
    found = keras.Model(model.input, model.get_layer("stem_conv").output)(np.full((1, 32, 36, 3), 255.0))[0]
    expected = np.full((16, 18, 32), 0.99609375)
    expected[0], expected[:, 0] = 0, 0
    np.testing.assert_array_equal(found, expected)


def test_black_and_white_are_scaled_as_the_authors_do_exactly(small):
    scaled = small.get_layer("scale")(np.array([[[[0.0, 127.5, 255.0]]]]))
    np.testing.assert_array_equal(scaled, (np.array([[[[0.0, 127.5, 255.0]]]]) - 127.5) * 0.0078125)


def test_embeddings_have_unit_length_one_by_one_and_in_a_batch(small):
    images = pictures((33, 40, 3), 3)
    found = np.asarray(small(images))
    assert found.shape == (3, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    np.testing.assert_allclose(small(images[:1].astype(np.uint8)), found[:1], atol=1e-5)


def test_an_embedding_of_nothing_stays_nothing_and_is_no_nan(small):
    assert not np.asarray(small.get_layer("embedding")(np.zeros((1, 256), np.float32))).any()


def test_embeddings_of_half_precision_are_float32_of_unit_length():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = mobileface_v2((32, 32, 3))(pictures((32, 32, 3)))
    finally:
        keras.config.set_dtype_policy(before)
    assert found.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_grey_pictures_give_embeddings_too():
    grey = mobileface_v2((32, 32, 1), name="grey")
    assert (grey.name, grey.output_shape) == ("grey", (None, 256))


def test_a_saved_network_comes_back_equal(small, tmp_path):
    small.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(again(pictures((33, 40, 3))), small(pictures((33, 40, 3))))


def test_embeddings_can_be_trained():
    keras.utils.set_random_seed(1)
    model = mobileface_v2((32, 32, 3))
    images, truths = pictures((32, 32, 3), 4), np.eye(256, dtype=np.float32)[[0, 1, 2, 3]]
    model.compile(keras.optimizers.SGD(0.5), "cosine_similarity")
    losses = [model.train_on_batch(images, truths) for _ in range(12)]
    assert losses[-1] < losses[0] - 0.05


def test_free_sides_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of mobileface_v2 must have fixed sides"):
        mobileface_v2((None, 112, 3))


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of mobileface_v2 must have sides of at least 32"):
        mobileface_v2((112, 31, 3))


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.params"):
        mobileface_v2(weights=tmp_path / "nowhere.params")
