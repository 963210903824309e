"""The doctor of class folders: every kind of fault, in a folder and in a zip, and when it is called at all."""

import io
import shutil

import pytest
from rich.console import Console

from cnn_suite.data.classes.class_doctor import examine_classes, holds_classes
from cnn_suite.data.classes.class_doctor_tables import render


@pytest.fixture
def folder(tmp_path, picture):
    for name in ("train/cat/a.png", "train/cat/b.jpg", "train/dog/c.png", "val/cat/d.png", "val/dog/e.png"):
        picture(tmp_path / "animals" / name)
    return tmp_path / "animals"


def spoil(folder, picture):
    (folder / "train/cat/empty.png").touch()
    (folder / "train/cat/text.png").write_text("no picture")
    (folder / "train/dog/cut.jpg").write_bytes((folder / "train/cat/b.jpg").read_bytes()[:-40])
    picture(folder / "val/dog/tiny.png", (7, 20))
    shutil.copy(folder / "train/cat/a.png", folder / "train/dog/as_dog.png")
    shutil.copy(folder / "train/cat/a.png", folder / "val/cat/leaked.png")


def test_sound_folders_have_figures_and_no_faults(folder):
    report = examine_classes(folder)
    assert report.faults == () and report.as_dict()["pictures"] == {"train": 3, "val": 2}
    assert report.classes == {"train": {"cat": 2, "dog": 1}, "val": {"cat": 1, "dog": 1}}
    assert report.picture_sizes == {"60x40": 5}


@pytest.mark.parametrize("zipped", [False, True])
def test_every_fault_is_listed_with_its_file(folder, picture, zipped):
    spoil(folder, picture)
    path = shutil.make_archive(folder, "zip", folder) if zipped else folder
    seen = []
    report = examine_classes(path, on_progress=lambda done, total: seen.append((done, total)))
    told = {fault.file.removeprefix(f"{path}/"): (fault.kind, fault.message) for fault in report.faults}
    for name, kind, message in (
        ("train/cat/empty.png", "unreadable_picture", "is an empty file"),
        ("train/cat/text.png", "unreadable_picture", "cannot be decoded as a picture"),
        ("train/dog/cut.jpg", "unreadable_picture", "cut.jpg "),  # the words are those of the OpenCV at hand
        ("val/dog/tiny.png", "too_small", "has 20x7 pixels, fewer than 8 a side"),
        ("train/dog/as_dog.png", "disputed", "a.png, of the class 'cat'"),
        ("val/cat/leaked.png", "leak", "a.png, of the split 'train'"),
    ):
        found_kind, found_message = told.pop(name)
        assert found_kind == kind and message in found_message
    assert not told and seen[-1] == (11, 11)
    assert report.classes["train"] == {"cat": 2, "dog": 2} and report.fault_counts["unreadable_picture"] == 3


@pytest.mark.parametrize("zipped", [False, True])
def test_every_folder_with_files_that_are_not_read_is_a_fault(folder, zipped, caplog):
    for name in ("train/eel/1.heic", "train/eel/2.heic", "val/dog/3.avif", "val/dog/Thumbs.db", "val/dog/e.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no picture that is read")
    path = shutil.make_archive(folder, "zip", folder) if zipped else folder
    report = examine_classes(path)
    assert [str(fault) for fault in report.faults] == [
        f"{path}/train/eel: 2 files of train/eel are not read as pictures: .heic. "
        "Convert pictures to .jpg or .png and take out the rest.",
        f"{path}/val/dog: 1 file of val/dog is not read as a picture: .avif. "
        "Convert pictures to .jpg or .png and take out the rest.",
    ]
    assert not caplog.messages  # the report says it


def test_a_class_of_one_picture_is_noted_where_a_share_must_be_held_out(folder):
    assert examine_classes(folder).notes == ()  # there is another split
    report = examine_classes(folder / "train")  # two cats, one dog
    (note,) = report.notes
    assert note.startswith("The class 'dog' has 1 sound picture. Training holds out a share of every class")
    assert report.as_dict()["notes"] == (note,) and not report.faults
    console = Console(width=1000, record=True, file=io.StringIO())
    console.print(render(report))
    assert console.export_text().splitlines()[-2:] == [note, "No faults."]


def test_the_report_as_text_ends_with_its_verdict(folder, picture):
    console = Console(width=1000, record=True, file=io.StringIO())
    console.print(render(examine_classes(folder)))
    assert "No faults." in console.export_text(clear=True)
    spoil(folder, picture)
    console.print(render(examine_classes(folder)))
    lines = console.export_text().splitlines()
    assert lines[-1] == "6 faults." and any("empty.png is an empty file. Replace the picture" in line for line in lines)


def test_data_for_detectors_are_not_taken_for_classes(folder, tmp_path, picture):
    assert holds_classes(folder) and holds_classes(tmp_path / "anything", "image_folder")
    assert not holds_classes(folder, "voc") and not holds_classes(tmp_path / "nothing")
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    picture(tmp_path / "yolo" / "images" / "a.jpg")
    (tmp_path / "yolo" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    assert not holds_classes(tmp_path / "yolo")
    shutil.rmtree(folder)
    assert not holds_classes(tmp_path)  # a folder of data sets
