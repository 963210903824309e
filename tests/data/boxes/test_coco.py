import json

import numpy as np
import pytest

from cnn_suite.data.boxes.coco import is_coco, read_coco


def only_fault(data):
    (fault,) = data.faults
    return fault


def test_a_box_becomes_unit_xyxy_and_sparse_ids_count_in_id_order(coco):
    coco.add(1, [(7, 15, 10, 15, 30), (3, 0, 0, 60, 20)])
    coco.write()
    data = read_coco(coco.root)
    (picture,) = data.pictures("train")
    np.testing.assert_allclose(picture.boxes, [[0.25, 0.25, 0.5, 1], [0, 0, 1, 0.5]])
    assert data.labels == ("cat", "dog") and picture.class_ids.tolist() == [1, 0] and data.faults == ()
    assert "Labels inferred from the categories in id order: cat, dog." in data.notes and data.format == "coco"


def test_iscrowd_is_crowd(coco):
    coco.add(1, [(7, 15, 10, 15, 30)])
    coco.content["annotations"][0]["iscrowd"] = 1
    coco.write()
    assert read_coco(coco.root).pictures("train")[0].crowd.tolist() == [True]


def test_area_is_that_of_the_annotation_and_of_the_box_where_it_gives_none(coco):
    coco.add(1, [(7, 15, 10, 15, 30), (3, 0, 0, 60, 20)])
    coco.add(2, [(3, 0, 0, 60, 20)])
    coco.content["annotations"][0]["area"] = 99.5
    coco.write()
    first, second = read_coco(coco.root).pictures("train")
    assert first.area_px.tolist() == [99.5, 1200] and second.area_px.tolist() == [1200]


@pytest.mark.parametrize("area", ["large", -1, float("nan")])
def test_an_area_that_is_none_is_malformed(coco, area):
    coco.add(1, [(7, 15, 10, 15, 30)])
    coco.content["annotations"][0]["area"] = area
    coco.write()
    fault = only_fault(read_coco(coco.root))
    assert fault.kind == "malformed" and "annotation 100: `area` must be a number of square pixels" in fault.message


def test_an_image_without_annotations_is_background(coco):
    coco.add(1)
    coco.write()
    assert read_coco(coco.root).pictures("train")[0].boxes.shape == (0, 4)


def test_given_labels_pick_the_order(coco):
    coco.add(1, [(7, 15, 10, 15, 30)])
    coco.write()
    data = read_coco(coco.root, labels=("dog", "cat"))
    assert data.pictures("train")[0].class_ids.tolist() == [0] and data.notes == ()


@pytest.mark.parametrize(
    "json_name, split",
    [
        ("annotations/instances_train2017.json", "train"),
        ("annotations/instances_val.json", "val"),
        ("instances_test.json", "test"),
        ("annotations/learn.json", "learn"),
        ("mine.json", "mine"),
    ],
)
def test_the_split_is_named_after_the_file(coco, json_name, split):
    coco.add(1)
    target = coco.root / json_name
    written = coco.write()
    target.parent.mkdir(parents=True, exist_ok=True)
    written.rename(target)
    (coco.root / "train").rename(coco.root / "images")
    data = read_coco(coco.root)
    assert list(data.splits) == [split] and data.faults == () and is_coco(coco.root)


def test_json_beside_the_pictures_of_each_split(coco):
    coco.split = "valid"
    coco.add(1)
    coco.write().rename(coco.root / "valid/_annotations.coco.json")
    data = read_coco(coco.root)
    assert list(data.splits) == ["val"] and data.faults == ()


def test_one_json_file_can_be_given(coco):
    coco.add(1)
    file = coco.write()
    data = read_coco(file)
    assert is_coco(file) and list(data.splits) == ["train"] and data.faults == ()


def test_several_files_are_several_splits(coco):
    coco.add(1)
    coco.write()
    coco.content["images"], coco.split = [], "val2017"
    coco.add(2)
    coco.write()
    assert {name: len(pictures) for name, pictures in read_coco(coco.root).splits.items()} == {"train": 1, "val": 1}


def test_other_json_is_not_coco(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"boxes": []}))
    assert not is_coco(tmp_path)


@pytest.mark.parametrize(
    "box, kind, message",
    [
        ((3, 5, 5, 0, 9), "zero_area", "annotation 100: box of 'cat' (5, 5, 5, 14) has no area"),
        ((3, 50, 5, 20, 9), "out_of_picture", "extends 10 px beyond its picture of 60x40"),
        ((5, 5, 5, 9, 9), "unknown_class", "annotation 100: unknown class 'category 5', expected one of cat, dog"),
        ((3, float("nan"), 5, 9, 9), "not_finite", "contains a value that is not finite"),
        (
            (3, "left", 5, 9, 9),
            "malformed",
            "`bbox` must be four numbers x, y, width, height. Received ['left', 5, 9, 9]",
        ),
        ((3, 5, 5), "malformed", "`bbox` must be four numbers"),
    ],
)
def test_faulty_boxes_name_their_annotation(coco, box, kind, message):
    coco.add(1, [box])
    file = coco.write()
    fault = only_fault(read_coco(coco.root))
    assert (fault.kind, fault.file) == (kind, str(file)) and message in fault.message


def test_a_malformed_box_and_a_wrong_size_hide_no_other_fault(coco):
    coco.add(1, [(3, "left", 5, 9, 9), (3, 5, 5, 0, 9), (4, 5, 5, 9, 9)], size_hw=(80, 120))
    coco.write()
    kinds = [fault.kind for fault in read_coco(coco.root).faults]
    assert kinds == ["size_mismatch", "malformed", "unknown_class", "zero_area"]


def test_a_size_that_is_no_number_is_malformed(coco):
    coco.add(1, size_hw=("high", 60))
    coco.write()
    fault = only_fault(read_coco(coco.root))
    assert fault.kind == "malformed"
    assert "image 1 (1.jpg): `height` and `width` must be whole numbers. Received 'high' and 60" in fault.message


def test_a_malformed_box_leaves_its_picture_out(coco):
    coco.add(1, [(3, "left", 5, 9, 9), (3, 5, 5, 9, 9)])
    coco.write()
    assert read_coco(coco.root).pictures("train") == ()


def test_a_duplicate_box_is_a_fault(coco):
    coco.add(1, [(3, 5, 5, 9, 9), (3, 5, 5, 9, 9)])
    coco.write()
    fault = only_fault(read_coco(coco.root))
    assert fault.kind == "duplicate_box" and fault.message.startswith("annotation 101: duplicate box of 'cat'")


def test_a_wrong_size_names_the_image(coco):
    coco.add(1, size_hw=(80, 120))
    coco.write()
    data = read_coco(coco.root)
    assert "image 1 (1.jpg): the annotation gives the size 120x80" in only_fault(data).message
    assert data.pictures("train") == ()


def test_a_missing_picture_is_a_fault(coco):
    coco.add(1, picture=False)
    coco.write()
    fault = only_fault(read_coco(coco.root))
    assert fault.kind == "missing_picture" and "1.jpg does not exist" in fault.message


def test_an_annotation_of_no_image_is_a_fault(coco):
    coco.add(1, [(3, 5, 5, 9, 9)])
    coco.content["annotations"][0]["image_id"] = 99
    coco.write()
    assert (
        "annotation 100: its image_id 99 does not refer to an image of this file"
        in only_fault(read_coco(coco.root)).message
    )


def test_an_image_without_id_is_a_fault(coco):
    coco.add(1)
    coco.content["images"][0]["id"] = [1]
    coco.write()
    assert "the id of image '1.jpg' must be a number. Received [1]" in only_fault(read_coco(coco.root)).message


def test_a_picture_listed_twice_is_kept_once(coco):
    coco.add(1)
    coco.content["images"].append(dict(coco.content["images"][0], id=2))
    coco.write()
    data = read_coco(coco.root)
    assert only_fault(data).kind == "repeated_picture" and len(data.pictures("train")) == 1


def test_pictures_that_share_an_id_are_left_out_and_named_once(coco):
    coco.add("a", [(3, 5, 5, 9, 9)])
    coco.add("b", [(7, 20, 5, 9, 9)])
    coco.add(2, [(7, 20, 5, 9, 9)])
    for image in coco.content["images"][:2]:
        image["id"] = 1
    for annotation in coco.content["annotations"][:2]:
        annotation["image_id"] = 1
    file = coco.write()
    data = read_coco(coco.root)
    fault = only_fault(data)
    assert (fault.file, fault.kind) == (str(file), "malformed")
    assert fault.message == "id 1 belongs to a.jpg and b.jpg, so its annotations may be of any of them"
    assert [picture.path.name for picture in data.pictures("train")] == ["2.jpg"]


def test_an_id_of_many_pictures_hides_no_other_fault_and_names_two_of_them(coco):
    for name in "abcd":
        coco.add(name, [(4, 5, 5, 9, 9)] if name == "b" else [])
    for image in coco.content["images"]:
        image["id"] = "b"
    coco.write()
    shared, unknown = read_coco(coco.root).faults
    assert shared.message.startswith("id b belongs to a.jpg, b.jpg and 2 more, so")
    assert unknown.kind == "unknown_class"


def test_broken_json_names_its_line(coco):
    file = coco.write()
    file.write_text('{"images": [],\n"annotations": [}\n')
    fault = only_fault(read_coco(coco.root))
    assert (fault.kind, fault.line) == ("malformed", 2) and "not valid JSON" in fault.message


def test_json_in_another_encoding_is_a_fault(coco):
    file = coco.write()
    file.write_bytes(b'{"images": "\xff"}')
    assert "not UTF-8 text" in only_fault(read_coco(coco.root)).message


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_a_missing_list_is_a_fault(coco, key):
    del coco.content[key]
    coco.write()
    assert f"expected a list of objects under the key '{key}'" in only_fault(read_coco(coco.root)).message


def test_a_category_id_that_is_no_number_is_a_fault(coco):
    coco.content["categories"].append({"id": "bird", "name": "bird"})
    coco.write()
    assert "the id of category 'bird' must be a whole number" in only_fault(read_coco(coco.root)).message


def test_files_whose_categories_disagree_are_a_fault(coco):
    coco.add(1)
    coco.write()
    coco.content["images"], coco.split = [], "val"
    coco.content["categories"][0]["name"] = "horse"
    coco.write()
    fault = only_fault(read_coco(coco.root))
    assert "category 7 is 'horse' here but 'dog' in an earlier file" in fault.message


def test_the_same_picture_in_two_splits_is_a_leak(coco):
    coco.add(1)
    coco.write()
    coco.split = "val"
    coco.write()
    (coco.root / "train").rename(coco.root / "images")
    data = read_coco(coco.root)
    assert only_fault(data).kind == "leak" and data.pictures("train") == () and len(data.pictures("val")) == 1
