import numpy as np
import pytest

from cnn_suite.data.boxes.yolo_txt import read_yolo_txt

BOX = "1 0.5 0.5 0.5 0.25"


def only_fault(data):
    (fault,) = data.faults
    return fault


@pytest.fixture
def with_val(yolo):
    """A set whose validation part is sound, so that a test only looks at training."""
    yolo.add("v", [BOX], "val")
    return yolo


def test_a_line_becomes_unit_xyxy(with_val):
    with_val.add("a", [BOX])
    data = read_yolo_txt(with_val.root)
    (picture,) = data.pictures("train")
    np.testing.assert_allclose(picture.boxes, [[0.25, 0.375, 0.75, 0.625]])
    assert picture.class_ids.tolist() == [1] and data.labels == ("cat", "dog") and data.faults == ()
    assert picture.size_hw == (40, 60) and not picture.crowd.any() and data.format == "yolo_txt"


def test_an_empty_and_an_absent_text_file_are_background(with_val):
    with_val.add("a", [BOX])
    with_val.add("b", [])
    with_val.add("c", None)
    data = read_yolo_txt(with_val.root)
    assert data.faults == () and [len(p.boxes) for p in data.pictures("train")] == [1, 0, 0]
    assert "2 pictures of 'train' are background." in data.notes


def test_a_split_without_any_text_file_is_a_fault(with_val):
    with_val.add("a", None)
    data = read_yolo_txt(with_val.root)
    fault = only_fault(data)
    assert fault.kind == "missing_annotation" and data.pictures("train") == ()
    assert "none of the 1 pictures of the split 'train' has a text file" in fault.message
    assert str(with_val.label("a")) in fault.message


def test_names_with_spaces_work(with_val):
    with_val.add("my cat 1", [BOX])
    data = read_yolo_txt(with_val.root)
    assert data.faults == () and len(data.pictures("train")[0].boxes) == 1


def test_pictures_behind_a_symbolic_link_have_their_text_files(with_val, tmp_path, picture):
    with_val.add("a", [BOX])
    picture(tmp_path / "disk/images/b.jpg")
    (tmp_path / "disk/labels").mkdir()
    (tmp_path / "disk/labels/b.txt").write_text(BOX)
    for kind in ("images", "labels"):
        (with_val.root / kind / "train/more").symlink_to(tmp_path / "disk" / kind)
    data = read_yolo_txt(with_val.root)
    assert data.faults == () and [len(found.boxes) for found in data.pictures("train")] == [1, 1]


def test_given_labels_pick_the_order(with_val):
    with_val.add("a", [BOX])
    data = read_yolo_txt(with_val.root, labels=("dog", "cat"))
    assert data.labels == ("dog", "cat") and data.pictures("train")[0].class_ids.tolist() == [0]


def test_a_class_outside_the_given_labels_is_a_fault(with_val):
    with_val.add("a", ["0 .5 .5 .1 .1"])
    fault = only_fault(read_yolo_txt(with_val.root, labels=("dog",)))
    assert "unknown class 'cat', expected one of dog" in fault.message


def test_a_class_number_without_name_is_a_fault_with_its_line(with_val):
    with_val.add("a", [BOX, "15 0.5 0.5 0.1 0.1"])
    data = read_yolo_txt(with_val.root)
    assert str(only_fault(data)).startswith(
        f"{with_val.label('a')}:2: unknown class number 15, expected 0 to 1. Correct the number"
    )


def test_a_number_is_never_taken_for_a_name(with_val):
    (with_val.root / "data.yaml").write_text("train: images/train\nval: images/val\nnames: ['1', '2', '3']\n")
    with_val.add("a", [BOX, "3 .5 .5 .2 .2"])
    data = read_yolo_txt(with_val.root)
    assert "unknown class number 3, expected 0 to 2" in only_fault(data).message and data.pictures("train") == ()


def test_numbers_left_out_of_a_mapping_are_unknown(with_val):
    (with_val.root / "data.yaml").write_text("train: images/train\nval: images/val\nnames: {1: dog, 5: cat}\n")
    with_val.add("a", ["5 .5 .5 .2 .2"])
    with_val.add("b", ["0 .5 .5 .2 .2"])
    data = read_yolo_txt(with_val.root)
    assert "unknown class number 0, expected one of 1, 5" in only_fault(data).message
    assert data.labels == ("dog", "cat") and data.pictures("train")[0].class_ids.tolist() == [1]


@pytest.mark.parametrize(
    "names, message",
    [("cat, dog, cat", "the classes 0 and 2 are both named 'cat'"), ("cat, dog, ''", "class 2 has no name")],
)
def test_a_class_without_a_name_of_its_own_is_a_fault_and_stays_a_class(with_val, names, message):
    (with_val.root / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames: [{names}]\n")
    with_val.add("a", ["2 .5 .5 .2 .2"])
    data = read_yolo_txt(with_val.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line, fault.message) == ("class_names", 3, message)
    assert data.labels == ("cat", "dog", "class_2") and data.pictures("train")[0].class_ids.tolist() == [2]


def test_without_names_the_classes_are_numbered_and_the_data_says_so(with_val):
    (with_val.root / "data.yaml").write_text("train: images/train\nval: images/val\n")
    with_val.add("a", [BOX])
    data = read_yolo_txt(with_val.root)
    assert data.labels == ("class_0", "class_1") and data.faults == ()
    assert "No file lists the class names: labels inferred as class_0, class_1." in data.notes


def test_without_names_given_labels_count_in_order(with_val):
    (with_val.root / "data.yaml").write_text("train: images/train\n")
    with_val.add("a", [BOX])
    assert read_yolo_txt(with_val.root, labels=("x", "y")).pictures("train")[0].class_ids.tolist() == [1]


@pytest.mark.parametrize(
    "line, message",
    [
        ("1 0.5 0.5 0.5", "expected 5 numbers, received 4 fields"),
        ("1 .1 .1 .2 .2 .3 .3", "received 7 fields (more than six look like a polygon of a segmentation set)"),
        ("1 .1 .1 .2 .2 .9", "expected 5 numbers, received 6 fields"),
        ("cat .1 .1 .2 .2", "expected 5 numbers (could not convert string to float: 'cat')"),
        ("0.5 .1 .1 .2 .2", "the class number 0.5 is not a whole number"),
        ("nan .1 .1 .2 .2", "the class number nan is not a whole number"),
        ("1 30 20 10 10", "expected fractions of the picture, 30 20 10 10 look like pixels"),
    ],
)
def test_a_malformed_line_names_itself_and_leaves_the_picture_out(with_val, line, message):
    with_val.add("a", ["", BOX, line])
    data = read_yolo_txt(with_val.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line, fault.file) == ("malformed", 3, str(with_val.label("a")))
    assert message in fault.message and data.pictures("train") == ()


def test_a_malformed_line_and_an_unknown_class_hide_no_other_fault(with_val):
    with_val.add("a", ["7 .5 .5 .1 .1", "1 .5 .5", "0 .5 .5 0 .1", "0 1.4 .5 .1 .1"])
    data = read_yolo_txt(with_val.root)
    assert [(fault.kind, fault.line) for fault in data.faults] == [
        ("unknown_class", 1),
        ("malformed", 2),
        ("zero_area", 3),
        ("outside", 4),
    ]
    assert data.pictures("train") == ()


def test_nan_is_a_fault_with_its_line(with_val):
    with_val.add("a", [BOX, "1 nan .5 .1 .1"])
    fault = only_fault(read_yolo_txt(with_val.root))
    assert (fault.kind, fault.line) == ("not_finite", 2)


@pytest.mark.parametrize(
    "line, kind",
    [
        ("0 .5 .5 0 .1", "zero_area"),
        ("0 .9 .5 .4 .1", "out_of_picture"),
        (BOX, "duplicate_box"),
        ("0 1.4 .5 .1 .1", "outside"),
    ],
)
def test_faulty_boxes_name_their_line(with_val, line, kind):
    with_val.add("a", [BOX, line])
    fault = only_fault(read_yolo_txt(with_val.root))
    assert (fault.kind, fault.line, fault.file) == (kind, 2, str(with_val.label("a")))


def test_an_unreadable_picture_is_a_fault(with_val):
    with_val.add("a", [BOX])
    (with_val.root / "images/train/a.jpg").write_text("no picture")
    assert only_fault(read_yolo_txt(with_val.root)).kind == "unreadable_picture"


def test_a_text_file_without_picture_is_a_fault(with_val):
    with_val.add("a", [BOX])
    with_val.label("gone").write_text(BOX)
    (with_val.root / "labels/train/classes.txt").write_text("cat")
    fault = only_fault(read_yolo_txt(with_val.root))
    assert (fault.kind, fault.file) == ("missing_picture", str(with_val.label("gone")))
    assert "no picture gone with one of the suffixes .jpg" in fault.message


def test_a_listed_picture_that_is_missing_names_the_line_of_the_list(tmp_path, picture):
    picture(tmp_path / "obj/a.jpg")
    (tmp_path / "obj/a.txt").write_text(BOX)
    (tmp_path / "obj.names").write_text("cat\ndog\n")
    (tmp_path / "train.txt").write_text("obj/a.jpg\nobj/gone.jpg\nobj/a.jpg\n")
    data = read_yolo_txt(tmp_path)
    missing, repeated = data.faults
    assert (missing.kind, missing.file, missing.line) == ("missing_picture", str(tmp_path / "train.txt"), 2)
    assert (repeated.kind, repeated.line) == ("repeated_picture", 3)
    assert len(data.pictures("train")) == 1


def test_the_same_bytes_in_two_splits_are_a_leak(with_val):
    with_val.add("a", [BOX])
    with_val.add("b", [BOX])
    root = with_val.root
    (root / "images/train/a.jpg").write_bytes((root / "images/val/v.jpg").read_bytes())
    data = read_yolo_txt(root)
    assert only_fault(data).kind == "leak" and [p.path.name for p in data.pictures("train")] == ["b.jpg"]


def test_a_broken_data_yaml_is_collected_not_raised(yolo):
    (yolo.root / "data.yaml").write_text("train: [a\n")
    assert only_fault(read_yolo_txt(yolo.root)).kind == "malformed"
