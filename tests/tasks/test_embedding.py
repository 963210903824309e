"""The embedding task: its data, both objectives through the verbs, its serving graph and its figures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config import ConfigError, load_config
from cnn_suite.config_embedding import Data, EmbeddingConfig, Model, Training
from cnn_suite.evaluate import evaluate_model
from cnn_suite.export import export_model
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.results import ModelCard
from cnn_suite.runtime.faces.face_encoder import load_encoder
from cnn_suite.tasks import embedding, embedding_teacher
from cnn_suite.tasks.embedding_evaluation import evaluate_validation
from cnn_suite.tasks.embedding_serving import EmbeddingServing
from cnn_suite.tasks.embedding_teacher import Teacher, taught
from cnn_suite.train import train
from tests.drawn_faces import people_of, write_faces

SMALL = "{builder: face_embedding, image_size_hw: [32, 32], options: {width: 0.5, blocks: 1, dimensions: 16}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    people = [*people_of("train", 6), *people_of("val", 2), *people_of("test", 3)]
    return write_faces(tmp_path_factory.mktemp("embedding") / "faces", people, 4)


def config_of(path, **more):
    options = {"width": 0.25, "blocks": 1, "dimensions": 8}
    model = Model(image_size_hw=(32, 32), options=options)
    return EmbeddingConfig(name="tiny", data=Data(path=str(path), **more.pop("data", {})), model=model, **more)


def written(root, folder, training):
    (root / "e.yaml").write_text(
        f"""
name: tiny
task: embedding
seed: 1
data: {{path: {folder}, people_per_batch: 6, pictures_per_person: 4, augmentation: {{erase: 0, grey: 0}}}}
model: {SMALL}
training: {training}
export: {{formats: [litert], mirror: true}}
"""
    )
    return load_config(root / "e.yaml")


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    training = (
        "{epochs: 3, steps_per_epoch: 10, learning_rate: 0.01, warmup_epochs: 0.1, ema_momentum: 0.0, "
        "triplets: {rule: all}}"
    )
    return train(written(root, folder, training), quiet=True, runs=root / "runs")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export_model(run, tmp_path_factory.mktemp("models") / "tiny")


def test_nobody_stands_in_both_parts(folder):
    data = embedding.datasets(config_of(folder))
    assert len(set(data.training.people)) == 6 and len(set(data.validation.people)) == 2
    assert not set(data.training.people) & set(data.validation.people)


@pytest.mark.parametrize("data, text", [
    ({"train": ("holiday",)}, "Input should be 'train', 'val' or 'test'"),
    ({"validation": ("train",)}, "validation must be other people than those trained on, received 'train' in both"),
])  # fmt: skip
def test_splits_that_cannot_be_are_refused(folder, data, text):
    with pytest.raises(ValueError, match=text):
        embedding.datasets(config_of(folder, data=data))


def test_data_that_are_not_at_hand_are_asked_for():
    with pytest.raises(ConfigError, match="data.path is empty"):
        embedding.datasets(config_of(""))
    assert embedding.sample_pictures(config_of(""), 3) == []


def test_unknown_builders_and_options_are_refused(folder):
    config = config_of(folder)
    with pytest.raises(ConfigError, match="model.builder: unknown builder 'facenet'. Known: face_embedding"):
        embedding.network(config.model_copy(update={"model": Model(builder="facenet")}), 0)
    with pytest.raises(ConfigError, match="model.options: face_embedding takes no 'depth'"):
        embedding.network(config.model_copy(update={"model": Model(options={"depth": 3})}), 0)


@pytest.mark.slow
def test_triplets_bring_faces_of_one_drawn_person_together(exported, folder):
    figures = evaluate_model(exported, folder, split="test", record=True, quiet=True)
    assert (figures["faces"], figures["people"], figures["pairs"]) == (12, 3, 66)
    assert figures["eer"] < 0.35  # strangers to the training; by chance it would be 0.5
    assert ModelCard.read(exported).metrics["test"]["accuracy"] == figures["accuracy"]


def test_validation_is_measured_on_the_people_of_all_of_its_splits(exported, folder):
    config = config_of(folder, data={"validation": ("val", "test")})
    more = {"runtime": "litert", "report_folder": None, "history": exported / "history.csv", "quiet": True}
    figures = evaluate_validation(exported, config, **more)
    assert (figures["people"], figures["faces"]) == (5, 20)


def test_encodings_of_the_exported_network_have_unit_length_and_a_fingerprint(exported):
    encoder = load_encoder(exported)
    face = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    encoding = encoder.encode_aligned(face)
    assert encoding.shape == (16,) and encoder.dimensions == 16
    assert np.linalg.norm(encoding) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(encoder.encode_aligned(face[:, ::-1].copy()), encoding, atol=2e-3)  # mirror: true
    assert len(encoder.fingerprint) == 64


def test_without_the_mirror_the_fingerprint_is_another(run, tmp_path):
    network = keras.models.load_model(run / "model.keras", compile=False)
    cards = [EmbeddingServing(network, (32, 32), mirror).card()["input"] for mirror in (False, True)]
    assert cards[0] != cards[1]


@pytest.fixture(scope="module")
def teacher_weights(tmp_path_factory):
    """A teacher with random weights, written into its place by a stand-in for its reader."""
    keras.utils.set_random_seed(5)
    return mobileface_v2()


@pytest.fixture
def teacher(teacher_weights, monkeypatch, folder):
    monkeypatch.setattr(embedding_teacher, "mobileface_v2", lambda weights: teacher_weights)
    faces = embedding.datasets(config_of(folder)).training
    return Teacher("unused", faces, 8)


def test_a_teacher_gives_its_encodings_in_fewer_numbers_with_the_same_angles(teacher, teacher_weights, folder):
    faces = embedding.datasets(config_of(folder)).training
    images = tf.constant(np.stack([faces.still(number)[0] for number in range(6)]), tf.float32)
    found = np.asarray(teacher(images))
    assert found.shape == (6, 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    whole = np.asarray(teacher_weights(tf.image.resize(images, (112, 112)), training=False))
    np.testing.assert_allclose(found @ found.T, whole @ whole.T, atol=0.05)


def test_taught_batches_go_on_after_an_interruption_as_they_would_have(teacher):
    images = tf.random.stateless_uniform((8, 32, 32, 3), [1, 2], 0, 255)
    batches = tf.data.Dataset.from_tensors((images, tf.zeros((8, 1)))).repeat(4)
    whole = [targets for _, targets in taught(batches, teacher, blend=0.5, seed=1).as_numpy_iterator()]
    rest = [targets for _, targets in taught(batches.take(2), teacher, blend=0.5, seed=1, first=2).as_numpy_iterator()]
    np.testing.assert_array_equal(np.stack(whole[2:]), np.stack(rest))
    assert not np.array_equal(whole[0], whole[1])  # mixed anew


@pytest.mark.slow
def test_a_pupil_comes_nearer_to_its_teacher(teacher, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "weights_file", lambda name, key: name)
    training = (
        "{epochs: 5, learning_rate: 0.01, warmup_epochs: 0, ema_momentum: 0.0, objective: distillation, "
        "teacher: any, evaluate_every: 1}"
    )
    run = train(written(tmp_path, folder, training), quiet=True, runs=tmp_path / "runs")
    lines = (run / "history.csv").read_text().splitlines()
    losses = [float(line.split(",")[lines[0].split(",").index("loss")]) for line in lines[1:]]
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.slow
def test_pairs_bring_faces_of_one_drawn_person_together_too(tmp_path, folder):
    training = "{epochs: 4, learning_rate: 0.01, warmup_epochs: 0, ema_momentum: 0.0, objective: pairs}"
    run = train(written(tmp_path, folder, training), quiet=True, runs=tmp_path / "runs")
    lines = (run / "history.csv").read_text().splitlines()
    losses = [float(line.split(",")[lines[0].split(",").index("loss")]) for line in lines[1:]]
    assert losses[-1] < 0.8 * losses[0]


def test_distillation_and_triplets_need_what_they_need():
    with pytest.raises(ValueError, match="objective: distillation requires a teacher"):
        Training(objective="distillation")
    with pytest.raises(ValueError, match="the others accept none; received objective: triplet, teacher: x"):
        Training(teacher="x")
