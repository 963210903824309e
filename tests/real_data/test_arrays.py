"""Real signals and volumes: heartbeats of the UCR archive, CT scans of MedMNIST."""

import os
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.data.classes.array_batches import stacked
from cnn_suite.data.classes.array_sources import read_array_data

DATA = Path(os.environ.get("CNN_SUITE_TEST_DATA", ""))

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not (DATA / "signals").is_dir() or not (DATA / "volumes").is_dir(),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds signals/ECG200 and volumes/adrenalmnist3d.npz",
)


@pytest.mark.parametrize(("name", "labels", "sizes", "length"), [
    ("ECG200", ("0", "1"), {"train": 100, "test": 100}, 96),
    ("ECGFiveDays", ("1", "2"), {"train": 23, "test": 861}, 136),
    ("ECG5000", ("1", "2", "3", "4", "5"), {"train": 500}, 140),
])  # fmt: skip
def test_heartbeats_are_read_with_their_classes(name, labels, sizes, length):
    data = read_array_data(DATA / "signals" / name)
    assert data.labels == labels and {split: len(part) for split, part in data.splits.items()} == sizes
    beats = stacked(data.splits["train"], 1)
    assert beats.shape[1:] == (length, 1)
    np.testing.assert_allclose(beats.mean(axis=1), 0, atol=1e-4)  # the archive has standardized them
    np.testing.assert_allclose(beats.std(axis=1, ddof=1), 1, atol=1e-3)


@pytest.mark.parametrize(("file", "side"), [("adrenalmnist3d.npz", 28), ("adrenalmnist3d_64.npz", 64)])
def test_scans_are_read_with_their_splits(file, side):
    data = read_array_data(DATA / "volumes" / file)
    assert {split: len(part) for split, part in data.splits.items()} == {"train": 1188, "val": 98, "test": 298}
    assert stacked(data.splits["val"], 3).shape == (98, side, side, side, 1)
    assert np.bincount(data.splits["test"].class_ids).tolist() == [229, 69]
