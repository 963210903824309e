"""Yolo-Fastest 1.1 XL of the public files, from picture to boxes, on Darknet's own photographs."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.convert import convert_darknet
from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.runtime.detection.detector import load_detector

DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "detection"
NAME = "yolo-fastest-1.1-xl"

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("CNN_SUITE_TEST_DATA") or not (DATA / "darknet" / f"{NAME}.weights").exists(),
        reason="CNN_SUITE_TEST_DATA names no folder with detection/darknet/yolo-fastest-1.1-xl.weights",
    ),
    pytest.mark.slow,
]

# What an importer written by somebody else found, stretched to 320 pixels a side, above 0.25, IoU 0.45.
DOG = {
    "dog": (0.96, [114, 188, 386, 536]),
    "bicycle": (0.89, [113, 127, 573, 497]),
    "car": (0.84, [450, 78, 685, 162]),
}
OTHERS = {
    "person": {"person": 0.99, "dog": 0.98, "cow": 0.97},
    "giraffe": {"giraffe": 0.99, "zebra": 0.94},
}


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    darknet = DATA / "darknet"
    folder = convert_darknet(
        darknet / f"{NAME}.cfg",
        darknet / f"{NAME}.weights",
        tmp_path_factory.mktemp("golden") / NAME,
        names=darknet / "coco.names",
        formats=("litert",),
    )
    return load_detector(folder)


def found_in(detector, name):
    """Confidence and box of the surest detection of every class."""
    picture = cv2.cvtColor(cv2.imread(str(DATA / "photos" / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    found = detector(picture)
    order = np.argsort(found.confidence)
    return {found.names[i]: (float(found.confidence[i]), found.xyxy_px[i]) for i in order}


def test_the_dog_the_bicycle_and_the_car_lie_where_they_should(detector):
    found = found_in(detector, "dog")
    for name, (confidence, box) in DOG.items():
        assert found[name][0] == pytest.approx(confidence, abs=0.02)
        assert iou(np.array([box], np.float32), found[name][1][None])[0, 0] >= 0.9


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_photographs_show_what_they_should(detector, name):
    found = found_in(detector, name)
    for label, confidence in OTHERS[name].items():
        assert found[label][0] == pytest.approx(confidence, abs=0.02)
