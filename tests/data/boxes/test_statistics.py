import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.data.boxes import statistics
from cnn_suite.data.boxes.annotations import AnnotatedPicture


def annotated(*boxes_px, size_hw=(100, 100), class_ids=None, crowd=None):
    """A picture whose boxes are given in pixels xyxy."""
    height, width = size_hw
    boxes = np.array(boxes_px, np.float32).reshape(-1, 4) / (width, height, width, height)
    ids = np.array(class_ids if class_ids is not None else [0] * len(boxes), np.int32)
    crowds = np.array(crowd if crowd is not None else [False] * len(boxes), bool)
    return AnnotatedPicture(Path("a.jpg"), size_hw, boxes.astype(np.float32), ids, crowds, "a.xml")


def test_classes_are_counted_in_each_split():
    splits = {"train": [annotated((0, 0, 9, 9), (0, 0, 8, 8), class_ids=[1, 1]), annotated()], "val": []}
    assert statistics.class_histogram(splits, ("cat", "dog")) == {
        "train": {"cat": 0, "dog": 2},
        "val": {"cat": 0, "dog": 0},
    }


def test_sizes_follow_cocos_areas():
    # 31 x 32 is below 32^2, 32 x 32 is not; 95 x 96 is below 96^2, 96 x 96 is not
    boxes = [(0, 0, 31, 32), (0, 0, 32, 32), (0, 0, 95, 96), (0, 0, 96, 96)]
    assert statistics.size_histogram([annotated(*boxes, size_hw=(128, 128))]) == {"small": 1, "medium": 2, "large": 1}


def test_the_size_is_that_of_the_annotations_own_area():
    picture = dataclasses.replace(annotated((0, 0, 99, 99)), area_px=np.array([100.0]))
    assert statistics.size_histogram([picture]) == {"small": 1, "medium": 0, "large": 0}


def test_quantiles_of_width_and_height():
    quantiles = statistics.size_quantiles([annotated((0, 0, 10, 20)), annotated((0, 0, 30, 20))])
    assert quantiles["width_px"] == pytest.approx([10, 11, 15, 20, 25, 29, 30], abs=1e-4)
    assert quantiles["height_px"] == pytest.approx([20] * 7, abs=1e-4)


def test_no_box_has_no_quantiles():
    assert statistics.size_quantiles([annotated()]) == {"width_px": [], "height_px": []}
    assert statistics.size_histogram([]) == {"small": 0, "medium": 0, "large": 0}


def test_boxes_per_picture():
    pictures = [annotated((0, 0, 9, 9), (1, 1, 5, 5)), annotated(), annotated((0, 0, 9, 9))]
    found = statistics.boxes_per_picture(pictures)
    assert found == {"fewest": 0, "mean": 1.0, "median": 1.0, "most": 2, "background": 1}


def test_boxes_per_picture_of_nothing():
    assert statistics.boxes_per_picture([])["most"] == 0


def test_picture_sizes_name_the_most_frequent_first():
    pictures = [annotated(size_hw=(10, 20)), annotated(size_hw=(30, 40)), annotated(size_hw=(30, 40))]
    assert list(statistics.picture_sizes(pictures).items()) == [("40x30", 2), ("20x10", 1)]


def test_boxes_on_the_input_are_letterboxed_and_without_crowds():
    picture = annotated((0, 0, 100, 50), (0, 0, 9, 9), size_hw=(50, 100), crowd=[False, True])
    # 100 x 50 doubles to 200 x 100 in 200 x 200: 50 px of margin above and below
    np.testing.assert_allclose(statistics.boxes_on_input_px(picture, (200, 200)), [[0, 50, 200, 150]])


def test_given_anchors_are_measured():
    pictures = [annotated((0, 0, 20, 20), (0, 0, 10, 10))]
    fit = statistics.fit_anchors(pictures, np.array([[20.0, 20.0]]), (100, 100), 9)
    # shape IoU 1 and 100 / 400
    assert fit.source == "given" and fit.mean_iou == pytest.approx(0.625) and fit.share_above_half == 0.5


def test_anchors_are_found_by_k_means():
    pictures = [annotated((0, 0, 20, 20), (0, 0, 10, 10))]
    fit = statistics.fit_anchors(pictures, None, (100, 100), 2)
    assert fit.source == "k-means" and fit.mean_iou == pytest.approx(1)
    np.testing.assert_allclose(fit.anchors_px, [[10, 10], [20, 20]], rtol=1e-5)


@pytest.mark.parametrize("anchors", [None, np.array([[20.0, 20.0]])])
def test_too_few_boxes_have_no_fit(anchors):
    assert statistics.fit_anchors([annotated()], anchors, (100, 100), 2) is None


def test_two_objects_in_one_cell_with_one_anchor_collide():
    anchors = np.array([[40.0, 40.0], [10.0, 10.0]])  # the small one belongs to stride 8, the large one to stride 16
    same_cell = annotated((0, 0, 10, 10), (1, 1, 11, 11))  # centres 5 and 6: cell 0 of stride 8
    found = statistics.count_collisions([same_cell], anchors, (96, 96), (8, 16))
    assert (found.objects, found.overwritten, found.pictures) == (2, 1, 1) and found.by_stride == {8: 1, 16: 0}


def test_other_cells_other_anchors_and_other_pictures_do_not_collide():
    anchors = np.array([[10.0, 10.0], [40.0, 40.0]])
    pictures = [
        annotated((0, 0, 10, 10), (8, 0, 18, 10)),  # cells 0 and 1
        annotated((20, 20, 60, 60), (35, 35, 45, 45)),  # one centre, two anchors
        annotated((0, 0, 10, 10)),
    ]
    found = statistics.count_collisions(pictures, anchors, (100, 100), (8, 16))
    assert (found.objects, found.overwritten, found.pictures) == (5, 0, 0)


def test_three_objects_in_one_place_lose_two():
    picture = annotated((0, 0, 10, 10), (0, 0, 11, 11), (0, 0, 9, 9))
    found = statistics.count_collisions([picture], np.array([[10.0, 10.0]]), (96, 96), (32,))
    assert found.overwritten == 2


def test_a_centre_on_the_far_edge_stays_on_a_grid_that_is_not_square():
    picture = annotated((99, 49, 100, 50), (98, 49, 100, 50), size_hw=(50, 100))
    found = statistics.count_collisions([picture], np.array([[4.0, 2.0]]), (50, 100), (32,))
    assert found.objects == 2 and found.overwritten == 1
