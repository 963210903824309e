"""`export_model` on a small network that learned twelve pictures by heart: the folder, its card, its forms."""

import hashlib
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

from cnn_suite import export, graphs
from cnn_suite.config import ConfigError, Data, Loss, Model, RunConfig, Shapes, Training, load_config, save_config
from cnn_suite.data.picture_files import load_pixels
from cnn_suite.export import export_model
from cnn_suite.ops.numpy_boxes import iou
from cnn_suite.parity import ParityError
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detector import load_detector
from cnn_suite.runtime.litert import LiteRTModel
from cnn_suite.tasks import detection
from cnn_suite.trained import load_trained, weights_digest

SIZES = [(64, 96), (480, 640), (33, 201), (201, 33), (97, 31), (1, 1)]
NEEDS_ONNX = pytest.mark.skipif(
    find_spec("tf2onnx") is None or find_spec("onnxruntime") is None, reason="tf2onnx and onnxruntime: the onnx extra"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run whose network knows its pictures."""
    config = RunConfig(
        name="shapes",
        data=Data(format="shapes", shapes=Shapes(train=12, val=0, test=0, size_hw=(64, 96)), validation=()),
        model=Model(image_size_hw=(64, 96), anchors_per_head=1, width=0.25, depth=0.25, scale_xy=2.0),
        loss=Loss(box_loss="ciou", box_weight=2.0, match_iou=0.5, neighbour_cells=True, ignore_iou=0.6),
        training=Training(epochs=150, learning_rate=0.01, warmup_epochs=5),
    )
    data = detection.datasets(config)
    config = detection.resolved(config, data)
    model = detection.compiled_model(config, data)
    whole = config.model_copy(update={"data": config.data.model_copy(update={"batch_size": 12})})
    pictures = detection.Datasets(data.labels, (), data.training)
    model.fit(detection.validation_dataset(whole, pictures, model), epochs=config.training.epochs, verbose=0)
    folder = tmp_path_factory.mktemp("runs") / "shapes"
    folder.mkdir()
    model.save(folder / "model.keras")
    save_config(config, folder / "config.yaml")
    (folder / "history.csv").write_text("epoch,loss\n1,2.5\n")
    return folder


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    return export_model(run, tmp_path_factory.mktemp("models") / "shapes", int8=True)


@pytest.fixture(scope="module")
def saved_model(exported):
    return tf.saved_model.load(str(exported)).signatures


@pytest.fixture(scope="module")
def known_pictures(run):
    """The pictures that the network knows, and their truths."""
    pictures = detection.datasets(load_config(run / "config.yaml")).training
    return [load_pixels(picture) for picture in pictures], [picture.boxes_px for picture in pictures]


@pytest.fixture
def copied(exported, tmp_path) -> Path:
    """A model folder to change."""
    return Path(shutil.copytree(exported, tmp_path / "shapes"))


@pytest.fixture
def conversions(exported, monkeypatch):
    """Replaces the conversion to LiteRT by a copy of the file it gave before, and lists the calls."""
    calls = []

    def litert_bytes(signatures):
        calls.append(sorted(signatures))
        return (exported / "model.tflite").read_bytes()

    monkeypatch.setattr(graphs, "litert_bytes", litert_bytes)
    return calls


def noise(size_hw, batch=1):
    return np.random.default_rng(0).integers(0, 256, (batch, *size_hw, 3), np.uint8)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# The folder and its card


def test_the_folder_is_whole(exported):
    assert files(exported) == [
        "card.json",
        "config.yaml",
        "fingerprint.pb",
        "history.csv",
        "model.int8.tflite",
        "model.keras",
        "model.tflite",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]


def test_configuration_history_and_network_are_those_of_the_run(exported, run):
    assert load_config(exported / "config.yaml") == load_config(run / "config.yaml")
    assert (exported / "history.csv").read_text() == "epoch,loss\n1,2.5\n"
    assert weights_digest(load_trained(exported).model) == weights_digest(load_trained(run).model)


def test_the_card_says_what_a_program_must_know(exported, run):
    card, model = ModelCard.read(exported), load_trained(run).model
    assert (card.name, card.task, card.labels) == ("shapes", "detection", ("circle", "rectangle", "triangle"))
    assert card.input["network_size_hw"] == [64, 96]
    assert card.input["signature"] == "serving_default"
    assert card.thresholds == {"confidence": 0.25, "iou": 0.45, "max_detections": 100, "score_floor": 0.001}
    assert card.model["parameters"] == model.count_params()
    assert card.model["weights_sha256"] == weights_digest(model)
    assert [head["stride"] for head in card.model["heads"]] == [8, 16]
    assert [len(head["anchors_px"]) for head in card.model["heads"]] == [1, 1]
    assert set(card.versions) == {"tensorflow", "keras", "ai-edge-litert", "numpy"}
    assert card.metrics == {}


def test_the_card_has_size_and_digest_of_every_file(exported):
    card = ModelCard.read(exported)
    names = [name for name in files(exported) if name != "card.json"]
    assert card.sha256 == {name: digest(exported / name) for name in names}
    assert card.sizes == {name: (exported / name).stat().st_size for name in names}


def test_the_card_has_the_differences_between_the_forms(exported):
    parity = ModelCard.read(exported).parity
    assert parity["pictures"] == 16
    for form in ("saved_model", "litert"):
        assert parity[form]["box_px"] < 0.01
        assert parity[form]["score"] < 1e-4
        assert parity[form]["wrong"] == 0
        assert parity[form]["boxes"] > 20
        assert parity[form]["candidates"] == 16 * (8 * 12 + 4 * 6)


# What the forms answer


def test_the_network_finds_what_it_knows(exported, known_pictures):
    detector = load_detector(exported)
    found = [iou(truths, detector(picture).xyxy_px).max(axis=1, initial=0) for picture, truths in zip(*known_pictures)]
    assert np.mean(np.concatenate(found) > 0.5) > 0.9


@pytest.mark.parametrize("size_hw", SIZES)
def test_both_forms_answer_alike_at_any_size(exported, saved_model, size_hw):
    images, litert = noise(size_hw), LiteRTModel(exported / "model.tflite")
    for signature in ("serving_default", "candidates"):
        expected, found = saved_model[signature](images=tf.constant(images)), litert.run(signature, images)
        assert set(found) == set(expected)
        for name in expected:
            assert found[name].dtype == expected[name].numpy().dtype
            np.testing.assert_allclose(found[name], expected[name], atol=2e-3, err_msg=f"{signature} {name}")


@pytest.mark.parametrize("size_hw", SIZES)
def test_boxes_lie_inside_of_the_picture_in_its_pixels(saved_model, size_hw):
    answer = saved_model["serving_default"](images=noise(size_hw))
    boxes = answer["boxes"].numpy()[0, : int(answer["count"][0])]
    assert (boxes >= 0).all()
    assert (boxes <= np.tile(size_hw[::-1], 2)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_grow_with_the_picture(exported, known_pictures):
    detector, picture = load_detector(exported), known_pictures[0][0]
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


def test_litert_files_hold_built_in_operators_only(exported):
    for name in ("model.tflite", "model.int8.tflite"):
        model = schema.ModelT.InitFromPackedBuf((exported / name).read_bytes(), 0)
        assert all(code.customCode is None for code in model.operatorCodes), name
        assert len(model.subgraphs) == len(model.signatureDefs) == 2, name


def test_the_signatures_of_a_litert_file_share_their_weights(exported):
    card = ModelCard.read(exported)
    for name in ("model.tflite", "model.int8.tflite"):
        model = schema.ModelT.InitFromPackedBuf((exported / name).read_bytes(), 0)
        large = [bytes(buffer.data) for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 256]
        assert len(large) == len(set(large)), name
    assert card.sizes["model.tflite"] < 1.6 * 4 * card.model["parameters"] + 100_000


def test_litert_returns_no_box_twice_and_none_of_the_margin(run, tmp_path):
    # A network that is sure of everything: nearly all boxes in the margins of a narrow picture are clipped to nothing,
    # and the suppression of LiteRT would give one of them again and again.
    trained = load_trained(run)
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


@pytest.mark.slow
def test_the_saved_model_needs_tensorflow_only(exported, known_pictures, tmp_path):
    code = """
import json, numpy, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
answer = loaded.signatures["serving_default"](images=tf.constant(numpy.load(sys.argv[2])))
print(json.dumps({name: value.numpy().tolist() for name, value in answer.items()}))
"""
    pictures = np.stack(known_pictures[0][:2])
    np.save(tmp_path / "pictures.npy", pictures)
    refused = ("cnn_suite", "cv2", "ai_edge_litert", "pydantic", "scipy")
    answer, messages = run_isolated(code, refused, tmp_path, exported, tmp_path / "pictures.npy")
    assert "gradient" not in messages
    detector = load_detector(exported)
    for index, picture in enumerate(pictures):
        expected = detector(picture, confidence=0.001)
        assert answer["count"][index] == len(expected) > 0
        found = np.array(answer["boxes"][index])[: len(expected)]
        np.testing.assert_allclose(found, expected.xyxy_px, atol=0.01)


@pytest.mark.parametrize("name", ["model.tflite", "model.int8.tflite"])
def test_the_litert_file_needs_ai_edge_litert_and_numpy_only(exported, known_pictures, tmp_path, name):
    code = """
import json, numpy
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(model_path=sys.argv[1]).get_signature_runner("serving_default")
answer = runner(images=numpy.load(sys.argv[2]))
print(json.dumps({name: value.tolist() for name, value in answer.items()}))
"""
    np.save(tmp_path / "picture.npy", known_pictures[0][0][None])
    refused = ("cnn_suite", "tensorflow", "keras", "cv2")
    answer, _ = run_isolated(code, refused, tmp_path, exported / name, tmp_path / "picture.npy")
    expected = LiteRTModel(exported / name).run("serving_default", known_pictures[0][0][None])
    assert answer["count"] == expected["count"].tolist()
    np.testing.assert_allclose(answer["boxes"], expected["boxes"], atol=1e-3)


# 8 bits


def test_the_8_bit_form_stays_close(exported, known_pictures):
    card = ModelCard.read(exported)
    assert card.sizes["model.int8.tflite"] < 0.8 * card.sizes["model.tflite"]
    found = card.parity["litert_int8"]
    assert found["confidence"] == 0.25
    assert found["boxes"] > 20
    assert found["missing"] + found["extra"] < 0.2 * found["boxes"]
    assert 0 < found["mean_box_px"] < 2
    assert 0 < found["mean_score"] < 0.1
    eight = LiteRTModel(exported / "model.int8.tflite")
    recalled = []
    for picture, truths in zip(*known_pictures, strict=True):
        answer = eight.run("serving_default", picture[None])
        sure = answer["scores"][0] >= 0.25
        recalled.append(iou(truths, answer["boxes"][0][sure]).max(axis=1, initial=0) > 0.5)
    assert np.mean(np.concatenate(recalled)) > 0.85


def test_8_bits_without_the_training_pictures_are_refused_before_anything_is_written(run, tmp_path):
    source = Path(shutil.copytree(run, tmp_path / "run"))
    config = load_config(run / "config.yaml")
    moved = config.data.model_copy(update={"format": "voc", "path": "moved/away"})
    save_config(config.model_copy(update={"data": moved}), source / "config.yaml")
    with pytest.raises(ConfigError) as error:
        export_model(source, tmp_path / "model", int8=True)
    assert "quantised by training pictures, and 'moved/away' does not exist" in str(error.value)
    assert f"or set data.path in {source / 'config.yaml'}" in str(error.value)
    assert not (tmp_path / "model").exists()


def test_without_its_data_a_network_is_compared_on_noise(run, tmp_path, conversions):
    source = Path(shutil.copytree(run, tmp_path / "run"))
    config = load_config(run / "config.yaml")
    moved = config.data.model_copy(update={"format": "voc", "path": "moved/away"})
    save_config(config.model_copy(update={"data": moved}), source / "config.yaml")
    parity = ModelCard.read(export_model(source, tmp_path / "model", formats=["litert"])).parity
    assert parity["pictures"] == 4
    assert parity["litert"]["candidates"] == 4 * (8 * 12 + 4 * 6)


# ONNX


@NEEDS_ONNX
@pytest.mark.slow
def test_onnx_answers_alike_at_any_size_with_the_suppression_inside(copied, saved_model):
    import onnxruntime

    export_model(copied, copied, formats=["onnx"])
    parity = ModelCard.read(copied).parity
    assert parity["onnx"]["box_px"] < 0.01
    assert parity["onnx"]["score"] < 1e-4
    assert parity["onnx"]["wrong"] == parity["onnx"]["candidates"] == 0
    assert parity["onnx"]["boxes"] == parity["litert"]["boxes"] > 20
    session = onnxruntime.InferenceSession(str(copied / "model.onnx"))
    assert [(put.name, put.type) for put in session.get_inputs()] == [("images", "tensor(uint8)")]
    names = [put.name for put in session.get_outputs()]
    for size_hw in SIZES:
        found = dict(zip(names, session.run(names, {"images": noise(size_hw)}), strict=True))
        for name, expected in saved_model["serving_default"](images=noise(size_hw)).items():
            assert found[name].dtype == expected.numpy().dtype
            np.testing.assert_allclose(found[name], expected, atol=2e-3, err_msg=f"{size_hw} {name}")


def test_onnx_without_its_libraries_is_refused_before_anything_is_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="needs tf2onnx and onnxruntime: `pip install 'cnn_suite\\[onnx\\]'`"):
        export_model(run, tmp_path / "model", formats=["litert", "onnx"])
    assert not (tmp_path / "model").exists()


# What does not answer like the network


@pytest.mark.parametrize("shift_px", [0.0, 1.0])
def test_a_damaged_form_is_refused_and_left_for_a_look(run, tmp_path, conversions, monkeypatch, shift_px):
    original = LiteRTModel.run

    def shifted(self, signature, images):
        answer = original(self, signature, images)
        return answer | {"boxes": answer["boxes"] + np.float32(shift_px)}

    monkeypatch.setattr(LiteRTModel, "run", shifted)
    if shift_px == 0:
        export_model(run, tmp_path / "model", formats=["litert"])
        return
    with pytest.raises(ParityError, match=r"The litert file differs from the network: boxes by 1\.\d+ px"):
        export_model(run, tmp_path / "model", formats=["litert"])
    assert {"model.tflite", "card.json", "model.keras"} <= set(files(tmp_path / "model"))
    assert ModelCard.read(tmp_path / "model").parity["litert"]["box_px"] >= 1


# Exporting again


def test_an_export_in_place_keeps_the_network_its_metrics_and_the_other_forms(copied, conversions):
    card = ModelCard.read(copied)
    measured = ModelCard(**{**vars(card), "metrics": {"ap50": 0.93}, "extra": {"note": "from the lab"}})
    measured.write(copied)
    before = {name: digest(copied / name) for name in files(copied) if name != "card.json"}
    assert export_model(copied, copied, formats=["litert"]) == copied
    assert {name: digest(copied / name) for name in files(copied) if name != "card.json"} == before
    again = ModelCard.read(copied)
    assert again.metrics == {"ap50": 0.93}
    assert again.extra == {"note": "from the lab"}
    assert again.sha256 == card.sha256
    assert again.parity["saved_model"] == card.parity["saved_model"]
    assert again.parity["litert_int8"] == card.parity["litert_int8"]
    assert conversions == [["candidates", "serving_default"]]


def test_metrics_stay_when_the_run_they_came_from_is_exported_again(copied, run, conversions):
    # The .keras file is written anew, with another time in it, for the same weights.
    ModelCard(**{**vars(ModelCard.read(copied)), "metrics": {"ap50": 0.93}}).write(copied)
    export_model(run / "model.keras", copied, formats=["litert"])
    assert ModelCard.read(copied).metrics == {"ap50": 0.93}


def test_metrics_stay_with_a_card_that_knows_the_file_only(copied, conversions):
    card = ModelCard.read(copied)
    model = {key: value for key, value in card.model.items() if key != "weights_sha256"}
    ModelCard(**{**vars(card), "model": model, "metrics": {"ap50": 0.93}}).write(copied)
    export_model(copied, copied, formats=["litert"])
    assert ModelCard.read(copied).metrics == {"ap50": 0.93}


@pytest.mark.parametrize("changed", ["weights", "thresholds"])
def test_another_network_keeps_neither_metrics_nor_forms_of_the_earlier(copied, run, tmp_path, monkeypatch, changed):
    ModelCard(**{**vars(ModelCard.read(copied)), "metrics": {"ap50": 0.93}}).write(copied)
    source = Path(shutil.copytree(run, tmp_path / "run"))
    if changed == "weights":
        trained = load_trained(source)
        trained.model.set_weights([weight + 0.001 for weight in trained.model.get_weights()])
        trained.model.save(source / "model.keras")
    else:
        config = load_config(source / "config.yaml")
        stricter = config.export.model_copy(update={"iou": 0.3})
        save_config(config.model_copy(update={"export": stricter}), source / "config.yaml")
    monkeypatch.setattr(export.parity, "check", lambda differences: None)
    export_model(source, copied, formats=["saved_model"])
    card = ModelCard.read(copied)
    assert card.metrics == {}
    assert set(card.parity) == {"pictures", "saved_model"}
    assert not (copied / "model.tflite").exists()
    assert not (copied / "model.int8.tflite").exists()
    assert "saved_model.pb" in card.sha256


def test_by_default_the_folder_is_that_of_the_name_and_the_formats_those_of_the_configuration(
    run, tmp_path, monkeypatch, conversions
):
    monkeypatch.chdir(tmp_path)
    source = Path(shutil.copytree(run, tmp_path / "runs" / "shapes"))
    config = load_config(source / "config.yaml")
    only = config.export.model_copy(update={"formats": ("litert",)})
    save_config(config.model_copy(update={"export": only}), source / "config.yaml")
    assert export_model("runs/shapes") == Path("saved_models/shapes")
    assert files(tmp_path / "saved_models" / "shapes") == [
        "card.json", "config.yaml", "history.csv", "model.keras", "model.tflite",
    ]  # fmt: skip


# Wrong usage


def test_a_folder_that_is_no_trained_network_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no trained network: expected model.keras and config.yaml"):
        export_model(tmp_path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("formats", ["litert", ["savedmodel"], ["litert", "tflite"]])
def test_unknown_formats_are_refused(run, tmp_path, formats):
    with pytest.raises(ValueError, match="`formats` must be a list out of saved_model, litert, onnx. Received "):
        export_model(run, tmp_path / "model", formats=formats)
    assert not (tmp_path / "model").exists()
