"""The model folders of this repository: whole, what their cards say, and good enough for the demo."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.config import load_config
from cnn_suite.results import ModelCard
from cnn_suite.runtime.detection.detector import load_detector

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "saved_models").glob("*/card.json"))
LARGEST_FILE = 5 * 2**20


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_model_folder_is_whole_and_its_files_are_the_ones_of_the_card(folder):
    card = ModelCard.read(folder)
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"card.json"}
    assert present == set(card.sha256)
    assert {"saved_model.pb", "model.tflite", "model.keras", "config.yaml", "history.csv"} <= present
    for name, digest in card.sha256.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
        assert (folder / name).stat().st_size <= LARGEST_FILE, name
    assert card.metrics, "a published model has measured figures"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_recipe_of_a_model_stands_in_configs(folder):
    trained, recipe = load_config(folder / "config.yaml"), load_config(ROOT / "configs" / f"{folder.name}.yaml")
    assert trained.training == recipe.training
    assert trained.task == recipe.task
    if trained.task == "style":
        assert trained.perception == recipe.perception
        assert not trained.perception.weights  # the file that `cnn-suite pull` fetches, wherever that lies
        assert trained.data == recipe.data.model_copy(update={"labels": trained.data.labels})
    else:
        assert trained.data.augmentation == recipe.data.augmentation
    if trained.task == "detection":
        assert trained.loss == recipe.loss
    else:
        assert trained.model == recipe.model


def test_the_face_model_finds_the_astronaut():
    data = pytest.importorskip("skimage.data", reason="scikit-image comes with the demo extra")
    found = load_detector(ROOT / "saved_models" / "face_yolo")(data.astronaut())
    assert found.names == ["face"]
    # measured by eye: cheek to cheek, the forehead under the fringe to the chin, of 512 x 512 pixels
    np.testing.assert_allclose(found.xyxy_px[0], [180, 58, 270, 180], atol=15)


def test_the_lines_of_the_readme_find_one_face_where_there_is_one(monkeypatch):
    data = pytest.importorskip("skimage.data", reason="scikit-image comes with the demo extra")
    code = next(part for part in (ROOT / "README.md").read_text().split("```python\n") if "Interpreter(" in part)
    monkeypatch.chdir(ROOT)
    names = {"image_rgb": data.astronaut()}
    exec(code.partition("```")[0], names)
    assert names["boxes_px"].shape == (1, 4) and names["found"]["count"][0] > 1
    assert f">= {ModelCard.read(ROOT / 'saved_models' / 'face_yolo').thresholds['confidence']} " in code
