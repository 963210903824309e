"""BCCD (Shenggan/BCCD_Dataset, MIT): the folder $CNN_SUITE_TEST_DATA/detection/bccd/BCCD."""

import os
from collections import Counter
from pathlib import Path

import pytest

from cnn_suite.data.boxes.annotations import DataFaultError
from cnn_suite.data.boxes.doctor import examine
from cnn_suite.data.boxes.repair import repair
from cnn_suite.data.boxes.sources import read_detection_data

BCCD = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "detection" / "bccd" / "BCCD"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ or not BCCD.is_dir(),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds detection/bccd/BCCD",
)


@pytest.fixture(scope="module")
def report():
    return examine(BCCD)


def test_the_shipped_split_and_its_classes(report):
    assert report.pictures == {"train": 205, "val": 87, "test": 72}
    assert report.picture_sizes == {"640x480": 364}
    # 4155 RBC in the files, two of them without area
    totals = Counter()
    for counts in report.classes.values():
        totals.update(counts)
    assert totals == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    assert report.classes["test"] == {"RBC": 805, "WBC": 71, "Platelets": 69}
    assert report.boxes_per_picture["most"] == 30


def test_the_two_boxes_without_area_are_found_with_file_and_line(report):
    places = sorted((Path(fault.file).name, fault.line, fault.kind) for fault in report.faults)
    assert places == [("BloodImage_00338.xml", 163, "zero_area"), ("BloodImage_00343.xml", 55, "zero_area")]
    for fault in report.faults:
        lines = Path(fault.file).read_text().splitlines()
        assert "<bndbox>" in lines[fault.line - 1]


def test_no_picture_is_in_two_splits(report):
    assert report.leaks == ()


def test_training_would_stop_and_name_both(report):
    with pytest.raises(DataFaultError, match="2 faults in the data") as caught:
        read_detection_data(BCCD).checked()
    assert "BloodImage_00338.xml:163" in str(caught.value) and "BloodImage_00343.xml:55" in str(caught.value)


def test_nine_anchors_fit_as_well_as_published_ones(report):
    # the mean best shape IoU of k-means with 9 anchors on this set is 0.88
    assert report.anchor_fit.mean_iou > 0.875


def test_the_repaired_copy_has_no_fault(report, tmp_path):
    changes = repair(report.data, tmp_path / "BCCD")
    assert [change.kind for change in changes] == ["zero_area", "zero_area"]
    again = examine(tmp_path / "BCCD")
    assert again.faults == () and again.pictures == report.pictures and again.classes == report.classes
