from pathlib import Path

import numpy as np
import pytest

from cnn_suite.data.boxes.box_checks import (
    RawBox,
    annotated_picture,
    drawn_on_hw,
    picture_size_or_fault,
    size_faults,
    unknown_class_fault,
)

SIZE_HW = (40, 60)


LABELS = ("cat", "dog")


def check(*boxes, found=()):
    """Boxes as (label, x0, y0, x1, y1), standing on lines 1, 2, …"""
    raw = [RawBox(LABELS.index(label), tuple(edges), line) for line, (label, *edges) in enumerate(boxes, start=1)]
    return annotated_picture(Path("a.jpg"), SIZE_HW, raw, LABELS, "folder/a.xml", found)


def test_a_sound_box_becomes_unit_xyxy():
    picture, faults = check(("dog", 15, 10, 30, 40))
    assert faults == []
    np.testing.assert_allclose(picture.boxes, [[0.25, 0.25, 0.5, 1.0]])
    assert picture.boxes.dtype == np.float32 and picture.class_ids.dtype == np.int32 and picture.crowd.dtype == bool
    assert picture.class_ids.tolist() == [1] and picture.source == "a.xml"


def test_no_box_is_a_background_picture():
    picture, faults = check()
    assert faults == [] and picture.boxes.shape == (0, 4)


@pytest.mark.parametrize("edges", [(5, 5, 5, 20), (5, 5, 20, 5), (20, 5, 10, 20)])
def test_a_box_without_area_is_dropped_with_its_line(edges):
    picture, (fault,) = check(("cat", 1, 1, 9, 9), ("cat", *edges))
    assert len(picture.boxes) == 1
    assert (fault.kind, fault.line) == ("zero_area", 2)
    assert "has no area: it is" in fault.message


def test_a_box_up_to_one_pixel_outside_is_clipped_without_a_word():
    picture, faults = check(("cat", -1, -1, 61, 41))
    assert faults == []
    np.testing.assert_allclose(picture.boxes, [[0, 0, 1, 1]])


@pytest.mark.parametrize("edges", [(-1.5, 0, 9, 9), (0, -1.5, 9, 9), (0, 0, 61.5, 9), (0, 0, 9, 41.5)])
def test_a_box_further_outside_is_clipped_and_reported(edges):
    picture, (fault,) = check(("cat", *edges))
    assert fault.kind == "out_of_picture"
    assert "extends 1.5 px beyond its picture of 60x40" in fault.message
    assert picture.boxes.min() >= 0 and picture.boxes.max() <= 1


def test_a_box_wholly_outside_is_dropped():
    picture, (fault,) = check(("cat", 70, 5, 80, 9))
    assert fault.kind == "outside" and "is completely outside its picture of 60x40" in fault.message
    assert len(picture.boxes) == 0


def test_an_unknown_class_takes_the_picture_out_and_hides_no_other_fault():
    unknown = unknown_class_fault("dgo", LABELS, "folder/a.xml", 2)
    picture, faults = check(("cat", 5, 5, 5, 9), ("cat", 1, 1, 9, 9), ("cat", 70, 5, 80, 9), found=[unknown])
    assert picture is None
    assert [(f.kind, f.line) for f in faults] == [("zero_area", 1), ("unknown_class", 2), ("outside", 3)]


def test_a_fault_that_can_be_mended_keeps_the_picture():
    picture, faults = check(("cat", 1, 1, 9, 9), found=size_faults((0, 0), SIZE_HW, "folder/a.xml", 3))
    assert len(faults) == 1 and len(picture.boxes) == 1


def test_an_unknown_class_names_the_nearest():
    assert str(unknown_class_fault("dgo", LABELS, "folder/a.xml", 1)) == (
        "folder/a.xml:1: unknown class 'dgo', expected one of cat, dog. "
        "Correct the name or add it to the labels. Did you mean 'dog'?"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_takes_the_picture_out(value):
    picture, (fault,) = check(("cat", 1, 1, value, 9))
    assert picture is None
    assert fault.kind == "not_finite" and "contains a value that is not finite" in fault.message


def test_a_second_equal_box_is_dropped_and_names_the_first():
    picture, (fault,) = check(("cat", 1, 1, 9, 9), ("dog", 1, 1, 9, 9), ("cat", 1, 1, 9.001, 9))
    assert len(picture.boxes) == 2
    assert (fault.kind, fault.line) == ("duplicate_box", 3)
    assert "duplicate box of 'cat' (1, 1, 9.001, 9) in this picture, first on line 1" in fault.message


def test_a_missing_picture_is_a_fault(tmp_path):
    size_hw, (fault,) = picture_size_or_fault(tmp_path / "no.jpg", "a.xml", 2)
    assert size_hw is None and (fault.kind, fault.line) == ("missing_picture", 2)
    assert "no.jpg does not exist" in fault.message


def test_an_unreadable_picture_is_a_fault(tmp_path):
    (tmp_path / "a.jpg").write_text("text")
    size_hw, (fault,) = picture_size_or_fault(tmp_path / "a.jpg", "a.xml", 2)
    assert size_hw is None and fault.kind == "unreadable_picture"
    assert "cannot be decoded as a picture" in fault.message


def test_the_right_size_and_a_size_of_a_missing_picture_are_fine():
    assert size_faults(SIZE_HW, SIZE_HW, "a.xml", 3) == size_faults(SIZE_HW, None, "a.xml", 3) == []


def test_boxes_were_drawn_on_the_claimed_size_unless_it_is_not_filled_in():
    assert drawn_on_hw((80, 120), SIZE_HW) == drawn_on_hw((80, 120), None) == (80, 120)
    assert drawn_on_hw((0, 0), SIZE_HW) == SIZE_HW and drawn_on_hw((0, 0), None) is None


def test_a_wrong_size_names_both():
    (fault,) = size_faults((30, 60), SIZE_HW, "a.xml", 3)
    assert fault.kind == "size_mismatch"
    assert "gives the size 60x30 (width x height) while the decoded picture is 60x40" in fault.message


def test_swapped_sides_point_to_the_exif_orientation():
    (fault,) = size_faults((60, 40), SIZE_HW, "a.xml", 3)
    assert fault.kind == "size_mismatch" and "rotated by its EXIF orientation" in fault.fix


def test_a_size_of_nought_is_a_fault_of_its_own():
    (fault,) = size_faults((0, 0), SIZE_HW, "a.xml", 3)
    assert fault.kind == "size_not_filled_in" and "gives the size 0x0 while the picture is 60x40" in fault.message
