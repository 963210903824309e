"""One function for every form of labelled pictures."""

import numpy as np
import pytest

from cnn_suite.data.classes.labelled_sources import READERS, read_labelled_data
from tests.data.classes.test_idx import write_pair


@pytest.fixture
def sources(tmp_path, picture):
    """A tiny data set of every form, by its name."""
    picture(tmp_path / "folder/cat/1.png")
    (tmp_path / "idx").mkdir()
    write_pair(tmp_path / "idx")
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3, 3), np.uint8), y=np.array([0, 1]))
    return {"image_folder": tmp_path / "folder", "idx": tmp_path / "idx", "npz": tmp_path / "a.npz"}


def test_every_form_is_recognised_and_read(sources):
    assert set(sources) == set(READERS)
    for name, path in sources.items():
        recognised, named = read_labelled_data(str(path)), read_labelled_data(path, name)
        assert recognised.labels == named.labels and set(recognised.splits) == set(named.splits)


def test_labels_are_handed_on(sources):
    for path in sources.values():
        assert read_labelled_data(path, labels=["cat", "dog", "cow"]).labels == ("cat", "dog", "cow")


def test_a_tilde_is_the_home_folder(sources, monkeypatch):
    monkeypatch.setenv("HOME", str(sources["idx"].parent))
    assert "train" in read_labelled_data("~/idx").splits


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"There is no data set at {tmp_path}/none"):
        read_labelled_data(tmp_path / "none")


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be auto, tfds:NAME or one of idx, npz, image_folder. Received 'csv'"):
        read_labelled_data(tmp_path, "csv")


def test_data_of_no_known_form_list_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="has no supported format: class folders .*IDX files.*npz"):
        read_labelled_data(tmp_path)


@pytest.mark.parametrize("form", ["idx", "npz", "image_folder"])
def test_a_form_that_the_data_do_not_have_is_refused_in_words(tmp_path, form):
    with pytest.raises(ValueError, match=str(tmp_path)):
        read_labelled_data(tmp_path, form)


def test_data_for_detection_are_not_taken_for_classes(tmp_path, picture):
    picture(tmp_path / "images/1.png")
    (tmp_path / "labels").mkdir()
    with pytest.raises(ValueError, match=r"looks like data for detection \(yolo_txt\).* Train a detector on it"):
        read_labelled_data(tmp_path)
    assert read_labelled_data(tmp_path, "image_folder").labels == ("images",)
