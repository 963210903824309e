"""The network for encodings of faces: its size, its names, unit length, precision, saving, LiteRT."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite import graphs
from cnn_suite.models.face_embedding import face_embedding
from cnn_suite.sums import model_sums


def pictures(shape=(32, 40, 3), count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.float32)


@pytest.fixture(scope="module")
def faces():
    keras.utils.set_random_seed(0)
    return face_embedding()


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return face_embedding((32, 40, 3))


def test_it_stays_within_a_million_and_a_half_parameters_and_eighty_million_multiply_adds(faces):
    sums = model_sums(faces)
    assert sums.parameters <= 1_500_000
    assert 40e6 <= sums.multiply_adds <= 80e6
    assert faces.input_shape == (None, 112, 112, 3) and faces.output_shape == (None, 128)


# By hand: 3x3x3 to 16 channels; one weight for each of 7 x 7 cells of 128 channels; 128 numbers of 128, no bias.
def test_layers_have_the_sizes_of_the_table_and_stable_names(faces):
    counts = {"stem_conv": 27 * 16, "cells_depthwise": 49 * 128, "embedding_dense": 128 * 128}
    assert {name: faces.get_layer(name).count_params() for name in counts} == counts
    shapes = {"stem_relu": (56, 56, 16), "stage1_block2": (28, 28, 32), "stage2_block2": (14, 14, 64)}
    shapes |= {"stage3_block1": (7, 7, 128), "features": (128,), "embedding": (128,)}
    assert {name: faces.get_layer(name).output.shape[1:] for name in shapes} == shapes


def test_width_blocks_and_dimensions_change_what_they_say():
    model = face_embedding((32, 32, 3), 64, width=0.5, blocks=3, name="half")
    assert (model.name, model.output_shape) == ("half", (None, 64))
    assert model.get_layer("stage3_block3").output.shape[-1] == 64
    assert model.get_layer("stem_conv").output.shape[-1] == 8
    assert face_embedding((32, 32, 3), width=0.01).get_layer("stage1_block1").output.shape[-1] == 8


def test_black_and_white_are_minus_1_and_1(small):
    found = small.get_layer("scale")(np.array([[[[0.0, 127.5, 255.0]]]]))
    np.testing.assert_allclose(found, [[[[-1, 0, 1]]]], atol=1e-6)


def test_encodings_have_unit_length_one_by_one_and_in_a_batch(small):
    images = pictures()
    found = np.asarray(small(images))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    np.testing.assert_allclose(small(images[:1].astype(np.uint8)), found[:1], atol=1e-5)


def test_the_place_in_a_face_counts(small):
    picture = pictures(count=1)
    assert np.abs(np.asarray(small(picture[:, ::-1])) - np.asarray(small(picture))).max() > 1e-3


def test_encodings_of_half_precision_are_float32_of_unit_length():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = face_embedding((33, 32, 1))(pictures((33, 32, 1)))
    finally:
        keras.config.set_dtype_policy(before)
    assert found.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_encodings_can_be_trained_and_a_saved_network_comes_back_equal(tmp_path):
    keras.utils.set_random_seed(1)
    model = face_embedding((32, 32, 3), 16, width=0.5)
    images, truths = pictures((32, 32, 3), 4), np.eye(16, dtype=np.float32)[:4]
    model.compile(keras.optimizers.SGD(0.5), "cosine_similarity")
    losses = [model.train_on_batch(images, truths) for _ in range(8)]
    assert losses[-1] < losses[0] - 0.05
    model.save(tmp_path / "x.keras")
    again = keras.saving.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(again(images), model(images))


@pytest.mark.slow
def test_it_converts_to_built_in_operators_of_litert_and_answers_alike(small, tmp_path):
    from cnn_suite.runtime.model_files.litert import LiteRTModel

    def serve(images):
        faces = tf.reshape(tf.cast(images, tf.float32), (1, 32, 40, 3))
        return {"embeddings": small(faces, training=False)}

    path = tmp_path / "model.tflite"
    path.write_bytes(graphs.litert_bytes({"serving_default": serve}))  # refuses any other operator
    images = pictures(count=1).astype(np.uint8)
    found = LiteRTModel(path).run("serving_default", images)["embeddings"]
    np.testing.assert_allclose(found, small(images), atol=1e-5)


def test_free_and_too_small_sides_are_refused():
    with pytest.raises(ValueError, match="`image_shape` of face_embedding must have fixed sides"):
        face_embedding((None, 112, 3))
    with pytest.raises(ValueError, match="`image_shape` of face_embedding must have sides of at least 32"):
        face_embedding((112, 31, 3))
