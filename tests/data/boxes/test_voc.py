import numpy as np
import pytest

from cnn_suite.data.boxes.voc import read_voc

CAT, DOG = ("cat", 15, 10, 30, 40), ("dog", 0, 0, 60, 20)


def only_fault(data):
    (fault,) = data.faults
    return fault


def test_boxes_are_continuous_edges_without_minus_one(voc):
    voc.add("a", [CAT])
    (picture,) = read_voc(voc.root).pictures("train")
    np.testing.assert_allclose(picture.boxes, [[15 / 60, 10 / 40, 30 / 60, 40 / 40]])
    assert picture.size_hw == (40, 60) and picture.source == "a.xml"


def test_labels_are_inferred_in_order_of_their_names_and_the_data_says_so(voc):
    voc.add("a", [DOG, CAT])
    data = read_voc(voc.root)
    assert data.labels == ("cat", "dog") and data.format == "voc" and data.root == voc.root
    assert data.pictures("train")[0].class_ids.tolist() == [1, 0]
    assert "Labels inferred from the annotations, sorted by name: cat, dog." in data.notes


def test_given_labels_keep_their_order(voc):
    voc.add("a", [DOG, CAT])
    data = read_voc(voc.root, labels=("dog", "cat", "bird"))
    assert data.labels == ("dog", "cat", "bird") and data.pictures("train")[0].class_ids.tolist() == [0, 1]
    assert data.faults == () and data.notes == ()


def test_a_class_outside_the_given_labels_is_a_fault(voc):
    voc.add("a", [DOG, CAT])
    fault = only_fault(read_voc(voc.root, labels=("dog", "cats")))
    assert str(fault).startswith(f"{voc.root}/Annotations/a.xml:10: unknown class 'cat', expected one of dog, cats")
    assert "Did you mean 'cats'?" in fault.fix


def test_difficult_objects_are_no_crowd(voc):
    voc.add("a", [CAT], difficult=1)
    (picture,) = read_voc(voc.root).pictures("train")
    assert (picture.difficult.tolist(), picture.crowd.tolist(), picture.ignored.tolist()) == ([True], [False], [True])


def test_splits_come_in_the_order_train_val_test_and_trainval_is_left_out(voc):
    for name, split in (("a", "test"), ("b", "val"), ("c", "train"), ("c", "trainval"), ("b", "trainval")):
        voc.add(name, [CAT], split)
    assert list(read_voc(voc.root).splits) == ["train", "val", "test"]


def test_trainval_alone_is_a_split(voc):
    voc.add("a", [CAT], "trainval")
    assert list(read_voc(voc.root).splits) == ["trainval"]


def test_lists_of_one_class_are_no_splits(voc):
    voc.add("a", [CAT])
    (voc.root / "ImageSets/Main/cat_train.txt").write_text("a  1\n")
    data = read_voc(voc.root)
    assert list(data.splits) == ["train"] and data.faults == ()


@pytest.mark.parametrize("name", ["cat_train", "cat_default"])
def test_a_list_is_of_one_class_by_what_it_says_whatever_its_name(voc, name):
    # The first name is of VOC's own kit, the second of CVAT's export.
    voc.add("a", [CAT], "default")
    voc.add("b", [DOG], "default")
    (voc.root / f"ImageSets/Main/{name}.txt").write_text("a  1\nb -1\nc  0\n")
    data = read_voc(voc.root)
    assert list(data.splits) == ["default"] and data.faults == ()


def test_a_list_of_pictures_is_a_split_whatever_its_name(voc):
    voc.add("a", [CAT], "fold1_train")
    voc.add("b", [CAT], "fold1_val")
    data = read_voc(voc.root)
    assert {split: len(pictures) for split, pictures in data.splits.items()} == {"fold1_train": 1, "fold1_val": 1}


def test_a_list_of_pictures_whose_names_end_in_nought_or_one_is_a_split(voc):
    voc.add("cat 0", [CAT], "val")
    voc.add("cat 1", [CAT], "val")
    assert len(read_voc(voc.root).pictures("val")) == 2


def test_without_lists_all_pictures_are_one_split_and_the_data_says_so(voc):
    voc.add("a", [CAT])
    (voc.root / "ImageSets/Main/train.txt").unlink()
    data = read_voc(voc.root)
    assert list(data.splits) == ["all"] and len(data.pictures("all")) == 1
    assert "No list in ImageSets/Main: all pictures form one split, 'all'." in data.notes


def test_annotations_in_no_list_are_counted(voc):
    voc.add("a", [CAT])
    voc.add("b", [CAT], "val")
    (voc.root / "ImageSets/Main/val.txt").write_text("\n")
    assert "1 annotation files are in no split, the first is b.xml." in read_voc(voc.root).notes


def test_names_with_spaces_work(voc):
    voc.add("my cat 1", [CAT])
    data = read_voc(voc.root)
    assert data.faults == () and data.pictures("train")[0].path.name == "my cat 1.jpg"


def test_a_filename_that_does_not_exist_gives_way_to_the_annotations_own_name(voc):
    voc.add("a", [CAT], filename="renamed_once.jpg")
    data = read_voc(voc.root)
    assert data.faults == () and data.pictures("train")[0].path.name == "a.jpg"


def test_the_annotations_own_name_comes_before_a_filename_that_is_another_picture(voc):
    # Renamed together: 0001 was 0002 before, and its <filename> still says so.
    voc.add("0001", [CAT], filename="0002.jpg")
    voc.add("0002", [DOG], filename="0003.jpg")
    data = read_voc(voc.root)
    assert data.faults == ()
    found = {
        picture.path.name: [data.labels[number] for number in picture.class_ids] for picture in data.pictures("train")
    }
    assert found == {"0001.jpg": ["cat"], "0002.jpg": ["dog"]}


def test_a_filename_counts_where_no_picture_has_the_annotations_own_name(voc, picture):
    picture(voc.root / "JPEGImages/photo.jpg")
    voc.add("a", [CAT], picture=False, filename="photo.jpg")
    data = read_voc(voc.root)
    assert data.faults == () and data.pictures("train")[0].path.name == "photo.jpg"


def test_a_filename_says_which_of_two_pictures_of_the_annotations_name(voc, picture):
    voc.add("a", [CAT], filename="a.png")
    picture(voc.root / "JPEGImages/a.png")
    assert read_voc(voc.root).pictures("train")[0].path.name == "a.png"


def test_a_picture_without_objects_is_background(voc):
    voc.add("a", [])
    data = read_voc(voc.root)
    assert data.faults == () and data.pictures("train")[0].boxes.shape == (0, 4)


def test_an_annotation_without_size_claims_nothing(voc):
    voc.add("a", [CAT], size_hw=None)
    assert read_voc(voc.root).faults == ()


def test_parts_of_an_object_are_no_objects(voc):
    voc.add("a", [CAT])
    file = voc.root / "Annotations/a.xml"
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
    file.write_text(file.read_text().replace("</object>", part + "</object>"))
    data = read_voc(voc.root)
    assert data.labels == ("cat",) and len(data.pictures("train")[0].boxes) == 1


def test_a_box_without_area_names_its_line(voc):
    voc.add("a", [("cat", 5, 5, 5, 5), DOG])
    data = read_voc(voc.root)
    assert str(only_fault(data)) == (
        f"{voc.root}/Annotations/a.xml:6: box of 'cat' (5, 5, 5, 5) has no area: it is 0 px wide and 0 px high. "
        "Remove it or draw it again."
    )
    assert len(data.pictures("train")[0].boxes) == 1


def test_an_overhanging_box_names_its_line(voc):
    voc.add("a", [DOG, ("cat", 5, 5, 75, 20)])
    fault = only_fault(read_voc(voc.root))
    assert (fault.kind, fault.line) == ("out_of_picture", 10)


def test_a_duplicate_names_both_lines(voc):
    voc.add("a", [CAT, CAT])
    fault = only_fault(read_voc(voc.root))
    assert (fault.kind, fault.line) == ("duplicate_box", 10) and fault.message.endswith("first on line 6")


def test_a_wrong_size_leaves_the_picture_out(voc):
    voc.add("a", [CAT], size_hw=(80, 120))
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("size_mismatch", 3)
    assert data.pictures("train") == ()


def test_a_wrong_size_hides_no_fault_of_its_boxes_on_the_size_they_were_drawn_on(voc):
    # The box from 70 to 110 lies outside the picture of 60x40 but inside the claimed 120x80.
    voc.add("a", [("cat", 70, 10, 110, 40), ("cat", 5, 5, 5, 5), ("dog", 110, 5, 150, 9)], size_hw=(80, 120))
    faults = read_voc(voc.root).faults
    assert [(f.kind, f.line) for f in faults] == [("size_mismatch", 3), ("zero_area", 10), ("out_of_picture", 14)]


def test_an_incomplete_object_and_a_missing_picture_hide_no_other_fault(voc):
    voc.add("a", [CAT, ("cat", 5, 5, 5, 5)], picture=False)
    file = voc.root / "Annotations/a.xml"
    file.write_text(file.read_text().replace("<xmin>15</xmin>", ""))
    faults = read_voc(voc.root, labels=("dog",)).faults
    assert [(f.kind, f.line) for f in faults] == [("missing_picture", 2), ("malformed", 4), ("unknown_class", 10)]
    assert [f.kind for f in read_voc(voc.root).faults] == ["missing_picture", "malformed", "zero_area"]


def test_a_size_of_nought_keeps_the_picture(voc):
    voc.add("a", [CAT], size_hw=(0, 0))
    data = read_voc(voc.root)
    assert only_fault(data).kind == "size_not_filled_in" and len(data.pictures("train")) == 1


def test_a_size_that_is_no_number_is_malformed(voc):
    voc.add("a", [CAT], size_hw=("high", "wide"))
    fault = only_fault(read_voc(voc.root))
    assert (fault.kind, fault.line) == ("malformed", 3)
    assert "<size> must contain whole numbers <width> and <height>" in fault.message


def test_a_missing_picture_names_the_line_of_its_name(voc):
    voc.add("a", [CAT], picture=False)
    fault = only_fault(read_voc(voc.root))
    assert (fault.kind, fault.line) == ("missing_picture", 2) and "JPEGImages/a.jpg does not exist" in fault.message


def test_an_unreadable_picture_is_a_fault(voc):
    voc.add("a", [CAT])
    (voc.root / "JPEGImages/a.jpg").write_text("no picture")
    assert only_fault(read_voc(voc.root)).kind == "unreadable_picture"


def test_a_missing_annotation_names_the_line_of_the_list(voc):
    voc.add("a", [CAT])
    voc.list("gone", "train")
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert str(fault).startswith(f"{voc.root}/ImageSets/Main/train.txt:2: the annotation ")
    assert "gone.xml of the listed picture 'gone' does not exist" in fault.message
    assert len(data.pictures("train")) == 1


def test_broken_xml_names_the_line(voc):
    voc.add("a", [CAT])
    file = voc.root / "Annotations/a.xml"
    file.write_text(file.read_text().replace("</object>", ""))
    fault = only_fault(read_voc(voc.root))
    assert (fault.kind, fault.line) == ("malformed", 8) and "not well-formed XML (mismatched tag)" in fault.message


def test_an_annotation_in_an_unknown_encoding_is_a_fault_of_its_own(voc):
    voc.add("a", [CAT])
    voc.add("b", [CAT])
    file = voc.root / "Annotations/a.xml"
    file.write_text('<?xml version="1.0" encoding="cp-xyz"?>\n' + file.read_text())
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert (fault.file, fault.line, fault.kind) == (str(file), 1, "malformed")
    assert [picture.path.name for picture in data.pictures("train")] == ["b.jpg"]


@pytest.mark.parametrize("old, new", [("<xmin>15</xmin>", "<xmin>left</xmin>"), ("<xmin>15</xmin>", ""), ("cat", "")])
def test_an_incomplete_object_names_its_line(voc, old, new):
    voc.add("a", [CAT])
    file = voc.root / "Annotations/a.xml"
    file.write_text(file.read_text().replace(old, new))
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("malformed", 4)
    assert "<object> needs a <name> and a <bndbox> with the numbers xmin, ymin, xmax, ymax" in fault.message
    assert data.pictures("train") == ()


def test_nan_is_a_fault(voc):
    voc.add("a", [("cat", "nan", 5, 9, 9)])
    assert only_fault(read_voc(voc.root)).kind == "not_finite"


def test_a_picture_listed_twice_is_kept_once(voc):
    voc.add("a", [CAT])
    voc.list("a", "train")
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("repeated_picture", 2)
    assert "the picture a is listed in the split 'train' more than once" in fault.message
    assert len(data.pictures("train")) == 1


def test_a_picture_in_two_splits_is_a_leak_with_the_line_of_the_list(voc):
    voc.add("a", [CAT])
    voc.add("b", [CAT])
    voc.list("b", "test")
    data = read_voc(voc.root)
    fault = only_fault(data)
    assert (fault.kind, fault.line) == ("leak", 2) and fault.file.endswith("train.txt")
    assert len(data.pictures("train")) == 1 and len(data.pictures("test")) == 1


def test_all_faults_are_collected_at_once(voc):
    voc.add("a", [("cat", 5, 5, 5, 5)])
    voc.add("b", [CAT], picture=False)
    voc.list("c", "val")
    assert {fault.kind for fault in read_voc(voc.root).faults} == {"zero_area", "missing_picture", "missing_annotation"}
