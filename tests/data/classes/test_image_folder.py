"""Class folders, on disk and zipped, and what can be wrong with them."""

import unicodedata
import zipfile

import cv2
import numpy as np
import pytest

from cnn_suite.data.classes import image_folder
from cnn_suite.data.classes.image_folder import is_image_folder, read_image_folder


@pytest.fixture
def folder(tmp_path, picture):
    for name in ("cat/b.png", "cat/a.png", "dog/deep/c.png"):
        picture(tmp_path / "animals" / name, (4, 6))
    return tmp_path / "animals"


def zipped(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def test_folders_are_classes_in_alphabetical_order(folder):
    data = read_image_folder(folder)
    assert data.labels == ("cat", "dog") and list(data.splits) == ["train"] and data.root == folder
    part = data.splits["train"]
    assert part.names == [str(folder / name) for name in ("cat/a.png", "cat/b.png", "dog/deep/c.png")]
    assert part.class_ids.tolist() == [0, 0, 1] and part.class_ids.dtype == np.int32
    np.testing.assert_array_equal(part.load(2), cv2.imread(part.names[2])[..., ::-1])
    assert part.content(0) == (folder / "cat/a.png").read_bytes()


def test_labels_give_the_order_and_may_name_classes_without_pictures(folder):
    data = read_image_folder(folder, ["dog", "bird", "cat"])
    assert data.labels == ("dog", "bird", "cat")
    assert data.splits["train"].class_ids.tolist() == [2, 2, 0]


def test_a_class_may_lie_behind_a_symbolic_link(folder, tmp_path, picture):
    picture(tmp_path / "disk/d.png")
    (folder / "bird").symlink_to(tmp_path / "disk")
    data = read_image_folder(folder)
    assert data.labels == ("bird", "cat", "dog") and data.splits["train"].names[0] == str(folder / "bird/d.png")


def test_folders_of_splits_hold_folders_of_classes(tmp_path, picture):
    for name in ("train/x/1.png", "train/y/2.png", "val/y/3.png"):
        picture(tmp_path / name)
    data = read_image_folder(tmp_path)
    assert data.labels == ("x", "y") and set(data.splits) == {"train", "val"}
    assert data.splits["val"].class_ids.tolist() == [1]


def test_a_class_may_be_called_like_a_split(tmp_path, picture):
    for name in ("test/1.png", "other/2.png"):
        picture(tmp_path / name)
    assert read_image_folder(tmp_path).labels == ("other", "test")


@pytest.mark.parametrize("prefix", ["", "animals/", "./"])
def test_a_zip_reads_like_the_folder_with_or_without_one_around_it(folder, tmp_path, prefix):
    path = zipped(folder, tmp_path / "animals.zip", prefix)
    assert is_image_folder(path)
    data, wanted = read_image_folder(path), read_image_folder(folder)
    assert data.labels == wanted.labels
    mine, theirs = data.splits["train"], wanted.splits["train"]
    assert mine.names == [str(path / prefix / name) for name in ("cat/a.png", "cat/b.png", "dog/deep/c.png")]
    assert mine.class_ids.tolist() == theirs.class_ids.tolist()
    assert mine.fingerprints().tolist() == theirs.fingerprints().tolist()
    np.testing.assert_array_equal(mine.load(1), theirs.load(1))


def test_a_zip_may_hold_splits(tmp_path, picture):
    for name in ("train/x/1.png", "test/x/2.png"):
        picture(tmp_path / "in" / name)
    assert set(read_image_folder(zipped(tmp_path / "in", tmp_path / "a.zip")).splits) == {"train", "test"}


def test_a_folder_round_everything_is_looked_through_on_disk_as_in_a_zip(folder, tmp_path, picture):
    outer = tmp_path / "outer"
    outer.mkdir()
    folder.rename(outer / "animals")
    for path in (outer, zipped(outer, tmp_path / "a.zip")):
        data = read_image_folder(path)
        assert data.labels == ("cat", "dog") and data.splits["train"].names[0] == str(path / "animals/cat/a.png")


def test_hidden_files_and_those_that_are_no_pictures_are_not_classes(folder, tmp_path, picture):
    picture(folder / ".ipynb_checkpoints/x.png")
    picture(folder / "cat/._a.png")
    picture(folder / "__MACOSX/cat/a.png")
    picture(folder / "loose.png")
    (folder / "notes").mkdir()
    (folder / "notes/readme.txt").write_text("no picture")
    for path in (folder, zipped(folder, tmp_path / "a.zip")):
        data = read_image_folder(path)
        assert data.labels == ("cat", "dog") and len(data.splits["train"]) == 3


def test_files_that_are_not_read_are_warned_about_by_folder_and_suffix(folder, tmp_path, caplog):
    (folder / "dog/d.HEIC").write_bytes(b"a telephone's picture")
    for name in ("eel/e.heic", "eel/f", "eel/Thumbs.db", "eel/._e.heic", "cat/a.json", "loose.heic"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no picture that is read")
    for path in (folder, zipped(folder, tmp_path / "a.zip")):
        caplog.clear()
        assert read_image_folder(path).labels == ("cat", "dog")
        (said,) = caplog.messages
        assert said.startswith(f"{path}: 3 files of dog, eel are not read as pictures: .heic, no suffix. Convert")


def test_nothing_is_said_of_notes_and_hidden_files(folder, caplog):
    for name in (".DS_Store", "desktop.ini", "Thumbs.db", "a.txt", "a.json", "a.csv", "a.xml", "README"):
        (folder / "cat" / name).write_text("no picture")
    read_image_folder(folder)
    assert not caplog.messages


def test_a_jpeg_by_its_other_name_is_a_picture(folder, picture):
    picture(folder / "eel/e.jpg").rename(folder / "eel/e.jfif")
    data = read_image_folder(folder)
    assert data.labels == ("cat", "dog", "eel") and data.splits["train"].load(3).shape == (40, 60, 3)


class UnmarkedInfo(zipfile.ZipInfo):
    """A member as a Mac's Archive Utility writes it: its name in UTF-8, the mark for that not set."""

    def _encodeFilenameFlags(self):  # noqa: N802  # zipfile's own
        return self.filename.encode("utf-8"), self.flag_bits & ~0x800


def test_names_of_a_zip_in_utf8_are_read_without_the_mark_for_them(tmp_path, picture):
    content = picture(tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(UnmarkedInfo("Käse/a.png"), content)
        archive.writestr("Brot/b.png", content)
        archive.writestr("Öl/c.png", content)  # marked
    data = read_image_folder(tmp_path / "a.zip")
    assert data.labels == ("Brot", "Käse", "Öl")
    part = data.splits["train"]
    assert part.names[1] == str(tmp_path / "a.zip/Käse/a.png") and part.content(1) == content


def test_names_of_a_zip_in_code_page_437_stay_as_they_are(tmp_path, picture):
    content = picture(tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("K#se/a.png", content)
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"K#se", b"K\x84se"))  # 84 is ä
    data = read_image_folder(tmp_path / "a.zip")
    assert data.labels == ("Käse",) and data.splits["train"].content(0) == content


@pytest.mark.parametrize("asked", [None, "NFC", "NFD"])
def test_a_decomposed_folder_name_is_the_same_class(tmp_path, picture, asked):
    whole, apart = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))
    assert (len(whole), len(apart)) == (4, 5)
    picture(tmp_path / "in/train" / whole / "1.png")
    picture(tmp_path / "in/val" / apart / "2.png")
    labels = (unicodedata.normalize(asked, "Käse"),) if asked else None
    for path in (tmp_path / "in", zipped(tmp_path / "in", tmp_path / "a.zip")):
        data = read_image_folder(path, labels)
        assert data.labels == (labels or (whole,))
        assert data.splits["val"].class_ids.tolist() == [0] and data.splits["val"].load(0).shape == (40, 60, 3)


def test_what_is_no_image_folder_is_told_apart(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    assert is_image_folder(folder) and not is_image_folder(tmp_path / "empty")
    assert not is_image_folder(tmp_path / "text.zip") and not is_image_folder(tmp_path / "nothing")


def test_a_folder_without_pictures_says_what_it_should_look_like(tmp_path):
    with pytest.raises(ValueError, match=r"contains no pictures in class folders, such as .*/cat/0001.jpg"):
        read_image_folder(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/1.heic").touch()
    with pytest.raises(ValueError, match=r"cat/0001.jpg. 1 file of cat is not read as a picture: .heic. Convert"):
        read_image_folder(tmp_path)


def test_a_folder_that_is_no_label_is_refused(folder):
    with pytest.raises(ValueError, match="has the folder 'dog', which is not in data.labels: cat, bird. Add it"):
        read_image_folder(folder, ("cat", "bird"))


def test_a_damaged_zip_is_named(tmp_path):
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK\3\4 no more")
    with pytest.raises(ValueError, match=r"broken.zip is not a readable zip file .*Copy it again"):
        read_image_folder(path)


def test_a_broken_member_of_a_zip_is_named_when_it_is_read(folder, tmp_path):
    path = zipped(folder, tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    start = data.find((folder / "cat/b.png").read_bytes())
    data[start + 40] ^= 255  # its checksum does not hold any more
    path.write_bytes(data)
    part = read_image_folder(path).splits["train"]
    assert part.load(0).shape == (4, 6, 3)
    with pytest.raises(ValueError, match=r"a.zip/cat/b.png cannot be read from the zip file .*Copy it again"):
        part.load(1)


def test_a_member_that_unpacks_to_more_than_any_picture_is_not_unpacked(folder, tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/a.png", bytes(5000))
    monkeypatch.setattr(image_folder, "_LARGEST_BYTES", 4999)
    with pytest.raises(ValueError, match="bomb.zip/cat/a.png unpacks to 5000 bytes, too many for a picture"):
        read_image_folder(path).splits["train"].load(0)


def test_a_picture_that_does_not_decode_is_named(folder, tmp_path):
    (folder / "cat/a.png").write_bytes(b"no picture")
    (folder / "cat/b.png").write_bytes(b"")
    for path in (folder, zipped(folder, tmp_path / "a.zip")):
        part = read_image_folder(path).splits["train"]
        with pytest.raises(ValueError, match="cat/a.png cannot be decoded as a picture"):
            part.load(0)
        with pytest.raises(ValueError, match="cat/b.png is an empty file"):
            part.load(1)


def test_a_picture_that_is_gone_is_named(folder):
    part = read_image_folder(folder).splits["train"]
    (folder / "cat/a.png").unlink()
    with pytest.raises(FileNotFoundError, match="cat/a.png"):
        part.load(0)
