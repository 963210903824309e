from pathlib import Path

import numpy as np
import pytest

from cnn_suite.data.boxes.annotations import REPAIRS, AnnotatedPicture, DataFaultError, DetectionData, Fault


def fault(number=1, line=4):
    return Fault(f"{number}.xml", line, "zero_area", "the box has no area", "Remove it.")


def one_picture(name="a.jpg"):
    boxes = np.array([[0.25, 0.5, 0.75, 1.0]], np.float32)
    return AnnotatedPicture(Path(name), (40, 80), boxes, np.zeros(1, np.int32), np.zeros(1, bool), "a.xml")


def test_a_fault_reads_file_line_message_and_fix():
    assert str(fault()) == "1.xml:4: the box has no area. Remove it."


def test_a_fault_without_line_names_the_file_alone():
    assert str(fault(line=None)) == "1.xml: the box has no area. Remove it."


def test_a_fault_of_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="`kind` must be one of zero_area, .*Received 'odd'"):
        Fault("a", 1, "odd", "m", "f")


def test_every_kind_says_what_a_repair_does():
    assert all(REPAIRS.values())


def test_boxes_px_undo_the_unit_coordinates():
    np.testing.assert_allclose(one_picture().boxes_px, [[20, 20, 60, 40]])


def test_areas_that_are_not_one_a_box_are_refused():
    with pytest.raises(ValueError, match=r"`area_px` must have shape \(1,\), one area for each box. Received \(2,\)"):
        AnnotatedPicture(
            Path("a"), (9, 9), np.zeros((1, 4)), np.zeros(1, int), np.zeros(1, bool), "a", area_px=np.zeros(2)
        )


def test_a_picture_whose_arrays_disagree_is_refused():
    with pytest.raises(ValueError, match=r"and \(n,\). Received \(1, 4\), \(2,\), \(1,\), \(2,\) for a"):
        AnnotatedPicture(Path("a"), (4, 4), np.zeros((1, 4)), np.zeros(2, int), np.zeros(1, bool), "a")


def test_pictures_joins_splits_in_the_order_asked_for():
    train, val = one_picture("t.jpg"), one_picture("v.jpg")
    data = DetectionData(("cat",), {"train": (train,), "val": (val,)})
    assert data.pictures(("val", "train")) == (val, train)
    assert data.pictures("train") == (train,)


def test_an_unknown_split_lists_the_known_ones():
    data = DetectionData((), {"train": (), "val": ()})
    with pytest.raises(KeyError, match="Unknown split 'test'.*Known splits: train, val"):
        data.pictures("test")


def test_checked_returns_sound_data_itself():
    data = DetectionData((), {})
    assert data.checked() is data


def test_checked_stops_at_faults_and_lists_the_first_ten():
    faults = tuple(fault(number) for number in range(12))
    with pytest.raises(DataFaultError) as caught:
        DetectionData((), {}, faults, root=Path("pictures")).checked()
    text = str(caught.value)
    assert caught.value.faults == faults
    assert text.startswith("12 faults in the data at pictures:")
    assert "9.xml:4" in text and "10.xml" not in text and "… and 2 more." in text
    assert "`cnn-suite doctor pictures` to list all of them" in text
    assert "--repair FOLDER` to write a repaired copy" in text


def test_a_single_fault_is_counted_in_the_singular():
    assert str(DataFaultError([fault()])).startswith("1 fault in the data at PATH:")


@pytest.mark.parametrize("pixels", [np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_pixels_in_memory_must_be_those_of_the_picture(pixels):
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, bool)
    with pytest.raises(ValueError, match=r"`pixels` must be uint8 of shape \(4, 4, 3\). Received .* for a"):
        AnnotatedPicture(Path("a"), (4, 4), *nothing, "a", pixels)
