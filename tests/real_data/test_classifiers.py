"""The published figures of the classifiers in saved_models/, measured again on the real pictures."""

import os
from pathlib import Path

import pytest

from cnn_suite.data.classes.labelled import held_out, held_out_limits
from cnn_suite.data.classes.labelled_sources import read_labelled_data
from cnn_suite.evaluate import evaluate_model

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "classification"
CIFAR, DIGITS = DATA / "cifar10_train.zip", DATA / "mnist_test"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not CIFAR.is_file() or not DIGITS.is_dir(),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds classification/cifar10_train.zip and mnist_test",
)


def accuracy(name, data):
    return evaluate_model(ROOT / "saved_models" / name, data, split="validation", quiet=True)


def test_digits_lenet5_reaches_its_figure_on_the_held_out_fifth():
    result = accuracy("digits_lenet5", DIGITS)
    assert result["pictures"] == 2000
    assert result["accuracy"] >= 0.985


def test_the_held_out_tenth_of_cifar10_shares_no_picture_with_the_rest():
    data = read_labelled_data(CIFAR)
    pictures = data.pictures(["train"])
    rest, kept = held_out(pictures, held_out_limits(pictures, 0.1, data.labels))
    assert (len(rest), len(kept)) == (45_000, 5_000)
    assert not set(rest.fingerprints().tolist()) & set(kept.fingerprints().tolist())


def test_cifar10_plain20_keeps_its_figure_on_the_held_out_tenth():
    result = accuracy("cifar10_plain20", CIFAR)
    assert result["pictures"] == 5000
    assert result["accuracy"] >= 0.875  # 0.878 in its card


def test_cifar10_resnet20_48_keeps_its_figure_on_two_classes_of_the_held_out_tenth():
    folder = ROOT / "saved_models" / "cifar10_resnet20_48"
    result = evaluate_model(folder, CIFAR, split="validation", limit=1000, quiet=True)  # all would take a minute
    assert result["accuracy"] >= 0.947  # 0.954; 0.913 of all in its card


def test_cifar10_resnet20_keeps_its_figure_on_the_held_out_tenth():
    result = accuracy("cifar10_resnet20", CIFAR)
    assert result["pictures"] == 5000
    assert result["accuracy"] >= 0.88  # 0.883 in its card
