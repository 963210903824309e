"""The exported forms of a detector: what they answer, at any size, and in processes that have little."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from cnn_suite import graphs
from cnn_suite.config import load_config
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.export import export_model
from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import load_detector
from cnn_suite.runtime.model_files.litert import LiteRTModel
from cnn_suite.runtime.model_files.saved_model import SavedModel
from cnn_suite.tasks import detection
from cnn_suite.tasks.detection_parity import check, parity
from cnn_suite.trained import load_trained

pytestmark = pytest.mark.slow  # the network is trained first

SIZES = [(64, 96), (480, 640), (33, 201), (201, 33), (97, 31), (1, 1)]


@pytest.fixture(scope="module")
def saved_model(shapes_model):
    return tf.saved_model.load(str(shapes_model)).signatures


@pytest.fixture(scope="module")
def known_pictures(shapes_run):
    """The pictures that the network knows, and their truths."""
    pictures = detection.datasets(load_config(shapes_run / "config.yaml")).training
    return [load_pixels(picture) for picture in pictures], [picture.boxes_px for picture in pictures]


def noise(size_hw, batch=1):
    return np.random.default_rng(0).integers(0, 256, (batch, *size_hw, 3), np.uint8)


# What the forms answer


def test_the_network_finds_what_it_knows(shapes_model, known_pictures):
    detector = load_detector(shapes_model)
    found = [iou(truths, detector(picture).xyxy_px).max(axis=1, initial=0) for picture, truths in zip(*known_pictures)]
    assert np.mean(np.concatenate(found) > 0.5) > 0.9


def test_both_forms_answer_alike_at_any_size(shapes_model):
    saved_model, litert = SavedModel(shapes_model).run, LiteRTModel(shapes_model / "model.tflite").run
    settings = load_config(shapes_model / "config.yaml").export
    found = parity(saved_model, {"litert": litert}, [noise(size_hw)[0] for size_hw in SIZES], settings)
    check(found)
    assert found["litert"]["boxes"] > 0
    for signature in ("serving_default", "candidates"):
        expected, answer = saved_model(signature, noise((33, 57))), litert(signature, noise((33, 57)))
        assert {name: (value.dtype, value.shape) for name, value in answer.items()} == {
            name: (value.dtype, value.shape) for name, value in expected.items()
        }


@pytest.mark.parametrize("size_hw", SIZES)
def test_boxes_lie_inside_of_the_picture_in_its_pixels(saved_model, size_hw):
    answer = saved_model["serving_default"](images=noise(size_hw))
    boxes = answer["boxes"].numpy()[0, : int(answer["count"][0])]
    assert (boxes >= 0).all()
    assert (boxes <= np.tile(size_hw[::-1], 2)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_grow_with_the_picture(shapes_model, known_pictures):
    detector, picture = load_detector(shapes_model), known_pictures[0][0]
    large = picture.repeat(5, axis=0).repeat(5, axis=1)
    small_boxes, large_boxes = detector(picture, confidence=0.5).xyxy_px, detector(large, confidence=0.5).xyxy_px
    assert len(small_boxes) > 0
    np.testing.assert_allclose(large_boxes, 5 * small_boxes, atol=5)


def test_a_saved_model_takes_batches_and_answers_for_each_picture_as_for_one(saved_model, known_pictures):
    pictures = np.stack(known_pictures[0][:3])
    together = saved_model["serving_default"](images=pictures)
    assert together["boxes"].shape == (3, 100, 4)
    for index in range(3):
        alone = saved_model["serving_default"](images=pictures[index : index + 1])
        assert int(alone["count"][0]) == int(together["count"][index]) > 0
        for name in alone:
            np.testing.assert_allclose(together[name][index], alone[name][0], atol=1e-3)


def test_litert_files_hold_built_in_operators_only(shapes_model):
    for name in ("model.tflite", "model.int8.tflite"):
        model = schema.ModelT.InitFromPackedBuf((shapes_model / name).read_bytes(), 0)
        assert all(code.customCode is None for code in model.operatorCodes), name
        assert len(model.subgraphs) == len(model.signatureDefs) == 2, name


def test_the_signatures_of_a_litert_file_share_their_weights(shapes_model):
    card = ModelCard.read(shapes_model)
    for name in ("model.tflite", "model.int8.tflite"):
        model = schema.ModelT.InitFromPackedBuf((shapes_model / name).read_bytes(), 0)
        large = [bytes(buffer.data) for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 256]
        assert len(large) == len(set(large)), name
    assert card.sizes["model.tflite"] < 1.6 * 4 * card.model["parameters"] + 100_000


def test_litert_returns_no_box_twice_and_none_of_the_margin(shapes_run, tmp_path):
    # A network that is sure of everything: nearly all boxes in the margins of a narrow picture are clipped to nothing,
    # and the suppression of LiteRT would give one of them again and again.
    trained = load_trained(shapes_run)
    for head in detection.yolo_heads(trained.model):
        kernel, bias = head.get_weights()
        head.set_weights([kernel * 0.1, bias + 6 * (np.arange(len(bias)) % 8 >= 4)])
    serving = detection.serving_model(trained.model, trained.config)
    path = tmp_path / "model.tflite"
    path.write_bytes(graphs.litert_bytes({"serving_default": serving.one_picture}))
    litert = LiteRTModel(path)
    for size_hw in ((20, 400), (400, 20), (64, 96)):
        answer = litert.run("serving_default", noise(size_hw))
        boxes, classes = (answer[name][0, : answer["count"][0]] for name in ("boxes", "classes"))
        assert len(boxes) > 0
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        overlaps = np.triu(iou(boxes, boxes), 1) * (classes[:, None] == classes)
        assert overlaps.max() <= trained.config.export.iou + 1e-3


# Processes that have less

REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ImportError(f"{{name}} is not for this process")
sys.meta_path.insert(0, Refuse())
"""


def run_isolated(code, refused, tmp_path, *arguments):
    result = subprocess.run(
        [sys.executable, "-I", "-c", REFUSE.format(names=set(refused)) + code, *map(str, arguments)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1]), result.stderr


def test_the_saved_model_needs_tensorflow_only(shapes_model, known_pictures, tmp_path):
    code = """
import json, numpy, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
answer = loaded.signatures["serving_default"](images=tf.constant(numpy.load(sys.argv[2])))
print(json.dumps({name: value.numpy().tolist() for name, value in answer.items()}))
"""
    pictures = np.stack(known_pictures[0][:2])
    np.save(tmp_path / "pictures.npy", pictures)
    refused = ("cnn_suite", "cv2", "ai_edge_litert", "pydantic", "scipy")
    answer, messages = run_isolated(code, refused, tmp_path, shapes_model, tmp_path / "pictures.npy")
    assert "gradient" not in messages
    detector = load_detector(shapes_model)
    for index, picture in enumerate(pictures):
        expected = detector(picture, confidence=0.001)
        assert answer["count"][index] == len(expected) > 0
        found = np.array(answer["boxes"][index])[: len(expected)]
        np.testing.assert_allclose(found, expected.xyxy_px, atol=0.01)


@pytest.mark.parametrize("name", ["model.tflite", "model.int8.tflite"])
def test_the_litert_file_needs_ai_edge_litert_and_numpy_only(shapes_model, known_pictures, tmp_path, name):
    code = """
import json, numpy
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(model_path=sys.argv[1]).get_signature_runner("serving_default")
answer = runner(images=numpy.load(sys.argv[2]))
print(json.dumps({name: value.tolist() for name, value in answer.items()}))
"""
    np.save(tmp_path / "picture.npy", known_pictures[0][0][None])
    refused = ("cnn_suite", "tensorflow", "keras", "cv2")
    answer, _ = run_isolated(code, refused, tmp_path, shapes_model / name, tmp_path / "picture.npy")
    expected = LiteRTModel(shapes_model / name).run("serving_default", known_pictures[0][0][None])
    assert answer["count"] == expected["count"].tolist()
    np.testing.assert_allclose(answer["boxes"], expected["boxes"], atol=1e-3)


# 8 bits


def test_the_8_bit_form_stays_close(shapes_model, known_pictures):
    card = ModelCard.read(shapes_model)
    assert card.sizes["model.int8.tflite"] < 0.8 * card.sizes["model.tflite"]
    found = card.parity["litert_int8"]
    assert found["confidence"] == 0.25
    assert found["boxes"] >= 10  # enough to compare; how many the small network is sure of varies with the machine
    assert found["missing"] + found["extra"] < 0.2 * found["boxes"]
    assert 0 < found["mean_box_px"] < 2
    assert 0 < found["mean_score"] < 0.1
    eight = LiteRTModel(shapes_model / "model.int8.tflite")
    recalled = []
    for picture, truths in zip(*known_pictures, strict=True):
        answer = eight.run("serving_default", picture[None])
        sure = answer["scores"][0] >= 0.25
        recalled.append(iou(truths, answer["boxes"][0][sure]).max(axis=1, initial=0) > 0.5)
    assert np.mean(np.concatenate(recalled)) > 0.85


# ONNX


@pytest.mark.skipif(
    find_spec("tf2onnx") is None or find_spec("onnxruntime") is None, reason="tf2onnx and onnxruntime: the onnx extra"
)
def test_onnx_answers_alike_at_any_size_with_the_suppression_inside(shapes_model, tmp_path):
    import onnxruntime

    copied = Path(shutil.copytree(shapes_model, tmp_path / "shapes"))
    export_model(copied, copied, formats=["onnx"])
    differences = ModelCard.read(copied).parity
    assert differences["onnx"]["box_px"] < 0.01
    assert differences["onnx"]["score"] < 1e-4
    assert differences["onnx"]["wrong"] == differences["onnx"]["candidates"] == 0
    assert differences["onnx"]["boxes"] == differences["litert"]["boxes"] >= 10
    session = onnxruntime.InferenceSession(str(copied / "model.onnx"))
    assert [(put.name, put.type) for put in session.get_inputs()] == [("images", "tensor(uint8)")]
    names = [put.name for put in session.get_outputs()]

    def onnx(signature, images):
        found = session.run(names, {"images": images}) if signature == "serving_default" else ()
        return dict(zip(names, found))

    settings = load_config(copied / "config.yaml").export
    check(parity(SavedModel(copied).run, {"onnx": onnx}, [noise(size_hw)[0] for size_hw in SIZES], settings))
    kinds = {name: (value.dtype.name, value.shape) for name, value in onnx("serving_default", noise((33, 57))).items()}
    assert kinds == {
        "boxes": ("float32", (1, 100, 4)),
        "scores": ("float32", (1, 100)),
        "classes": ("int32", (1, 100)),
        "count": ("int32", (1,)),
    }
