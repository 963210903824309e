"""The published figures of saved_models/, measured again on the real pictures in $CNN_SUITE_TEST_DATA."""

import os
from pathlib import Path

import cv2
import pytest

from cnn_suite.data.boxes.landmarks_csv import split_of_person
from cnn_suite.data.boxes.repair import repair
from cnn_suite.data.boxes.sources import read_detection_data
from cnn_suite.evaluate import evaluate_model
from cnn_suite.runtime.detection.detector import load_detector

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", ""))
BCCD, FACES = DATA / "detection" / "bccd" / "BCCD", DATA / "faces"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not BCCD.is_dir() or not FACES.is_dir(),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds detection/bccd/BCCD and faces",
)


@pytest.mark.slow
def test_bccd_yolo_reaches_its_figure_on_the_test_part(tmp_path):
    repair(read_detection_data(BCCD, "voc", ("RBC", "WBC", "Platelets")), tmp_path / "bccd")
    result = evaluate_model(ROOT / "saved_models" / "bccd_yolo", tmp_path / "bccd", split="test", quiet=True)
    assert result["pictures"] == 72
    assert result["objects"] == 805 + 71 + 69
    assert result["ap50"] >= 0.90


def test_face_yolo_agrees_with_opencvs_face_detector_on_people_it_has_never_seen(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import face_detectors

    pictures = {str(f): face_detectors.square(face_detectors.read(f), 320) for f in
                face_detectors.picture_files(FACES / "lfw10")}  # fmt: skip
    yunet = cv2.FaceDetectorYN.create(
        str(FACES / "weights" / "face_detection_yunet_2023mar.onnx"), "", (320, 320), 0.9, 0.3, 5000
    )
    result = face_detectors.agreement(load_detector(ROOT / "saved_models" / "face_yolo"), yunet, pictures, None)
    assert len(pictures) == 100
    assert result["recall"] >= 0.99
    assert result["false_boxes_a_picture"] <= 0.05


def test_people_of_training_and_validation_do_not_overlap():
    data = read_detection_data(FACES / "p1_landmarks", "landmarks_csv")
    people = {}
    for split in ("train", "val", "test"):
        names = {picture.path.stem.rsplit("_", 1)[0] for picture in data.pictures(split)}
        assert all(split_of_person(name) == split for name in names)
        people[split] = names
    assert not people["train"] & people["val"]
    assert not (people["train"] | people["val"]) & people["test"]
    assert sum(map(len, people.values())) > 250
