"""Augmentation as a layer: the same as in the pipeline, in training alone, and saved with the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from cnn_suite.config_classification import Augmentation
from cnn_suite.data.classes.augmentation_layer import PictureAugmentation
from cnn_suite.data.classes.picture_augmentation import augment_pictures

SETTINGS = {"mirror": 0.5, "shift": 0.2, "rotation_deg": 20.0, "brightness": 0.2, "scale": [0.8, 1.2], "erase": 0.5}


def pictures(shape=(4, 10, 12, 3), dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def test_outside_of_training_it_is_the_middle_of_the_picture():
    layer = PictureAugmentation(SETTINGS, (8, 8), seed=1)
    for training in (None, False):
        result = layer(pictures(), training=training)
        assert result.dtype == tf.float32
        np.testing.assert_array_equal(result, pictures()[:, 1:9, 2:10])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_in_training_it_is_what_the_pipeline_does_with_the_seeds_of_its_generator(dtype):
    layer = PictureAugmentation(SETTINGS, (8, 8), seed=1)
    generator = keras.random.SeedGenerator(1)
    settings = layer.settings
    for _ in range(2):
        wanted = augment_pictures(
            tf.constant(pictures(dtype=dtype)), tf.cast(generator.next(), tf.int64), settings, (8, 8)
        )
        np.testing.assert_array_equal(layer(pictures(dtype=dtype), training=True), wanted)


def test_every_call_changes_pictures_anew_in_a_compiled_graph_too():
    layer = PictureAugmentation({"mirror": 0.0, "shift": 0.4}, (10, 12), seed=1)
    graph = tf.function(lambda x: layer(x, training=True))
    results = [graph(tf.constant(pictures())).numpy() for _ in range(3)]
    assert np.abs(results[0] - results[1]).max() > 0 and np.abs(results[1] - results[2]).max() > 0


def test_half_precision_gives_half_precision():
    layer = PictureAugmentation(SETTINGS, (10, 12), dtype="mixed_float16")
    assert layer(pictures(dtype=np.float32), training=True).dtype == tf.float16
    assert layer(pictures(), training=False).dtype == tf.float16


def test_a_network_trains_on_kept_pictures_and_serves_those_of_its_own_size():
    x = keras.Input((None, None, 3))
    y = PictureAugmentation(SETTINGS, (8, 8), seed=1)(x)
    assert y.shape == (None, 8, 8, 3)
    model = keras.Model(x, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(y)))
    model.compile("sgd", "categorical_crossentropy")
    model.fit(pictures() / np.float32(255), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]], batch_size=2, verbose=0)
    assert model(pictures((2, 8, 8, 3), np.float32)).shape == (2, 2)
    assert not model.jit_compile


def test_it_comes_back_from_a_saved_model_with_every_setting(tmp_path):
    x = keras.Input((10, 12, 3))
    model = keras.Model(x, PictureAugmentation(SETTINGS, (8, 8), seed=4, name="augmentation")(x))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("augmentation")
    assert again.settings == Augmentation(**{**SETTINGS, "scale": (0.8, 1.2)})
    assert (again.image_size_hw, again.seed) == ((8, 8), 4)
    assert again.get_config()["settings"] == again.settings.model_dump()


def test_the_section_of_a_configuration_is_taken_as_it_is():
    settings = Augmentation(mirror=1.0, shift=0.0)
    result = PictureAugmentation(settings, (10, 12))(pictures(), training=True)
    np.testing.assert_array_equal(result, pictures()[:, :, ::-1])


def test_unknown_settings_and_small_pictures_are_refused():
    with pytest.raises(ValidationError, match="wobble"):
        PictureAugmentation({"wobble": 1}, (8, 8))
    with pytest.raises(ValueError, match=r"`views` outputs pictures of \(8, 13\).*Received \(4, 10, 12, 3\)"):
        PictureAugmentation({}, (8, 13), name="views")(pictures())
