"""Darknet's published networks: equality with OpenCV 4's own reader and with the naive forward.

The files lie in $CNN_SUITE_TEST_DATA/detection/darknet: yolo-fastest-1.1 and -xl (dog-qiuqiu/Yolo-Fastest) with their
weights, and in reference_cfg the .cfg files of YOLOv2 to v4-tiny, for which random weights are written.
"""

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.models.darknet import darknet
from tests.darknet_opencv import EPSILON, assert_heads_near, needs_darknet_reader, opencv_heads
from tests.darknet_oracle import forward, read_arrays, write_weights

DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "detection"
DARKNET, REFERENCE, DOG = DATA / "darknet", DATA / "darknet" / "reference_cfg", DATA / "photos" / "dog.jpg"
PRETRAINED = ("yolo-fastest-1.1", "yolo-fastest-1.1-xl")
SMALL = ("yolov2-tiny", "yolov2-tiny-voc", "yolov3-tiny", "yolov4-tiny")

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not (REFERENCE.is_dir() and DOG.is_file()),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds detection/darknet and detection/photos",
)


@pytest.fixture(scope="module")
def dog():
    """The photograph, stretched to 320x320."""
    return cv2.resize(cv2.imread(str(DOG)), (320, 320))[None, ..., ::-1].astype(np.float32)


def randomised(name, folder, height, width):
    """A published .cfg at a small size, its weights file, and the weights."""
    text = (REFERENCE / f"{name}.cfg").read_text()
    text = re.sub(r"(?m)^height=\d+", f"height={height}", re.sub(r"(?m)^width=\d+", f"width={width}", text))
    (folder / "a.cfg").write_text(text)
    weights = write_weights(folder / "a.weights", text)
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3)).astype(np.float32)
    return text, weights, picture


def assert_equal_to_the_naive_forward(name, folder):
    text, weights, picture = randomised(name, folder, 96, 64)
    received = darknet(folder / "a.cfg", weights=folder / "a.weights")(picture)
    assert_heads_near(received, forward(text, weights, picture), 1e-5)


def assert_equal_to_opencv(name, folder):
    _, _, picture = randomised(name, folder, 96, 64)
    paths = folder / "a.cfg", folder / "a.weights"
    received = darknet(paths[0], weights=paths[1], epsilon=EPSILON)(picture)
    assert_heads_near(received, opencv_heads(*paths, picture), 1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_with_random_weights_equal_the_naive_forward(name, tmp_path):
    assert_equal_to_the_naive_forward(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov2", "yolov3"])
def test_large_networks_with_random_weights_equal_the_naive_forward(name, tmp_path):
    assert_equal_to_the_naive_forward(name, tmp_path)


@needs_darknet_reader
@pytest.mark.parametrize("name", SMALL)
def test_small_networks_with_random_weights_equal_opencv(name, tmp_path):
    assert_equal_to_opencv(name, tmp_path)


@needs_darknet_reader
@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov2", "yolov3"])
def test_large_networks_with_random_weights_equal_opencv(name, tmp_path):
    assert_equal_to_opencv(name, tmp_path)


@needs_darknet_reader
@pytest.mark.parametrize("name", PRETRAINED)
def test_trained_networks_equal_opencv_on_a_photograph(name, dog):
    paths = DARKNET / f"{name}.cfg", DARKNET / f"{name}.weights"
    expected = opencv_heads(*paths, dog)
    received = darknet(paths[0], weights=paths[1], epsilon=EPSILON)(dog)
    assert_heads_near(received, expected, 1e-5)
    for values, other in zip(expected.values(), received.values()):
        assert np.abs(values - np.asarray(other)).max() < 1e-4  # though the largest is over 20


@pytest.mark.parametrize("name", PRETRAINED)
def test_trained_networks_equal_the_naive_forward_on_a_photograph(name, dog):
    text = (DARKNET / f"{name}.cfg").read_text()
    weights = read_arrays(DARKNET / f"{name}.weights", text)
    received = darknet(DARKNET / f"{name}.cfg", weights=DARKNET / f"{name}.weights")(dog)
    assert_heads_near(received, forward(text, weights, dog), 1e-5)


@pytest.mark.parametrize("name, parameters", list(zip(PRETRAINED, (346_062, 923_486))))
def test_every_float_of_the_trained_networks_is_used(name, parameters):
    # 1,384,268 and 3,693,964 bytes, 20 of them header
    assert (DARKNET / f"{name}.weights").stat().st_size == 20 + 4 * parameters
    assert darknet(DARKNET / f"{name}.cfg", weights=DARKNET / f"{name}.weights").count_params() == parameters
