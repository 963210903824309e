import csv
import shutil

import numpy as np
import pytest

from cnn_suite.data.boxes.doctor import examine
from cnn_suite.data.boxes.repair import LOG_NAME, repair
from cnn_suite.data.boxes.sources import read_detection_data
from cnn_suite.data.faces.landmarked_faces import read_landmarked_faces

CAT = ("cat", 5, 5, 25, 20)


def log_of(folder):
    with open(folder / LOG_NAME, newline="") as file:
        return list(csv.DictReader(file))


def assert_same_truth(first, second):
    """Same splits, labels and boxes, whatever the files are called."""
    assert first.labels == second.labels and list(first.splits) == list(second.splits)
    for split in first.splits:
        for a, b in zip(first.pictures(split), second.pictures(split), strict=True):
            assert a.path.read_bytes() == b.path.read_bytes() and a.size_hw == b.size_hw
            np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-5)
            np.testing.assert_array_equal(a.class_ids, b.class_ids)
            np.testing.assert_array_equal(a.crowd, b.crowd)
            np.testing.assert_array_equal(a.difficult, b.difficult)


def test_a_voc_set_with_every_fault_is_sound_afterwards(voc, tmp_path):
    voc.add("a", [CAT, ("cat", 5, 5, 5, 5), ("dog", 40, 5, 75, 20), CAT])
    voc.add("missing", [CAT], picture=False)
    voc.add("broken", [CAT])
    broken = voc.root / "JPEGImages/broken.jpg"
    broken.write_bytes(broken.read_bytes()[:-400])
    voc.add("c", [CAT])
    voc.list("c", "test")
    voc.add("d", [CAT], size_hw=(80, 120))
    voc.add("e", [CAT], size_hw=(0, 0), split="val")
    data = read_detection_data(voc.root)
    target = tmp_path / "repaired"
    changes = repair(data, target)
    after = examine(target)
    assert after.faults == () and after.data.format == "voc"
    assert after.pictures == {"train": 1, "val": 1, "test": 1}
    assert after.classes["train"] == {"cat": 1, "dog": 1}
    (train,) = after.data.pictures("train")
    np.testing.assert_allclose(train.boxes_px, [[5, 5, 25, 20], [40, 5, 60, 20]], atol=1e-4)
    kinds = {row["kind"]: row["done"] for row in log_of(target)}
    assert len(changes) == len(log_of(target)) == 8
    assert kinds["zero_area"] == "box omitted" and kinds["out_of_picture"] == "box clipped to the picture"
    assert kinds["duplicate_box"] == "second box omitted" and kinds["unreadable_picture"] == "picture omitted"
    assert kinds["leak"] == "picture removed from the earlier split" and kinds["size_not_filled_in"] == "size corrected"


def test_the_source_is_not_touched(voc, tmp_path):
    voc.add("a", [CAT, CAT])
    before = {file: file.read_bytes() for file in voc.root.rglob("*") if file.is_file()}
    repair(read_detection_data(voc.root), tmp_path / "repaired")
    assert {file: file.read_bytes() for file in voc.root.rglob("*") if file.is_file()} == before


def test_the_log_names_file_line_and_what_was_done(voc, tmp_path):
    voc.add("a", [CAT, CAT])
    repair(read_detection_data(voc.root), tmp_path / "repaired")
    (row,) = log_of(tmp_path / "repaired")
    assert row["file"] == str(voc.root / "Annotations/a.xml") and row["line"] == "10"
    assert (
        row["kind"] == "duplicate_box" and row["done"] == "second box omitted" and "duplicate box of" in row["message"]
    )


def test_sound_voc_comes_back_the_same(voc, tmp_path):
    voc.add("my cat", [CAT, ("dog &amp; co", 1.25, 2.5, 30, 33.125)], difficult=1)
    voc.add("b", [], "val")
    data = read_detection_data(voc.root)
    assert repair(data, tmp_path / "copy") == ()
    assert_same_truth(data, read_detection_data(tmp_path / "copy"))


def test_sound_yolo_txt_comes_back_the_same_and_stays_yolo_txt(yolo, tmp_path):
    yolo.add("my a", ["1 0.5 0.5 0.5 0.25", "0 0.123456 0.3 0.1 0.2"])
    yolo.add("b", [], "train")
    yolo.add("c", ["0 0.5 0.5 0.1 0.1"], "val")
    data = read_detection_data(yolo.root)
    repair(data, tmp_path / "copy")
    again = read_detection_data(tmp_path / "copy")
    assert again.format == "yolo_txt" and again.faults == ()
    assert_same_truth(data, again)


def test_yolo_txt_without_splits_keeps_none(yolo, tmp_path, picture):
    root = tmp_path / "flat"
    picture(root / "images/a.jpg")
    (root / "labels").mkdir()
    (root / "labels/a.txt").write_text("1 0.5 0.5 0.5 0.25\n")
    (root / "classes.txt").write_text("cat\ndog\n")
    data = read_detection_data(root)
    repair(data, tmp_path / "copy")
    assert_same_truth(data, read_detection_data(tmp_path / "copy"))


def test_a_landmarks_csv_keeps_points_people_and_annotations_of_the_sound_faces(tmp_path, picture):
    # b.jpg is disputed, e.jpg is missing. In c.jpg Cy has no area, and Di's face is Ann's: both of Di's rows go.
    source = tmp_path / "faces"
    rows = [
        ("x/a.jpg", "Ann", 10, 10, 30, 10, 20, 35),
        ("x/a.jpg", "Ann", 11, 10, 31, 10, 21, 35),
        ("b.jpg", "Bo", 1, 1, 9, 1, 5, 9),
        ("b.jpg", "Bo", 30, 1, 39, 1, 35, 9),
        ("c.jpg", "Cy", 5, 5, 20, 5, 9, 5),
        ("c.jpg", "Ann", 5, 5, 20, 5, 9, 20),
        ("c.jpg", "Di, jr.", 5, 5, 20, 5, 9, 20),
        ("c.jpg", "Di, jr.", 5, 5, 20, 5, 9, 20),
        ("d.jpg", "Cy", 5, 5, 20, 5, 9, 5),
        ("e.jpg", "Ann", 10, 10, 30, 10, 20, 35),
        ("y/a.jpg", "Di, jr.", 10.25, 10, 30, 10, 20, 35),
    ]
    for name in ("x/a.jpg", "b.jpg", "c.jpg", "d.jpg", "y/a.jpg"):
        picture(source / "images" / name)
    with open(source / "mine.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image", "person", "x0", "y0", "x1", "y1", "x2", "y2"), *rows])
    data = read_detection_data(source)
    repair(data, tmp_path / "copy")
    again = read_detection_data(tmp_path / "copy")
    assert again.format == "landmarks_csv" and again.faults == ()
    assert [len(picture.boxes) for picture in data.pictures("train")] == [1, 1, 0, 1]  # d.jpg has no face left
    assert [len(picture.boxes) for picture in again.pictures("train")] == [1, 1, 1]
    faces = read_landmarked_faces(tmp_path / "copy")
    assert [face.path.name for face in faces] == ["a.jpg", "c.jpg", "a_2.jpg"]
    assert [face.person for face in faces] == ["Ann", "Ann", "Di, jr."]
    expected = [[[10.5, 10], [30.5, 10], [20.5, 35]], [[5, 5], [20, 5], [9, 20]], [[10.25, 10], [30, 10], [20, 35]]]
    np.testing.assert_array_equal([face.points_px for face in faces], expected)


def test_coco_stays_coco_and_keeps_its_crowds_and_areas(coco, tmp_path):
    coco.add(1, [(7, 15, 10, 15, 30), (3, 0, 0, 60, 20)])
    coco.content["annotations"][0] |= {"iscrowd": 1, "area": 12.5}
    coco.write()
    data = read_detection_data(coco.root)
    repair(data, tmp_path / "copy")
    again = read_detection_data(tmp_path / "copy")
    assert again.format == "coco" and again.faults == ()
    assert again.pictures("train")[0].area_px.tolist() == [12.5, 60 * 20]
    assert_same_truth(data, again)


def test_pictures_of_one_name_from_two_folders_stay_apart(tmp_path, picture):
    root = tmp_path / "source"
    for folder in ("x", "y"):
        picture(root / "images" / folder / "a.jpg")
        (root / "labels" / folder).mkdir(parents=True)
        (root / "labels" / folder / "a.txt").write_text("0 0.5 0.5 0.5 0.25\n")
    data = read_detection_data(root)
    repair(data, tmp_path / "copy")
    assert sorted(file.name for file in (tmp_path / "copy/images").iterdir()) == ["a.jpg", "a_2.jpg"]
    assert len(read_detection_data(tmp_path / "copy").pictures("all")) == 2


@pytest.mark.parametrize("place", [".", "Annotations/new", ".."])
def test_a_folder_that_is_inside_or_around_the_source_is_refused(voc, place):
    voc.add("a", [CAT])
    with pytest.raises(ValueError, match="The repaired copy must be outside its source .* Use another folder"):
        repair(read_detection_data(voc.root), voc.root / place)


def test_a_folder_that_is_not_empty_is_refused(voc, tmp_path):
    voc.add("a", [CAT])
    target = tmp_path / "full"
    shutil.copytree(voc.root, target)
    with pytest.raises(ValueError, match="needs a new or empty folder. .*full exists and is not empty"):
        repair(read_detection_data(voc.root), target)


def test_a_file_in_place_of_the_folder_is_refused(voc, tmp_path):
    voc.add("a", [CAT])
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="needs a new or empty folder"):
        repair(read_detection_data(voc.root), tmp_path / "file")


def test_an_empty_folder_is_taken(voc, tmp_path):
    voc.add("a", [CAT])
    (tmp_path / "empty").mkdir()
    repair(read_detection_data(voc.root), tmp_path / "empty")
    assert (tmp_path / "empty" / LOG_NAME).is_file()
