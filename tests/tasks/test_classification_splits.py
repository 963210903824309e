"""By what a classifier's own data are known again, so that it is not measured on what it was trained on."""

import numpy as np
import pytest

from cnn_suite.config import save_config
from cnn_suite.config_classification import ClassificationConfig, Data
from cnn_suite.data.classes.labelled import ClassificationData, held_out, held_out_limits, joined, of_arrays
from cnn_suite.tasks.classification_splits import held_of, pictures_of, usual_split


def data_of(root):
    """Twenty different pictures of two classes, all of the split "train"."""
    images = np.zeros((20, 2, 2), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None]
    return ClassificationData(("a", "b"), {"train": of_arrays(images, np.arange(20) % 2, "memory")}, root)


def held(tmp_path, root, **own):
    save_config(ClassificationConfig(name="m", data=Data(**own)), tmp_path / "config.yaml")
    return held_of(tmp_path, data_of(root))


@pytest.mark.parametrize(("own", "root", "is_own"), [
    ({"path": "/here/pets"}, "/there/pets.zip", True),
    ({"path": "/here/pets"}, "/here/cars", False),
    ({"path": "/here/prepared", "format": "tfds:pets"}, "tfds:pets", True),
    ({"path": "", "format": "tfds:pets"}, "tfds:pets", True),
    ({"path": "", "format": "tfds:pets/small"}, "tfds:pets/small:1.0.0", True),
    ({"path": "", "format": "tfds:pets/small"}, "tfds:cars/small", False),
    ({"path": "/here/pets", "format": "tfds:pets"}, "tfds:cars", False),
    ({"path": "/here/pets", "format": "tfds:cars"}, "/here/pets", False),
])  # fmt: skip
def test_own_data_are_known_by_their_folders_name_or_by_that_of_tfds(tmp_path, own, root, is_own):
    assert held(tmp_path, root, **own).is_own == is_own


def test_a_classifier_of_tfds_is_measured_on_what_its_training_held_out(tmp_path):
    data = data_of("tfds:pets")
    kept = held(tmp_path, "tfds:pets", path="/here/prepared", format="tfds:pets", held_out=0.2)
    split = usual_split(data, kept)
    assert (split, len(pictures_of(data, split, kept))) == ("validation", 4)  # 0.2 of ten of each class
    assert len(pictures_of(data, "train", kept)) == 16


def test_pictures_taken_out_of_the_held_out_part_are_not_replaced_by_those_trained_on(tmp_path):
    pictures = data_of("/here/pets").pictures(["train"])
    limits = held_out_limits(pictures, 0.2, ("a", "b"))
    trained_on, kept = held_out(pictures, limits)
    cleaned = joined([trained_on, kept.take([0])])
    data = ClassificationData(("a", "b"), {"train": cleaned}, "/here/pets")
    own = {"path": "/there/pets", "held_out": 0.2, "labels": ("a", "b")}
    save_config(ClassificationConfig(name="m", data=Data(**own, held_out_up_to=limits)), tmp_path / "config.yaml")
    assert pictures_of(data, "validation", held_of(tmp_path, data)).names == [kept.names[0]]
    assert len(pictures_of(data, "train", held_of(tmp_path, data))) == 16
