"""MobileFace V2 (becauseofAI/MobileFace, MIT) and YuNet (OpenCV's model zoo) on 100 pictures of LFW."""

import ast
import json
import os
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from cnn_suite.metrics.verification import all_pairs, best_accuracy, tar_at_far
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.runtime.faces.face_alignment import align_face
from cnn_suite.runtime.faces.face_detector import FaceDetector
from cnn_suite.runtime.media.pictures import read_picture
from cnn_suite.weights.mxnet_params import read_mxnet_params

FOLDER = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "faces"
WEIGHTS = FOLDER / "weights" / "MobileFace_Identification_V2-0000.params"
SYMBOL = FOLDER / "weights" / "MobileFace_Identification_V2-symbol.json"
YUNET = FOLDER / "weights" / "face_detection_yunet_2023mar.onnx"
PICTURES = sorted((FOLDER / "lfw10").glob("*/*.jpg"))

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ
    or not all(path.is_file() for path in (WEIGHTS, SYMBOL, YUNET, *PICTURES[:1])),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds faces/weights and faces/lfw10",
)


@pytest.fixture(scope="module")
def model():
    return mobileface_v2(weights=WEIGHTS)


@pytest.fixture(scope="module")
def found():
    """Every picture with its faces."""
    detector = FaceDetector(YUNET)
    return [(picture, detector(picture)) for picture in map(read_picture, PICTURES)]


@pytest.fixture(scope="module")
def aligned(found):
    """The face of each picture; of several the largest, as the others stand behind."""
    return np.stack([align_face(picture, faces.points_px[faces.largest()]) for picture, faces in found])


@pytest.fixture(scope="module")
def encodings(model, aligned):
    return model.predict(aligned.astype(np.float32), verbose=0)


class Symbol:
    """The authors' graph as MXNet runs it, one operation after the other in NumPy, for one picture."""

    def __init__(self, path, arrays):
        self.nodes = json.loads(path.read_text())["nodes"]
        self.arrays = {name.split(":")[1]: values.astype(np.float64) for name, values in arrays.items()}

    def __call__(self, rgb):
        """The output of every node by name."""
        outputs = {"data": rgb.transpose(2, 0, 1).astype(np.float64)} | self.arrays
        for node in self.nodes:
            if node["op"] != "null":
                inputs = [outputs[self.nodes[number]["name"]] for number, *_ in node["inputs"]]
                texts = {name: text for name, text in node.get("attrs", {}).items() if not name.startswith("__")}
                options = {name: ast.literal_eval(text) for name, text in texts.items()}
                outputs[node["name"]] = getattr(self, node["op"].lower())(*inputs, **options)
        return outputs

    _minus_scalar = staticmethod(lambda x, scalar: x - scalar)
    _mul_scalar = staticmethod(lambda x, scalar: x * scalar)
    _maximum_scalar = staticmethod(lambda x, scalar: np.maximum(x, scalar))
    _minimum_scalar = staticmethod(lambda x, scalar: np.minimum(x, scalar))
    elemwise_add = staticmethod(lambda x, y: x + y)
    flatten = staticmethod(np.ravel)
    fullyconnected = staticmethod(lambda x, kernel, num_hidden, no_bias: kernel @ x)

    @staticmethod
    def batchnorm(x, gamma, beta, mean, variance, fix_gamma, use_global_stats):
        assert not fix_gamma
        return ((x.T - mean) / np.sqrt(variance + 1e-3) * gamma + beta).T  # 1e-3 is MXNet's default

    @staticmethod
    def convolution(x, weight, bias=None, *, kernel, num_filter, pad, stride, num_group=1, no_bias=False):
        padded = np.pad(x, ((0, 0), (pad[0],) * 2, (pad[1],) * 2))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, (1, 2))[:, :: stride[0], :: stride[1]]
        groups = [part.reshape(num_group, -1, *part.shape[1:]) for part in (windows, weight)]
        found = np.einsum("gchwij,gocij->gohw", groups[0], groups[1].reshape(num_group, -1, *weight.shape[1:]))
        found = found.reshape(num_filter, *found.shape[2:])
        return found if no_bias else found + bias[:, None, None]


def test_every_block_of_a_real_face_is_what_the_authors_graph_gives(model, aligned):
    theirs = Symbol(SYMBOL, read_mxnet_params(WEIGHTS))(aligned[0])
    names = {"stem_relu": "_minimumscalar0", "stage1_block1_expand_relu": "_minimumscalar1"}
    for stage, (first, number) in enumerate(
        [("batchnorm2", 0), ("batchnorm11", 2), ("batchnorm20", 4), ("batchnorm29", 6)], 1
    ):
        names[f"stage{stage}_block1_project_norm"] = first
        names |= {f"stage{stage}_block2_add": f"_plus{number}", f"stage{stage}_block3_add": f"_plus{number + 1}"}
    names["embedding_norm"] = "fc5_bn"
    ours = keras.Model(model.input, {name: model.get_layer(name).output for name in names})(aligned[:1])
    for name, node in names.items():
        expected = theirs[node].T.swapaxes(0, 1) if theirs[node].ndim == 3 else theirs[node]
        np.testing.assert_allclose(ours[name][0], expected, rtol=0, atol=2e-5 * np.abs(expected).max(), err_msg=name)
    embedding = theirs["fc5_bn"] / np.linalg.norm(theirs["fc5_bn"])
    np.testing.assert_allclose(model(aligned[:1])[0], embedding, rtol=0, atol=1e-5)


def test_a_face_is_found_in_every_picture_with_its_points_in_order(found):
    for picture, faces in found:
        assert len(faces) >= 1
        number = faces.largest()
        right_eye, left_eye, nose, right_mouth, left_mouth = faces.points_px[number]
        assert right_eye[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        x0, y0, x1, y1 = faces.xyxy_px[number]
        assert x0 < picture.shape[1] / 2 < x1 and y0 < picture.shape[0] / 2 < y1  # where LFW has its person
        assert len(faces.detections) == len(faces)


def test_boxes_and_points_follow_a_picture_that_is_made_larger_and_wider(found):
    picture, faces = found[0]
    larger = FaceDetector(YUNET)(cv2.resize(picture, None, fx=3, fy=2))
    scale = np.array([3, 2])
    side = np.ptp(faces.xyxy_px[0, ::2])
    assert np.abs(larger.points_px[0] / scale - faces.points_px[0]).max() < 0.1 * side
    assert np.abs(larger.xyxy_px[0] / [*scale, *scale] - faces.xyxy_px[0]).max() < 0.2 * side


def test_all_pairs_of_ten_people_are_told_apart(encodings):
    distances, same = all_pairs(encodings, [path.parent.name for path in PICTURES])
    assert (len(distances), int(same.sum())) == (4950, 450)
    assert best_accuracy(distances, same).accuracy >= 0.995
    assert tar_at_far(distances, same, 1e-2).tar >= 0.98
    assert tar_at_far(distances, same, 1e-3).tar >= 0.97


def test_everybodys_nearest_face_is_their_own(encodings):
    people = np.array([path.parent.name for path in PICTURES])
    cosines = encodings @ encodings.T - 2 * np.eye(len(encodings))
    assert (people[cosines.argmax(axis=1)] == people).all()


def test_faces_that_were_normalised_before_tell_nothing(model, aligned):
    # Scaling lies inside of the network: doing it twice is the commonest mistake with this model.
    twice = model.predict((aligned - 127.5) / 128, verbose=0)
    distances, same = all_pairs(twice, [path.parent.name for path in PICTURES])
    assert best_accuracy(distances, same).accuracy < 0.93
