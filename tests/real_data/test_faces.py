"""Faces from photograph to distance, with the models of saved_models/ and with MobileFace V2, on LFW photographs that
none of ours has seen."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnn_suite.convert import convert_mobileface
from cnn_suite.data.picture_files import read_rgb
from cnn_suite.face_evaluation import evaluate_people, one_shot_people
from cnn_suite.face_gallery import enrol_pictures
from cnn_suite.face_pictures import PictureError
from cnn_suite.runtime.faces.face_detector import FaceDetector
from cnn_suite.runtime.faces.face_encoder import FaceEncoder, load_encoder
from cnn_suite.runtime.faces.face_pipeline import load_finder
from cnn_suite.runtime.faces.face_threshold import threshold_of
from cnn_suite.runtime.faces.gallery_opening import open_gallery
from cnn_suite.runtime.model_files.model_folders import find_model

FACES = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "faces"
YUNET = FACES / "weights" / "face_detection_yunet_2023mar.onnx"
MOBILEFACE = FACES / "weights" / "MobileFace_Identification_V2-0000.params"

pytestmark = [
    pytest.mark.skipif(
        "CNN_SUITE_TEST_DATA" not in os.environ or not (FACES / "lfw10").is_dir() or not MOBILEFACE.is_file(),
        reason="CNN_SUITE_TEST_DATA names no folder with faces/lfw10 and faces/weights",
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def finders():
    return {"yunet": FaceDetector(YUNET), "ours": load_finder("face_yolo")}


@pytest.fixture(scope="module")
def mobileface(tmp_path_factory):
    return load_encoder(convert_mobileface(MOBILEFACE, tmp_path_factory.mktemp("mf") / "mf", formats=("litert",)))


@pytest.mark.parametrize("finder, least", [("yunet", 0.97), ("ours", 0.95)])
def test_mobileface_tells_people_apart_at_one_stranger_in_a_thousand(finders, mobileface, finder, least):
    found = evaluate_people(FaceEncoder(finders[finder], mobileface), FACES / "lfw10", quiet=True)
    assert found["without_face"] == 0
    assert found["tar_at_far"]["0.001"]["value"] >= least
    assert found["accuracy"]["value"] >= 0.995


@pytest.mark.parametrize("finder", ["yunet", "ours"])
def test_our_own_encodings_reach_what_their_card_says(finders, finder):
    encoder = FaceEncoder(finders[finder], load_encoder(find_model("face_embedding")))
    found = evaluate_people(encoder, FACES / "lfw10", quiet=True)
    assert found["balanced_accuracy"] >= 0.92
    assert found["rank1"]["value"] >= 0.95


def test_a_photograph_without_its_colours_shows_the_same_person(finders):
    encoder = FaceEncoder(finders["ours"], load_encoder(find_model("face_embedding")))
    threshold = threshold_of(encoder.encoder.card).distance
    distances = []
    for path in sorted((FACES / "lfw10").glob("*/*_0001.jpg")):
        picture = read_rgb(path)
        grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        first, second = (found.encodings[found.faces.largest()] for found in map(encoder, (picture, grey)))
        distances.append(float(((first - second) ** 2).sum()))
    assert len(distances) == 10 and max(distances) < threshold
    assert np.median(distances) < 0.4  # 0.17 of all hundred photographs


def test_one_picture_each_of_seven_people_and_three_strangers(finders, mobileface):
    found = one_shot_people(FaceEncoder(finders["ours"], mobileface), FACES / "lfw10", enrolled=7, quiet=True)
    assert (found["people"], found["strangers"], found["enrolled_probes"], found["stranger_probes"]) == (7, 3, 63, 30)
    assert found["accepted"] == 0 and found["dir"] >= 0.9
    low, high = found["dir_interval_people"]
    assert low <= found["dir"] <= high


def test_two_politicians_are_not_enrolled_as_one(finders, tmp_path):
    encoder = FaceEncoder(finders["ours"], load_encoder(find_model("face_embedding")))
    blair, powell = (sorted((FACES / "lfw10" / name).iterdir()) for name in ("Tony_Blair", "Colin_Powell"))
    with open_gallery(tmp_path / "g", encoder.encoder, False, create=True) as gallery:
        with pytest.raises(PictureError, match="Colin_Powell_0001.jpg .* does not look like the other pictures of Ada"):
            enrol_pictures(encoder, gallery, "Ada", [blair[0], powell[0]])
        enrol_pictures(encoder, gallery, "Ada", [blair[0]])
        with pytest.raises(PictureError, match="Colin_Powell_0002.jpg .* does not look like the other pictures of Ada"):
            enrol_pictures(encoder, gallery, "Ada", [powell[1]])
