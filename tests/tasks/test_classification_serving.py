"""The exported graph of a classifier: pictures come to the input as in training, whatever their size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite import graphs
from cnn_suite.config_classification import ClassificationConfig, Data, Export, Model
from cnn_suite.data.picture_resize import resized, resized_in_graph
from cnn_suite.runtime.model_files.litert import LiteRTModel
from cnn_suite.tasks.classification_serving import ClassificationServing


def config_of(*, data=None, export=None, size_hw=(8, 12), channels=3):
    return ClassificationConfig(
        name="tiny",
        data=Data(path="nowhere", **(data or {})),
        model=Model(image_size_hw=size_hw, channels=channels),
        export=Export(**(export or {})),
    )


def network(size_hw=(8, 12), channels=3):
    """A dense layer on all pixels: every one of them counts."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*size_hw, channels), name="image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.Dense(4, activation="softmax", name="predictions")(x), name="tiny")


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


SIZES = [(8, 12), (16, 24), (31, 17), (5, 40), (1, 1), (480, 640)]


@pytest.mark.parametrize("how", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size_hw", SIZES)
def test_the_graph_resizes_like_training_up_to_rounding(size_hw, channels, how):
    image = picture(*size_hw)
    in_graph = resized_in_graph(tf.constant(image[None]), (8, 12), how, channels)[0]
    in_training = resized(image, (8, 12), how, channels)
    assert in_training.dtype == np.uint8 and in_training.shape == in_graph.shape == (8, 12, channels)
    # OpenCV resizes bytes with weights of 11 bits; a wide reduction may be a step or two off, never more.
    assert np.abs(in_graph.numpy() - in_training).max() <= 2.1


def test_a_picture_of_the_right_size_is_left_as_it_is():
    image = picture(8, 12)
    np.testing.assert_array_equal(resized(image, (8, 12), "crop", 3), image)
    np.testing.assert_array_equal(resized_in_graph(tf.constant(image[None]), (8, 12), "crop", 3)[0], image)


def test_cropping_takes_the_middle_by_hand():
    # 4 x 6 to 2 x 2: the middle 4 x 4, every 2 x 2 of it averaged.
    image = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6, 1).repeat(3, 2)
    middle = image[:, 1:5].reshape(2, 2, 2, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resized_in_graph(tf.constant(image[None]), (2, 2), "crop", 3)[0], middle)
    np.testing.assert_allclose(resized(image, (2, 2), "crop", 3), middle, atol=0.51)


def test_the_margin_round_the_input_is_cut_off():
    config = config_of(data={"margin": 1.5})
    serving = ClassificationServing(network(), config)
    image = picture(12, 18)  # the size at which pictures are kept
    expected = network()(image[None, 2:10, 3:15].astype(np.float32))
    np.testing.assert_allclose(serving.serving_default(image[None])["probabilities"], expected, rtol=1e-5)


def test_the_mirror_image_is_looked_at_too():
    model, image = network(), picture(8, 12)
    plain, turned = (model(view[None].astype(np.float32)).numpy() for view in (image, image[:, ::-1]))
    serving = ClassificationServing(model, config_of(export={"mirror": True}))
    both = serving.serving_default(image[None])["probabilities"]
    np.testing.assert_allclose(both, (plain + turned) / 2, rtol=1e-5)
    two = serving.serving_default(np.stack([image, picture(8, 12, 1)]))["probabilities"]
    np.testing.assert_allclose(two[:1], both, rtol=1e-5)


def test_views_towards_the_corners_and_their_mirror_images_are_averaged():
    model, image = network(), picture(8, 12)
    wide = np.pad(image, [(2, 2), (3, 3), (0, 0)], "symmetric").astype(np.float32)
    views = [wide[top : top + 8, left : left + 12] for top, left in ((2, 3), (0, 0), (0, 6), (4, 0), (4, 6))]
    each = model(np.stack(views + [view[:, ::-1] for view in views])).numpy()
    for mirror, expected in ((False, each[:5].mean(0)), (True, each.mean(0))):
        serving = ClassificationServing(model, config_of(export={"corners": 0.25, "mirror": mirror}))
        found = serving.serving_default(np.stack([image, picture(8, 12, 1)]))["probabilities"]
        np.testing.assert_allclose(found[0], expected, rtol=1e-5)


@pytest.mark.parametrize("how", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("export", [{}, {"mirror": True}, {"corners": 0.25}])
def test_litert_says_the_same_for_every_size(tmp_path, how, export):
    serving = ClassificationServing(network(), config_of(data={"resize": how}, export=export))
    (tmp_path / "model.tflite").write_bytes(graphs.litert_bytes(serving.one_picture_signatures))
    exported = LiteRTModel(tmp_path / "model.tflite")
    pictures = [picture(*size_hw) for size_hw in SIZES]
    found = serving.differences({"litert": exported.run}, pictures)["litert"]
    assert found["probability"] < 1e-5 and found["other_class"] == 0


def test_a_network_of_one_channel_gets_luma():
    serving = ClassificationServing(network(channels=1), config_of(channels=1))
    grey = picture(8, 12)[..., :1]
    coloured = np.broadcast_to(grey, (8, 12, 3))
    expected = network(channels=1)(grey[None].astype(np.float32))
    np.testing.assert_allclose(serving.serving_default(coloured[None])["probabilities"], expected, rtol=1e-4)


def test_the_card_says_what_comes_in():
    card = ClassificationServing(network(), config_of(data={"resize": "letterbox"})).card()
    assert card["input"] == {
        "network_size_hw": [8, 12],
        "channels": 3,
        "resizing": "whole picture on grey, inside the graph",
        "mirror": False,
        "corners": 0.0,
    }
