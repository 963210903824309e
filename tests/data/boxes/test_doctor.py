import json

import numpy as np
import pytest

from cnn_suite.data.boxes.annotations import REPAIRS
from cnn_suite.data.boxes.doctor import examine


def boxes(count, label="cat"):
    """Boxes of `count` different shapes."""
    return [(label, 0, 0, 8 + 2 * number, 9 + number) for number in range(count)]


def test_a_sound_set_has_figures_and_no_fault(voc):
    voc.add("a", boxes(9))
    voc.add("b", [*boxes(3, "dog"), ("cat", 5, 5, 9, 9)], "val")
    report = examine(voc.root)
    assert report.faults == () and report.leaks == ()
    assert report.classes == {"train": {"cat": 9, "dog": 0}, "val": {"cat": 1, "dog": 3}}
    assert report.pictures == {"train": 1, "val": 1} and report.picture_sizes == {"60x40": 2}
    assert report.boxes_per_picture["most"] == 9 and report.box_sizes["small"] == 13
    assert len(report.anchor_fit.anchors_px) == 9 and report.anchor_fit.mean_iou == pytest.approx(1)
    assert report.collisions.objects == 13


def test_pictures_are_decoded_and_a_broken_one_is_a_fault(voc):
    voc.add("a", boxes(2))
    voc.add("b", boxes(2))
    file = voc.root / "JPEGImages/a.jpg"
    file.write_bytes(file.read_bytes()[:-400])  # the header still gives the right size
    report = examine(voc.root)
    (fault,) = report.faults
    assert (fault.kind, fault.file) == ("unreadable_picture", str(file)) and report.pictures == {"train": 1}


def test_faults_of_every_sort_are_counted_at_once(voc):
    voc.add("a", [("cat", 5, 5, 5, 5), ("cat", 5, 5, 90, 20)])
    voc.add("b", [("cat", 5, 5, 9, 9)], picture=False)
    voc.add("c", [("cat", 5, 5, 9, 9)])
    voc.list("c", "test")
    report = examine(voc.root)
    assert report.fault_counts == {"zero_area": 1, "out_of_picture": 1, "missing_picture": 1, "leak": 1}
    assert [fault.kind for fault in report.leaks] == ["leak"]


def test_too_few_boxes_leave_anchors_and_collisions_out(voc):
    voc.add("a", boxes(2))
    report = examine(voc.root)
    assert report.anchor_fit is None and report.collisions is None


def test_given_anchors_may_be_grouped_by_head(voc):
    voc.add("a", boxes(2))
    report = examine(voc.root, anchors=[[(50, 60)], [(90, 90)]], strides=(8, 16), image_size_hw=(320, 416))
    np.testing.assert_allclose(report.anchor_fit.anchors_px, [[50, 60], [90, 90]])
    assert report.anchor_fit.source == "given" and set(report.collisions.by_stride) == {8, 16}


@pytest.mark.parametrize("anchors", [[], [(1, 2, 3)], [(1, -2)]])
def test_anchors_that_are_no_sizes_are_refused(voc, anchors):
    with pytest.raises(ValueError, match=r"`anchors` must be positive widths and heights, shape \(k, 2\)"):
        examine(voc.root, anchors=anchors)


def test_anchors_and_strides_must_go_together(voc):
    with pytest.raises(ValueError, match="the same number of `anchors`. Received 2 anchors for 3 strides"):
        examine(voc.root, anchors=[(1, 2), (3, 4)])


@pytest.mark.parametrize("strides", [(), (0,)])
def test_strides_must_be_positive(voc, strides):
    with pytest.raises(ValueError, match="`strides` must contain at least one positive number"):
        examine(voc.root, strides=strides)


def test_labels_and_format_are_passed_on(voc):
    voc.add("a", boxes(1))
    report = examine(voc.root, format="voc", labels=("dog",))
    assert report.fault_counts == {"unknown_class": 1} and report.data.labels == ("dog",)


def test_progress_is_told(voc):
    voc.add("a", boxes(1))
    voc.add("b", boxes(1))
    calls = []
    examine(voc.root, on_progress=lambda done, of: calls.append((done, of)))
    assert calls == [(1, 2), (2, 2)]


def test_as_dict_is_json(voc):
    voc.add("a", [*boxes(9), ("cat", 5, 5, 5, 5)])
    content = json.loads(json.dumps(examine(voc.root).as_dict()))
    assert content["format"] == "voc" and content["labels"] == ["cat"]
    assert content["fault_counts"] == {"zero_area": 1}
    assert content["faults"][0]["line"] == 42 and content["faults"][0]["kind"] in REPAIRS
    assert len(content["anchor_fit"]["anchors_px"]) == 9
    assert content["collisions"]["by_stride"].keys() == {"8", "16", "32"}


def test_as_dict_without_anchors_is_json_too(voc):
    voc.add("a", [])
    content = json.loads(json.dumps(examine(voc.root).as_dict()))
    assert content["anchor_fit"] is None and content["collisions"] is None
