from pathlib import Path

import pytest

from cnn_suite.data.boxes.yolo_layout import find_layout, is_yolo_txt, label_file


def names_of(layout):
    return {split: [listed.path.name for listed in listed_pictures] for split, listed_pictures in layout.splits.items()}


def test_labels_mirror_the_last_images_folder():
    assert label_file(Path("images/set/images/train/a b.jpg")) == Path("images/set/labels/train/a b.txt")


def test_labels_lie_beside_a_picture_without_images_folder():
    assert label_file(Path("obj/a.jpg")) == Path("obj/a.txt")


def test_labels_beside_the_picture_are_found_where_no_mirrored_ones_are(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.txt").touch()
    assert label_file(tmp_path / "images/a.jpg") == tmp_path / "images/a.txt"


def test_data_yaml_gives_splits_and_names(yolo):
    yolo.add("a", ["0 .5 .5 .1 .1"])
    yolo.add("b", [], "val")
    root, layout = find_layout(yolo.root)
    assert root == yolo.root and layout.names == {0: "cat", 1: "dog"}
    assert names_of(layout) == {"train": ["a.jpg"], "val": ["b.jpg"]}


def test_the_data_yaml_itself_can_be_given(yolo):
    assert find_layout(yolo.root / "data.yaml")[0] == yolo.root


def test_names_may_be_a_mapping(yolo):
    (yolo.root / "data.yaml").write_text("train: images/train\nnames: {1: dog, 0: cat}\n")
    assert find_layout(yolo.root)[1].names == {0: "cat", 1: "dog"}


@pytest.mark.parametrize(
    "names", ["[no, yes, 010, 1.50, 12:30, on]", "{0: no, 1: yes, 2: 010, 3: 1.50, 4: 12:30, 5: on}"]
)
def test_names_stay_as_they_are_written(yolo, names):
    # YAML 1.1 reads False, True, 8, 1.5, 750 and True.
    (yolo.root / "data.yaml").write_text(f"train: images/train\nnc: 6\nnames: {names}\n")
    layout = find_layout(yolo.root)[1]
    assert list(layout.names.values()) == ["no", "yes", "010", "1.50", "12:30", "on"] and layout.faults == []


def test_a_split_left_empty_is_none(yolo):
    (yolo.root / "data.yaml").write_text("train: images/train\nval: null\ntest:\nnames: [cat]\n")
    layout = find_layout(yolo.root)[1]
    assert list(layout.splits) == ["train"] and layout.faults == []


def test_path_moves_the_root(yolo):
    yolo.add("a", [])
    (yolo.root / "data.yaml").write_text("path: images\ntrain: train\nnames: [cat]\n")
    assert names_of(find_layout(yolo.root)[1]) == {"train": ["a.jpg"]}


def test_a_spurious_leading_parent_folder_is_forgiven(yolo):
    yolo.add("a", [])
    (yolo.root / "data.yaml").write_text("train: ../images/train\nnames: [cat]\n")
    assert names_of(find_layout(yolo.root)[1]) == {"train": ["a.jpg"]}


def test_a_split_may_be_several_folders_or_a_list_file_with_spaces(yolo):
    yolo.add("a", [])
    yolo.add("my b", [], "val")
    (yolo.root / "more.txt").write_text("./images/val/my b.jpg\n\n")
    (yolo.root / "data.yaml").write_text("train: [images/train, more.txt]\nnames: [cat]\n")
    layout = find_layout(yolo.root)[1]
    assert names_of(layout) == {"train": ["a.jpg", "my b.jpg"]}
    assert layout.splits["train"][1].line == 1


def test_a_split_that_does_not_exist_names_the_line(yolo):
    (yolo.root / "data.yaml").write_text("names: [cat]\ntrain: images/nowhere\n")
    (fault,) = find_layout(yolo.root)[1].faults
    assert (fault.kind, fault.line) == ("missing_picture", 2)
    assert "the split 'train' points to images/nowhere, which does not exist" in fault.message


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("train: [a\nb: c", 2, "not valid YAML"),
        ("- a\n- b\n", 1, "expected a mapping with the keys names, train and val"),
        ("train: images/train\nnames: cat\n", 2, "`names` must be a list of names or a mapping"),
        ("nc: 3\nnames: [cat]\n", 1, "`nc` is 3 while `names` has 1 entries"),
    ],
)
def test_a_wrong_data_yaml_is_a_fault_with_its_line(yolo, text, line, message):
    (yolo.root / "data.yaml").write_text(text)
    (fault,) = find_layout(yolo.root)[1].faults
    assert (fault.kind, fault.line) == ("malformed", line) and message in fault.message


def test_images_and_labels_without_yaml_are_enough(yolo):
    (yolo.root / "data.yaml").unlink()
    yolo.add("a", [])
    layout = find_layout(yolo.root)[1]
    assert names_of(layout) == {"train": ["a.jpg"], "val": []} and layout.notes == []


def test_images_without_split_folders_are_one_split(tmp_path, picture):
    picture(tmp_path / "images/a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    layout = find_layout(tmp_path)[1]
    assert names_of(layout) == {"all": ["a.jpg"]} and layout.names == {0: "cat", 1: "dog"}
    assert layout.notes == ["No splits are given: all pictures form one split, 'all'."]


def test_pictures_beside_the_split_folders_are_counted(yolo, picture):
    (yolo.root / "data.yaml").unlink()
    yolo.add("a", [])
    picture(yolo.root / "images/loose.jpg")
    picture(yolo.root / "images/test2/b.jpg")
    layout = find_layout(yolo.root)[1]
    assert names_of(layout) == {"train": ["a.jpg"], "val": []}
    assert layout.notes == ["2 pictures under images/ are in no split, the first is images/loose.jpg."]


def test_split_folders_outside_images_are_found(tmp_path, picture):
    picture(tmp_path / "train/images/a.jpg")
    picture(tmp_path / "valid/images/b.jpg")
    for split in ("train", "valid"):
        (tmp_path / split / "labels").mkdir()
    assert names_of(find_layout(tmp_path)[1]) == {"train": ["a.jpg"], "val": ["b.jpg"]}


def test_darknet_lists_beside_obj_names(tmp_path, picture):
    picture(tmp_path / "obj/my a.jpg")
    (tmp_path / "obj.names").write_text("cat\n\n")
    (tmp_path / "train.txt").write_text("obj/my a.jpg\n")
    (tmp_path / "valid.txt").write_text("obj/gone.jpg\n")
    layout = find_layout(tmp_path)[1]
    assert names_of(layout) == {"train": ["my a.jpg"], "val": ["gone.jpg"]} and layout.names == {0: "cat"}


def test_an_empty_line_among_the_names_names_a_class_and_moves_no_other(tmp_path):
    (tmp_path / "obj.names").write_text("cat\n\ndog\nclass_1\n\n")
    (tmp_path / "train.txt").touch()
    layout = find_layout(tmp_path)[1]
    (fault,) = layout.faults
    assert (fault.kind, fault.line, fault.message) == ("class_names", 2, "class 1 has no name")
    assert [layout.names[number] for number in range(4)] == ["cat", "class_1_", "dog", "class_1"]


def test_darknet_lists_may_count_from_where_darknet_runs(tmp_path, picture):
    picture(tmp_path / "data/obj/a.jpg")
    (tmp_path / "data/obj.names").write_text("cat\n")
    (tmp_path / "data/train.txt").write_text("data/obj/a.jpg\n")
    (listed,) = find_layout(tmp_path / "data")[1].splits["train"]
    assert listed.path.is_file()


def test_obj_data_names_the_lists(tmp_path, picture):
    picture(tmp_path / "obj/a.jpg")
    (tmp_path / "my.names").write_text("cat\n")
    (tmp_path / "learn.txt").write_text("obj/a.jpg\n")
    (tmp_path / "obj.data").write_text("classes = 1\ntrain = learn.txt\nvalid = gone.txt\nnames = my.names\n")
    layout = find_layout(tmp_path / "obj.data")[1]
    assert names_of(layout) == {"train": ["a.jpg"], "val": []} and layout.names == {0: "cat"}
    (fault,) = layout.faults
    assert fault.line == 3 and "the split 'val' points to gone.txt" in fault.message


def test_nothing_known_is_refused(tmp_path):
    assert not is_yolo_txt(tmp_path)
    with pytest.raises(ValueError, match="contains no YOLO data. Expected data.yaml, or images/ and labels/"):
        find_layout(tmp_path)
