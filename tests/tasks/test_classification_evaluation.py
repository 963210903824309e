"""Classifiers measured: one that knows the answers but for one picture, on pictures made in memory."""

import json
import unicodedata

import numpy as np
import pytest

from cnn_suite.config import save_config
from cnn_suite.config_classification import ClassificationConfig, Data
from cnn_suite.data.classes.labelled import ClassificationData, held_out, held_out_limits, of_arrays
from cnn_suite.evaluate import evaluate_model
from cnn_suite.results import Classification, ModelCard
from cnn_suite.runtime.media.output_paths import SinkError
from cnn_suite.tasks import classification_evaluation

LABELS = ("cat", "dog", "eel")


def pictures(count=12):
    """Grey pictures whose first value is their number; classes go round."""
    images = np.zeros((count, 4, 5), np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None]
    return of_arrays(images, np.arange(count) % 3, "memory")


class Knows:
    """Right about every picture but the one of number 4, which it is sure is an eel."""

    labels = LABELS

    def __init__(self):
        self.seen = []

    def __call__(self, image_rgb):
        assert image_rgb.shape == (4, 5, 3) and image_rgb.dtype == np.uint8
        number = int(image_rgb[0, 0, 0])
        self.seen.append(number)
        row = np.full(3, 0.05)
        row[2 if number == 4 else number % 3] = 0.9
        return Classification(row, LABELS)


@pytest.fixture
def model(monkeypatch, tmp_path):
    """The classifier and a data set in place of those on disk; the data lists its classes in another order."""
    ModelCard("knows", "classification", LABELS).write(tmp_path)
    turned = of_arrays(np.stack([pictures().load(i)[..., 0] for i in range(12)]), np.array([2, 1, 0] * 4), "memory")
    data = ClassificationData(("eel", "dog", "cat"), {"test": turned, "train": turned}, "memory")
    classifier = Knows()
    monkeypatch.setattr(classification_evaluation, "load_classifier", lambda folder, **options: classifier)
    monkeypatch.setattr(classification_evaluation, "read_labelled_data", lambda path, format: data)
    return classifier


def test_eleven_of_twelve_are_right():
    result = classification_evaluation.evaluate_classifier(Knows(), pictures(), LABELS)
    assert (result["pictures"], result["accuracy"]) == (12, pytest.approx(11 / 12))
    assert result["most_confused"] == [{"truth": "dog", "prediction": "eel", "pictures": 1}]
    assert result["per_class"]["eel"]["precision"] == pytest.approx(4 / 5)
    assert result["latency_ms"]["median"] > 0


def test_classes_are_matched_by_name(model, tmp_path):
    result = evaluate_model(tmp_path, "data")
    assert (result["task"], result["accuracy"]) == ("classification", pytest.approx(11 / 12))


def test_limit_takes_the_first_pictures(model, tmp_path):
    assert evaluate_model(tmp_path, "data", limit=4)["accuracy"] == 1
    assert model.seen == [0, 0, 1, 2, 3]  # the first call is not timed


def test_a_report_has_metrics_and_plots(model, tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,accuracy,val_accuracy\n0,2.0,0.3,0.4\n1,1.0,0.6,0.5\n")
    result = evaluate_model(tmp_path, "data", report_folder=tmp_path / "report")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "confusion_matrix.png",
        "metrics.json",
        "most_confused.png",
        "reliability.png",
        "training_curves.png",
    ]
    assert json.loads((tmp_path / "report" / "metrics.json").read_text()) == result


def test_figures_are_recorded_in_the_card(model, tmp_path):
    evaluate_model(tmp_path, "data", record=True)
    recorded = ModelCard.read(tmp_path).metrics["test"]
    assert recorded["accuracy"] == pytest.approx(11 / 12)
    assert recorded["command"] == f"cnn-suite evaluate {tmp_path} --data data --split test"


def test_a_card_that_cannot_be_written_is_told_before_the_work(model, tmp_path):
    (tmp_path / "card.json.new").mkdir()
    with pytest.raises(SinkError, match="card.json.new is a folder"):
        evaluate_model(tmp_path, "data", record=True)
    assert not model.seen


def test_the_validation_part_is_what_training_held_out(model, tmp_path):
    save_config(ClassificationConfig(name="knows", data=Data(path="data", held_out=0.25)), tmp_path / "config.yaml")
    result = evaluate_model(tmp_path, "data", split="validation")
    kept = held_out(pictures(), held_out_limits(pictures(), 0.25, LABELS))[1]
    assert result["pictures"] == len(kept) == 3
    assert sorted(model.seen[1:]) == sorted(int(kept.load(i)[0, 0, 0]) for i in range(3))


def own_data(monkeypatch, tmp_path, path="data", split="train"):
    """Twelve pictures in one split alone, of which the classifier's training held out three."""
    own = Data(path="data", train=(split,), held_out=0.25)
    save_config(ClassificationConfig(name="knows", data=own), tmp_path / "config.yaml")
    data = ClassificationData(LABELS, {split: pictures()}, path)
    monkeypatch.setattr(classification_evaluation, "read_labelled_data", lambda path, format: data)


def numbers(part):
    return sorted(int(part.load(i)[0, 0, 0]) for i in range(len(part)))


def test_what_was_held_out_is_a_split_the_usual_one_and_no_part_of_train(model, tmp_path, monkeypatch):
    own_data(monkeypatch, tmp_path)
    rest, kept = held_out(pictures(), held_out_limits(pictures(), 0.25, LABELS))
    usual = evaluate_model(tmp_path, "data", record=True)
    assert usual["split"] == "validation" and sorted(model.seen[1:]) == numbers(kept)
    assert ModelCard.read(tmp_path).metrics["validation"]["command"].endswith("--data data --split validation")
    model.seen.clear()
    assert evaluate_model(tmp_path, "data", split="train")["pictures"] == 9
    assert sorted(model.seen[1:]) == numbers(rest)
    with pytest.raises(ValueError, match="data has no split 'test'. Known splits: train, validation."):
        evaluate_model(tmp_path, "data", split="test")


def test_a_split_test_that_was_trained_on_is_not_the_usual_one(model, tmp_path, monkeypatch):
    own_data(monkeypatch, tmp_path, split="test")
    assert evaluate_model(tmp_path, "data")["split"] == "validation"


def test_of_other_data_the_only_split_is_the_usual_one_and_whole(model, tmp_path, monkeypatch):
    own_data(monkeypatch, tmp_path, path="elsewhere/new")
    result = evaluate_model(tmp_path, "elsewhere/new")
    assert (result["split"], result["pictures"]) == ("train", 12)


def test_an_unknown_split_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="memory has no split 'holiday'. Known splits: test, train"):
        evaluate_model(tmp_path, "data", split="holiday")


def named(*labels, of=LABELS):
    return classification_evaluation.named_as(ClassificationData(labels, {}, "memory"), of).labels


def test_classes_that_are_mere_numbers_are_those_of_the_model():
    assert named("0", "1", "2") == named("0", "1") == named("-1", "0.5", "7") == LABELS
    assert named("cat", "dog") == ("cat", "dog")
    assert named("1", "2") == ("1", "2")  # which of the three are they?
    assert named("0", "1", "2", "3") == ("0", "1", "2", "3")  # one too many
    assert named("1", "10", "2") == ("1", "10", "2")  # sorted as text
    assert named("0", "1", of=("1", "0", "2")) == ("0", "1")  # names of the model's as they are


@pytest.mark.parametrize("classes", [3, 2])
def test_data_with_numbers_for_classes_are_evaluated_with_the_models_names(model, tmp_path, monkeypatch, classes):
    kept = pictures().take(np.flatnonzero(pictures().class_ids < classes))
    data = ClassificationData(("0", "1", "2")[:classes], {"test": kept}, "memory")
    monkeypatch.setattr(classification_evaluation, "read_labelled_data", lambda path, format: data)
    result = evaluate_model(tmp_path, "data")
    assert (result["pictures"], result["accuracy"]) == (4 * classes, pytest.approx(1 - 1 / (4 * classes)))


def test_labels_in_another_form_of_unicode_are_the_same_classes():
    whole, apart = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))
    for data_label, model_label in ((whole, apart), (apart, whole)):
        part = classification_evaluation.in_model_classes(pictures(1), (data_label,), ("Brot", model_label))
        assert part.class_ids.tolist() == [1]


def test_a_class_that_the_model_does_not_know_is_refused(model, tmp_path, monkeypatch):
    data = ClassificationData(("cat", "dog", "fox"), {"test": pictures()}, "memory")
    monkeypatch.setattr(classification_evaluation, "read_labelled_data", lambda path, format: data)
    with pytest.raises(ValueError, match="classes unknown to the model: fox"):
        evaluate_model(tmp_path, "data")


def test_no_picture_is_refused():
    with pytest.raises(ValueError, match="There is nothing to evaluate on"):
        classification_evaluation.evaluate_classifier(Knows(), pictures().take([]), LABELS)
