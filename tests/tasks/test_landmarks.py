"""The landmarks task: its data, a short training through the verbs, its serving graph and its figures."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_landmarks import Data, LandmarksConfig
from cnn_suite.data.faces.face_crops import FaceCrops
from cnn_suite.data.faces.landmarked_faces import five_points, read_landmarked_faces
from cnn_suite.evaluate import evaluate_model
from cnn_suite.export import export_model
from cnn_suite.metrics.landmarks import landmark_figures
from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_alignment import FIVE
from cnn_suite.runtime.faces.face_points import load_face_points
from cnn_suite.tasks import landmarks
from cnn_suite.tasks.landmarks_evaluation import evaluate_validation
from cnn_suite.tasks.landmarks_serving import LandmarksServing
from cnn_suite.train import train
from tests.drawn_faces import drawn_face, people_of, write_faces


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    people = [*people_of("train", 4), *people_of("val", 1), *people_of("test", 1)]
    return write_faces(tmp_path_factory.mktemp("landmarks") / "faces", people, 6)


def config_of(folder, **data):
    return LandmarksConfig(name="tiny", data=Data(path=str(folder), batch_size=8, **data))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    (root / "points.yaml").write_text(
        f"""
name: points
task: landmarks
seed: 1
data: {{path: {folder}, batch_size: 8, augmentation: {{rotation_deg: 5, no_face: 0, grey: 0}}}}
model: {{width: 0.5}}
training: {{epochs: 3, steps_per_epoch: 25, learning_rate: 0.01, warmup_epochs: 0.1, ema_momentum: 0.0}}
export: {{formats: [litert]}}
"""
    )
    return train(load_config(root / "points.yaml"), quiet=True, runs=root / "runs")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export_model(run, tmp_path_factory.mktemp("models") / "points")


def test_nobody_stands_in_both_parts(folder):
    data = landmarks.datasets(config_of(folder))
    assert data.labels == FIVE
    people = [{face.person for face in part.faces} for part in (data.training, data.validation)]
    assert len(people[0]) == 4 and len(people[1]) == 1 and not people[0] & people[1]


@pytest.mark.parametrize("data, text", [
    ({"train": ("holiday",)}, "Input should be 'train', 'val' or 'test'"),
    ({"validation": ("train",)}, "validation must be other people than those trained on, received 'train' in both"),
])  # fmt: skip
def test_splits_that_cannot_be_are_refused(folder, data, text):
    with pytest.raises(ValueError, match=text):
        landmarks.datasets(config_of(folder, **data))


def test_names_of_points_that_the_data_do_not_have_are_refused(folder):
    config = config_of(folder, labels=("nose",))
    with pytest.raises(ConfigError, match="data.labels: the data have the labels right eye, .* Received nose"):
        landmarks.resolved(config, landmarks.datasets(config))


def test_a_split_without_a_face_is_refused(tmp_path):
    only_test = write_faces(tmp_path / "faces", people_of("test", 1), 1)
    with pytest.raises(ConfigError, match="data.train: there is no face of train in"):
        landmarks.datasets(config_of(only_test))


@pytest.mark.slow
def test_a_short_training_finds_the_points_of_drawn_faces(exported, folder):
    figures = evaluate_model(exported, folder, split="test", record=True, quiet=True)
    crops = FaceCrops([face for face in read_landmarked_faces(folder) if face.split == "test"], 64)
    truth = np.stack([crops.still(number)[1][1:].reshape(5, 2) for number in range(6)])
    untrained = landmark_figures(np.full_like(truth, 0.5), truth)  # all points in the middle
    assert figures["faces"] == 6 and figures["nme"] < 0.6 * untrained.nme
    assert set(figures["per_point"]) == set(FIVE)
    card = ModelCard.read(exported)
    assert card.labels == FIVE and card.metrics["test"]["nme"] == figures["nme"]


def test_validation_is_measured_on_all_of_its_splits(exported, folder):
    config = config_of(folder, validation=("val", "test"))
    more = {"runtime": "litert", "report_folder": None, "history": exported / "history.csv", "quiet": True}
    assert evaluate_validation(exported, config, **more)["faces"] == 12


def test_the_exported_network_answers_in_the_pixels_of_the_picture(exported):
    network = load_face_points(exported)
    image, truth = drawn_face(3, 1)
    box = np.array([*truth.min(axis=0), *truth.max(axis=0)])
    points, scores = network(image, np.stack([box, box + 3]))
    assert points.shape == (2, 5, 2) and scores.shape == (2,)
    inside = (points[0] > box[:2] - 15) & (points[0] < box[2:] + 15)
    assert inside.all()


# One face may be missed by a training as short as this; the mean over six says where points are.
def test_points_lie_where_they_are_in_the_picture(exported):
    network, errors = load_face_points(exported), []
    for number in range(6):
        image, truth = drawn_face(3, number)
        box = np.array([*truth.min(axis=0), *truth.max(axis=0)])
        errors.append(abs(network(image, box[None])[0][0] - five_points(truth)).mean() / (box[2] - box[0]))
    assert np.mean(errors) < 0.3


# The same face 40 pixels further right and 50 further down.
def test_points_move_with_the_face(exported):
    network = load_face_points(exported)
    image, truth = drawn_face(3, 1)
    box = np.array([*truth.min(axis=0), *truth.max(axis=0)])
    image, box = (np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="edge"), box + 60)  # room for the crop round it
    points = network(image, box[None])[0]
    moved = np.pad(image, ((50, 0), (40, 0), (0, 0)))
    np.testing.assert_allclose(network(moved, box[None] + [40, 50, 40, 50])[0], points + [40, 50], atol=0.1)


def test_no_boxes_give_no_points_and_odd_ones_are_refused(exported):
    network = load_face_points(exported)
    image, _ = drawn_face(0, 0)
    assert network(image, np.zeros((0, 4)))[0].shape == (0, 5, 2)
    with pytest.raises(ValueError, match=r"`boxes_px` must have shape \(n, 4\), xyxy. Received shape \(4,\)"):
        network(image, np.zeros(4))


def test_serving_scales_points_to_crops_of_any_size(run, folder):
    import keras

    serving = LandmarksServing(keras.models.load_model(run / "model.keras", compile=False), 64)
    crops = FaceCrops(read_landmarked_faces(folder)[:1], 64)
    crop = crops.still(0)[0]
    twice = np.repeat(np.repeat(crop, 2, axis=0), 2, axis=1)
    once, large = (serving.serving_default(tf.constant(image[None]))["points"][0] for image in (crop, twice))
    np.testing.assert_allclose((np.asarray(large) + 0.5) / 2, np.asarray(once) + 0.5, atol=1.0)
