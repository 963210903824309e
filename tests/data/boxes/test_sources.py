import logging

import pytest

from cnn_suite.data.boxes.sources import FORMATS, detect_format, read_detection_data


def test_every_format_is_told_from_its_folder(voc, yolo, coco, tmp_path):
    coco.add(1)
    coco.write()
    faces = tmp_path / "faces"
    faces.mkdir()
    (faces / "landmarks.csv").write_text("image,person,x0,y0\n")
    found = [detect_format(path) for path in (voc.root, coco.root, yolo.root, faces)]
    assert found == ["voc", "coco", "yolo_txt", "landmarks_csv"] == list(FORMATS)


def test_files_are_told_as_well(yolo, coco):
    assert detect_format(yolo.root / "data.yaml") == "yolo_txt"
    assert detect_format(coco.write()) == "coco"


def test_reading_passes_labels_on(voc):
    voc.add("a", [("cat", 5, 5, 9, 9)])
    assert read_detection_data(voc.root, labels=("dog", "cat")).labels == ("dog", "cat")


def test_options_reach_the_reader(tmp_path, picture):
    picture(tmp_path / "images/a.jpg")
    (tmp_path / "landmarks.csv").write_text("image,person,x0,y0,x1,y1\na.jpg,Ann,10,10,20,20\n")
    data = read_detection_data(tmp_path, margins=(1, 0, 0, 0))
    assert data.pictures("train")[0].boxes_px[0, 0] == pytest.approx(0)


def test_inferred_labels_are_logged(voc, caplog):
    voc.add("a", [("cat", 5, 5, 9, 9)])
    with caplog.at_level(logging.INFO):
        read_detection_data(voc.root)
    assert "Labels inferred from the annotations, sorted by name: cat." in caplog.text


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist. Check the path"):
        read_detection_data(tmp_path / "nowhere")


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="Unknown data format 'voc2'. Expected 'auto' or one of: voc, coco, yolo_txt"):
        read_detection_data(tmp_path, "voc2")


def test_a_folder_that_looks_like_nothing_says_what_was_looked_for(tmp_path):
    with pytest.raises(
        ValueError, match="does not match any known data format. Looked for voc: Annotations/ .*Check the path"
    ):
        detect_format(tmp_path)


def test_a_data_set_one_folder_deeper_is_pointed_to(voc):
    with pytest.raises(ValueError, match=r"Its sub-folder voc \(voc\) does: use that path\."):
        detect_format(voc.root.parent)


def test_a_folder_that_looks_like_two_formats_asks_which(voc):
    (voc.root / "data.yaml").write_text("train: JPEGImages\n")
    with pytest.raises(ValueError, match="could be read as voc or yolo_txt. Set the format to one of them"):
        detect_format(voc.root)
    assert read_detection_data(voc.root, "voc").format == "voc"


def test_a_file_that_looks_like_nothing_is_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match="does not match any known data format"):
        detect_format(tmp_path / "a.txt")


def test_labels_that_stand_twice_are_refused(voc):
    with pytest.raises(ValueError, match="`labels` must name every class once. Received 'cat' more than once"):
        read_detection_data(voc.root, labels=("cat", "dog", "cat"))
