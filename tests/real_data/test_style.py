"""Style transfer with ImageNet features: what a picture loses of its distance to a painting, and the networks of
saved_models/ on a photograph and a video that none of them has seen."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config import load_config
from cnn_suite.data.picture_files import read_rgb
from cnn_suite.runtime.media.frames import open_source
from cnn_suite.runtime.model_files.model_folders import find_model
from cnn_suite.runtime.style.flicker import Flicker
from cnn_suite.runtime.style.steady import SteadyStylizer
from cnn_suite.runtime.style.stylizer import load_stylizer
from cnn_suite.style_transfer.objective import Objective
from cnn_suite.style_transfer.perception import load_perception
from cnn_suite.style_transfer.settings import TransferSettings
from cnn_suite.style_transfer.targets import Region, resized_painting
from cnn_suite.stylize import stylize_picture

DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", ""))
PHOTO, PAINTINGS, VIDEO = DATA / "style/photos/stata.jpg", DATA / "style/paintings", DATA / "video/fox.mp4"
WEIGHTS = DATA / "classification/weights/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
FILES = {"wave": "wave.jpg", "scream": "the_scream.jpg", "shipwreck": "the_shipwreck_of_the_minotaur.jpg"}

pytestmark = [
    pytest.mark.skipif(
        "CNN_SUITE_TEST_DATA" not in os.environ or not (PHOTO.is_file() and VIDEO.is_file() and WEIGHTS.is_file()),
        reason="CNN_SUITE_TEST_DATA names no folder with style/, video/fox.mp4 and classification/weights",
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def perception():
    return load_perception(weights=WEIGHTS)


def test_150_iterations_at_256_pixels_leave_a_twentieth_of_the_style_error(perception, tmp_path):
    settings = TransferSettings(size=256, iterations=150)
    found = stylize_picture(PHOTO, [PAINTINGS / "wave.jpg"], tmp_path / "out.png", settings, perception=perception)
    assert found["style_error_down"] >= 0.95
    assert found["end"]["content"] <= 0.5  # of the photograph's energy: it is still recognised


def test_windows_give_the_cost_and_the_gradient_of_the_whole_picture(perception):
    photo = resized_painting(read_rgb(PHOTO), 400)
    painting = [Region([resized_painting(read_rgb(PAINTINGS / "wave.jpg"), 400)], [1.0])]
    whole, cut = Objective(perception, photo, painting), Objective(perception, photo, painting, tile=128)
    picture = tf.constant(photo[None])
    (costs, gradient), (costs_cut, gradient_cut) = (each.value_and_gradient(picture) for each in (whole, cut))
    np.testing.assert_allclose([float(x) for x in costs_cut], [float(x) for x in costs], rtol=1e-5)
    np.testing.assert_allclose(gradient_cut, gradient, atol=1e-4 * float(np.abs(gradient).max()))


@pytest.mark.parametrize("model", ["style_wave", "style_scream", "style_mixed"])
def test_a_network_brings_an_unseen_photograph_close_to_every_of_its_paintings(model):
    network = load_stylizer(find_model(model))
    pooling = load_config(find_model(model) / "config.yaml").perception.pooling  # as it was taught to see
    perception = load_perception(weights=WEIGHTS, pooling=pooling)
    photo = cv2.resize(read_rgb(PHOTO), (480, 320), interpolation=cv2.INTER_AREA)
    for style, label in enumerate(network.labels):
        painting = resized_painting(read_rgb(PAINTINGS / FILES[label]), 384)
        objective = Objective(perception, photo, [Region([painting], [1.0])])
        painted = network(photo, np.eye(len(network.labels))[style])
        before, after = (objective.value_and_gradient(tf.constant(x[None], tf.float32))[0] for x in (photo, painted))
        assert float(after.style) < 0.15 * float(before.style)
        assert float(after.content) < 0.8  # much nearer to the photograph than a picture without features, at 1


def test_steady_video_flickers_at_most_half_as_much():
    network = load_stylizer(find_model("style_mixed"))
    steady = SteadyStylizer(lambda image: network(image, longest_side=240))
    alone, together = Flicker(), Flicker()
    for frame in open_source(str(VIDEO)):
        if frame.index == 40:
            break
        painted = steady(frame.image_rgb)
        together.add(painted, steady.motion)
        alone.add(steady.stylized, steady.motion)
    assert len(together.frames) == 39
    assert together.mean <= 0.5 * alone.mean
