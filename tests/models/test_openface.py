"""OpenFace nn4.small2: the size of the authors' network, its maps, its zeros, encodings of unit length."""

import keras
import numpy as np
import pytest

from cnn_suite.models.openface import openface_nn4_small2
from cnn_suite.sums import model_sums


def pictures(shape=(96, 96, 3), count=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.float32)


@pytest.fixture(scope="module")
def faces():
    keras.utils.set_random_seed(0)
    return openface_nn4_small2()


# net:getParameters() of nn4.small2.def.lua: 3,733,968. By hand: 7 * 7 * 3 * 64 + 64 in conv1; 736 * 128 + 128 in the
# dense layer; a batch norm learns two numbers a channel and keeps two more, which Torch does not count.
def test_parameters_are_those_that_openface_counts(faces):
    assert faces.get_layer("conv1").count_params() == 9_472
    assert faces.get_layer("dense_layer").count_params() == 94_336
    sums = model_sums(faces)
    assert (sums.trainable, sums.parameters - sums.trainable) == (3_733_968, 9_312)
    norms = [layer for layer in faces.layers if "BatchNormalization" in type(layer).__name__]
    assert sum(layer.count_params() for layer in norms) // 2 == 9_312
    assert {norm.epsilon for norm in norms} == {1e-5}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("conv1", (48, 48, 64)),
        ("pool1", (24, 24, 64)),
        ("pool2", (12, 12, 192)),
        ("inception_3a_pool", (5, 5, 192)),
        ("inception_3a", (12, 12, 256)),
        ("inception_3b_pool", (4, 4, 256)),
        ("inception_3b", (12, 12, 320)),
        ("inception_3c_5x5_conv2", (6, 6, 64)),
        ("inception_3c", (6, 6, 640)),
        ("inception_4a", (6, 6, 640)),
        ("inception_4e_pool", (2, 2, 640)),
        ("inception_4e", (3, 3, 1024)),
        ("inception_5a", (3, 3, 736)),
        ("inception_5b", (3, 3, 736)),
        ("avg_pool", (736,)),
        ("embedding", (128,)),
    ],
)
def test_layers_have_stable_names_and_the_sizes_of_the_authors(faces, name, shape):
    assert faces.get_layer(name).output.shape[1:] == shape


# A map of 12 around one of 5: seven zeros, three before and four after; of 6 around 5: one, after.
@pytest.mark.parametrize(("module", "before", "side"), [("3a", 3, 5), ("3b", 4, 4), ("3c", 0, 5), ("5a", 1, 1)])
def test_a_pooled_map_is_surrounded_by_zeros_as_torch_does(faces, module, before, side):
    surround = faces.get_layer(f"inception_{module}_pool_surround")
    found = np.asarray(surround(np.ones((1, *surround.input.shape[1:]), np.float32)))[0, :, :, 0]
    expected = np.zeros(found.shape)
    expected[before : before + side, before : before + side] = 1
    np.testing.assert_array_equal(found, expected)


# Torch: x / (k + alpha / 5 * sum of 5 squares)^0.75 with k = 1 and alpha = 1e-4. Seven channels of 1000: inside of it
# 1 + 1e-4 * 1e6 = 101.
def test_the_response_norm_is_torchs(faces):
    found = faces.get_layer("lrn_1")(np.full((1, 1, 1, 7), 1000, np.float32))
    assert float(found[0, 0, 0, 3]) == pytest.approx(1000 / 101**0.75, rel=1e-4)


def test_branches_are_joined_in_torchs_order(faces):
    joined = [layer.name for layer in faces.get_layer("inception_4a")._inbound_nodes[0].operation.input]
    assert len(joined) == 4
    widths = [side.shape[-1] for side in faces.get_layer("inception_4a").input]
    assert widths == [192, 64, 128, 256]  # 3x3, 5x5, pooling, 1x1


def test_black_and_white_are_0_and_1(faces):
    found = faces.get_layer("scale")(np.array([[[[0.0, 51.0, 255.0]]]]))
    np.testing.assert_allclose(found, [[[[0, 0.2, 1]]]], rtol=1e-6)


def test_encodings_have_unit_length_one_by_one_and_in_a_batch(faces):
    images = pictures(count=3)
    found = np.asarray(faces(images))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    np.testing.assert_allclose(faces(images[:1].astype(np.uint8)), found[:1], atol=1e-5)


@pytest.mark.slow
def test_other_and_odd_sizes_work_down_to_65():
    for shape in ((65, 65, 3), (70, 97, 1)):
        model = openface_nn4_small2(shape, 16)
        assert model(pictures(shape, 1)).shape == (1, 16)
    with pytest.raises(ValueError, match="must have sides of at least 65"):
        openface_nn4_small2((96, 64, 3))


@pytest.mark.slow
def test_half_precision_learns_black_pictures_too_and_a_saved_network_comes_back_equal(tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = openface_nn4_small2((65, 65, 3))
    finally:
        keras.config.set_dtype_policy(before)
    images = pictures((65, 65, 3), 4)
    images[0] = 0  # windows of zeros, whose length has no gradient
    model.compile(keras.optimizers.SGD(0.01), "cosine_similarity")
    losses = [model.train_on_batch(images, np.eye(128, dtype=np.float32)[:4]) for _ in range(4)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    found = model(images)
    assert found.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    model.save(tmp_path / "openface.keras")
    again = keras.saving.load_model(tmp_path / "openface.keras")
    np.testing.assert_array_equal(again(images), found)


def test_free_sides_and_no_dimensions_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of openface_nn4_small2 must have fixed sides"):
        openface_nn4_small2((None, 96, 3))
    with pytest.raises(ValueError, match="`dimensions` of openface_nn4_small2 must be at least 1. Received 0"):
        openface_nn4_small2(dimensions=0)
