"""The gallery: what goes in comes out, changes are whole or not there, and nothing damaged or foreign is believed."""

import json
import os
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from cnn_suite.runtime.faces import gallery_file
from cnn_suite.runtime.faces.gallery import Gallery, GalleryError

MODEL, ANOTHER = "a1" * 32, "b2" * 32
JPEG = b"\xff\xd8\xff\xe0 a picture"


def units(count=1, dimensions=4, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def opened(path, *, dimensions=4, create=True, fingerprint=MODEL):
    return Gallery(path, fingerprint=fingerprint, dimensions=dimensions, create=create)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.gallery"


@pytest.fixture
def gallery(path):
    with opened(path) as gallery:
        yield gallery


def contents(gallery):
    """All that a gallery tells, for comparison."""
    matrix, names = gallery.encodings()
    return matrix.tobytes(), names, gallery.people(), gallery.history(), [
        (r.id, r.name, r.encoding.tobytes(), dict(r.quality), r.source, r.created, r.picture)
        for r in gallery.records()
    ]  # fmt: skip


def names(gallery):
    return [person.name for person in gallery.people()]


def test_what_is_enrolled_is_read_again_number_by_number(path, gallery):
    ada, bo = units(2), units(1, seed=1)
    assert gallery.enrol("Ada", ada, quality=[{"sharpness": 0.5}, {}], sources=["1.jpg", "2.jpg"]) == [2, 3]
    gallery.enrol("Bo", bo[0], pictures=[JPEG])
    gallery.close()
    with opened(path, create=False) as again:
        matrix, owners = again.encodings()
        np.testing.assert_array_equal(matrix, np.concatenate([ada, bo]))
        assert matrix.dtype == np.float32 and owners == ["Ada", "Ada", "Bo"]
        assert [(p.name, p.encodings) for p in again.people()] == [("Ada", 2), ("Bo", 1)]
        assert len(again) == 2 and "Ada" in again and "ada" not in again
        first, second = again.records("Ada")
        assert first.quality == {"sharpness": 0.5} and first.source == "1.jpg" and first.picture is None
        assert second.quality == {} and second.source == "2.jpg" and second.created.endswith("+00:00")
        assert again.records("Bo")[0].picture == JPEG
        assert [(h.action, h.name, h.detail) for h in again.history()] == [
            ("enrol", "Ada", "2 encodings"),
            ("enrol", "Bo", "1 encoding"),
        ]


def test_an_empty_gallery_is_a_gallery(gallery):
    matrix, owners = gallery.encodings()
    assert matrix.shape == (0, 4) and matrix.dtype == np.float32 and owners == []
    assert gallery.people() == [] and len(gallery) == 0 and gallery.records() == [] and gallery.history() == []


def test_enrolling_somebody_again_adds_to_the_person(gallery):
    gallery.enrol("Ada", units())
    gallery.enrol("  Ada\n", units(seed=1))
    assert [(person.name, person.encodings) for person in gallery.people()] == [("Ada", 2)]


def test_renaming_keeps_the_encodings(gallery):
    gallery.enrol("Ada", units(2))
    gallery.rename("Ada", "Ada Lovelace")
    assert names(gallery) == ["Ada Lovelace"] and gallery.encodings()[1] == ["Ada Lovelace"] * 2
    assert gallery.history()[-1].action == "rename" and gallery.history()[-1].detail == "was Ada"
    gallery.rename("Ada Lovelace", "Ada Lovelace")
    with pytest.raises(GalleryError, match="Nobody in the gallery is called 'Ada'. Look at the list"):
        gallery.rename("Ada", "Eve")
    gallery.enrol("Bo", units())
    with pytest.raises(GalleryError, match="already somebody called 'Bo'. Choose another name or remove one first"):
        gallery.rename("Ada Lovelace", "Bo")
    assert names(gallery) == ["Ada Lovelace", "Bo"]


def test_removing_a_person_and_removing_the_last_encoding(gallery):
    _, second = gallery.enrol("Ada", units(2))
    (only,) = gallery.enrol("Bo", units())
    gallery.remove_encoding(second)
    assert [(person.name, person.encodings) for person in gallery.people()] == [("Ada", 1), ("Bo", 1)]
    gallery.remove_encoding(only)
    assert names(gallery) == ["Ada"]
    assert gallery.remove("Ada") == 1
    assert names(gallery) == [] and gallery.encodings()[0].shape == (0, 4)
    assert [entry.action for entry in gallery.history()][2:] == ["remove encoding", "remove encoding", "remove"]
    with pytest.raises(GalleryError, match="There is no encoding 3 in the gallery"):
        gallery.remove_encoding(second)
    with pytest.raises(GalleryError, match="Nobody in the gallery is called 'Ada'"):
        gallery.remove("Ada")


def test_numbers_are_never_given_twice(gallery):
    (first,) = gallery.enrol("Ada", units())
    gallery.remove("Ada")
    assert gallery.enrol("Ada", units())[0] > first


def test_what_is_removed_is_gone_from_the_bytes_of_the_file(path, gallery):
    encodings = units(9, seed=3)
    gallery.enrol("Ada", encodings, pictures=[JPEG * 500] * 9)
    gallery.enrol("Bo", units())
    data = path.read_bytes()
    assert encodings[4].tobytes() in data and JPEG in data
    gallery.remove("Ada")
    data = path.read_bytes()
    assert not any(row.tobytes() in data for row in encodings) and JPEG not in data


def test_only_the_owner_may_read_the_file_and_nothing_lies_beside_it(path, gallery):
    gallery.enrol("Ada", units())
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == [path.name]


# e + U+0301 and U+00E9 are one letter.
def test_one_name_has_one_spelling(gallery):
    gallery.enrol("Rene\u0301", units())
    gallery.enrol("René", units(seed=1))
    assert [(person.name, person.encodings) for person in gallery.people()] == [("Ren\u00e9", 2)]


@pytest.mark.parametrize(
    "name", ["山田 太郎", "Ærøskøbing-O'Neil", "محمد", "🙂", "x" * 100, "'; DROP TABLE people; --"]
)
def test_names_of_any_script_are_kept(gallery, name):
    gallery.enrol(name, units())
    assert names(gallery) == [name] and name in gallery


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "at least one visible character. Received ''"),
        (" \t\n", "at least one visible character"),
        ("\u200b\u0301", "at least one visible character"),
        ("x" * 101, "at most 100 characters. Received 101"),
        ("Ada\nBo", "one line without control characters"),
        ("a\x00b", "one line without control characters"),
        ("a\ud800", "one line without control characters"),
        (7, "A name must be text. Received int"),
    ],
)
def test_names_that_are_none_are_refused(gallery, name, text):
    with pytest.raises(GalleryError, match=text):
        gallery.enrol(name, units())
    assert len(gallery) == 0 and gallery.history() == []


@pytest.mark.parametrize(
    ("encodings", "text"),
    [
        (units(dimensions=5), r"shape \(n, 4\) with n at least 1. Received shape \(1, 5\)"),
        (np.zeros((0, 4)), r"Received shape \(0, 4\)"),
        (np.zeros((1, 1, 4)), r"Received shape \(1, 1, 4\)"),
        ([[np.nan, 0, 0, 1]], "must be finite. Received a NaN or an infinite value: was no face found"),
        ([[np.inf, 0, 0, 1]], "must be finite"),
        (np.array([[1, 0, 0, 0], [0, 2, 0, 0]]), "must have length 1. Received length 2 in row 1. Divide"),
        ([["a", "b", "c", "d"]], "must be numbers of shape"),
    ],
)
def test_encodings_that_are_none_are_refused(gallery, encodings, text):
    with pytest.raises(GalleryError, match=text):
        gallery.enrol("Ada", encodings)
    assert len(gallery) == 0


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"quality": [{}]}, "`quality` must be a list of 2, one an encoding. Received a list of 1"),
        ({"sources": "ab"}, "`sources` must be a list of 2, one an encoding. Received a str of 2"),
        ({"quality": [{}, {"x": np.nan}]}, "`quality` must be finite numbers by name"),
        ({"quality": [{}, 3]}, "`quality` must be finite numbers by name"),
        ({"pictures": [None, b"GIF89a"]}, "A picture must be the bytes of a JPEG file, or None"),
        ({"pictures": [None, b"\xff\xd8\xff" + bytes(2**22)]}, "may have 4194304 bytes. Received 4194307"),
    ],
)
def test_what_comes_with_encodings_is_checked_and_nothing_half_stays(gallery, more, text):
    with pytest.raises(GalleryError, match=text):
        gallery.enrol("Ada", units(2), **more)
    assert len(gallery) == 0 and gallery.records() == [] and gallery.history() == []


def test_float16_encodings_are_long_enough(gallery):
    gallery.enrol("Ada", units(64).astype(np.float16))
    assert gallery.encodings()[0].shape == (64, 4)


def test_another_models_gallery_is_refused_with_both_fingerprints(path, gallery):
    with pytest.raises(GalleryError, match="fingerprint is a1a1a1a1a1a1…, that of the model in use is b2b2b2b2b2b2…"):
        opened(path, fingerprint=ANOTHER)
    with pytest.raises(GalleryError, match="holds encodings of 4 numbers. Received `dimensions` 128: use the model"):
        opened(path, dimensions=128)


def test_arguments_that_are_none_are_refused(path):
    with pytest.raises(ValueError, match="`fingerprint` must be a text and `dimensions` 1 to 65536. Received '' and 4"):
        opened(path, fingerprint="")
    with pytest.raises(ValueError, match="Received .* and 0"):
        opened(path, dimensions=0)
    assert not path.exists()


def test_files_that_are_no_galleries_are_refused_and_left_as_they_are(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no gallery .* Enrol somebody first"):
        opened(path, create=False)
    with pytest.raises(FileNotFoundError, match="There is no folder .*nowhere for the gallery x"):
        opened(tmp_path / "nowhere" / "x")
    with pytest.raises(GalleryError, match="is a folder. Expected the file of a gallery"):
        opened(tmp_path)
    path.write_bytes(b"not a database" * 300)
    with pytest.raises(GalleryError, match="is not a gallery, or its beginning is damaged"):
        opened(path)
    assert path.read_bytes() == b"not a database" * 300
    path.write_bytes(b"x")
    with pytest.raises(GalleryError, match="is not a gallery"):
        opened(path)
    path.write_bytes(b"")
    with pytest.raises(GalleryError, match="is not a gallery"):
        opened(path, create=False)
    assert path.read_bytes() == b""


def test_another_programs_database_is_refused(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="is not a gallery: it is an SQLite file of another program, or damaged"):
        opened(path)
    assert path.read_bytes() == before


def changed(path, *commands):
    connection = sqlite3.connect(path, isolation_level=None)
    for command in commands:
        connection.execute(command)
    connection.close()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("PRAGMA user_version = 2", "has version 2 of the gallery format; this program knows up to 1. Update"),
        ("PRAGMA user_version = 0", "a value in its header is not one that a gallery has"),
        ("PRAGMA journal_mode = WAL", "a value in its header is not one that a gallery has"),
        ("CREATE TABLE more (x)", "its tables are not those of a gallery"),
        ("CREATE TRIGGER t AFTER INSERT ON people BEGIN DELETE FROM people; END", "its tables are not those"),
        ("DELETE FROM encodings", "its contents do not fit its seal"),
        ("UPDATE people SET created = ''", "its contents do not fit its seal"),
        ("UPDATE about SET value = x'00' WHERE key = 'fingerprint'", "its contents do not fit its seal"),
        ("DELETE FROM about WHERE key = 'seal'", "what it says about itself cannot be read"),
        ("UPDATE about SET value = 5 WHERE key = 'created'", "what it says about itself cannot be read"),
    ],
)
def test_what_others_changed_is_refused(path, command, text):
    with opened(path) as gallery:
        gallery.enrol("Ada", units(2))
    changed(path, command)
    with pytest.raises(GalleryError, match=text):
        opened(path)


def resealed(path, command):
    """A change by somebody who knows how the seal is made."""
    gallery = opened(path)
    file = gallery._file
    with file.changing():
        (row,) = file.rows(command)
        file.put("encodings", *row)
    gallery.close()


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("id, person, x'00', quality, source, created, picture", "an encoding has not 4 numbers"),
        ("id, person, x'0000c07f0000c07f0000c07f0000c07f', quality, source, created, picture", "is not finite"),
        ("id, person, encoding, x'ff', source, created, picture", "is no text"),
        ("id, person, encoding, x'5b5d', source, created, picture", "quality of encoding 2: Expected numbers by name"),
        ("id, person, encoding, quality, x'ff', created, picture", "encodings 2 source is no text"),
    ],
)
def test_a_well_sealed_gallery_with_impossible_values_is_refused_when_they_are_read(path, columns, text):
    with opened(path) as gallery:
        gallery.enrol("Ada", units())
    resealed(path, f"SELECT {columns} FROM encodings")
    with opened(path) as gallery, pytest.raises(GalleryError, match=text):
        gallery.records()
        gallery.encodings()


def flips(path, offsets):
    """Opens and reads the gallery with each of the bytes flipped; how many were refused."""
    with opened(path) as gallery:
        expected = contents(gallery)
    whole, refused = path.read_bytes(), 0
    for offset in offsets:
        for value in {0xFF, 1 << offset % 8} if whole[offset] or offset < 100 else {0xFF}:
            with open(path, "r+b") as file:
                file.seek(offset)
                file.write(bytes([whole[offset] ^ value]))
            try:
                with opened(path) as gallery:
                    assert contents(gallery) == expected, f"byte {offset} flipped by {value}"
            except GalleryError:
                refused += 1
            with open(path, "r+b") as file:
                file.seek(offset)
                assert file.read(1) == bytes([whole[offset] ^ value]), "the damaged file was modified"
                file.seek(offset)
                file.write(whole[offset : offset + 1])
            assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == whole
    return refused


def small_gallery(path):
    with opened(path) as gallery:
        gallery.enrol("Ada", units(2), quality=[{"sharpness": 1.25}] * 2, sources=["a.jpg", "b.jpg"])
        gallery.enrol("Bo", units(seed=1), pictures=[JPEG])
        gallery.rename("Bo", "Cy")
        gallery.remove_encoding(2)
    return path.read_bytes()


def test_a_flipped_byte_is_refused_or_harmless(path):
    whole = small_gallery(path)
    used = [offset for offset in range(100, len(whole)) if whole[offset]]
    offsets = [*range(100), *used[::7]]
    assert flips(path, offsets) > 0.5 * len(offsets)


@pytest.mark.slow
def test_every_flipped_byte_is_refused_or_harmless(path):
    whole = small_gallery(path)
    offsets = [offset for offset, byte in enumerate(whole) if byte or offset % 16 == 0]  # few of what is empty
    assert flips(path, offsets) > 2000


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99])
def test_a_gallery_cut_short_is_refused(path, share):
    whole = small_gallery(path)
    path.write_bytes(whole[: int(share * len(whole))])
    cut = path.read_bytes()
    with pytest.raises(GalleryError):
        opened(path)
    assert path.read_bytes() == cut


def test_a_locked_gallery_says_so(path, gallery, monkeypatch):
    monkeypatch.setattr(gallery_file, "BUSY_TIMEOUT_S", 0.05)
    with opened(path) as second, gallery._file.changing():
        with pytest.raises(GalleryError, match="is in use: another program kept it locked for 0.05 s. Close that one"):
            second.enrol("Bo", units())
        assert second.people() == []  # reading goes on
    gallery.enrol("Ada", units())


@pytest.mark.skipif(os.geteuid() == 0, reason="write protection does not bind the superuser")
def test_a_write_protected_gallery_can_be_read(path):
    small_gallery(path)
    path.chmod(0o400)
    with opened(path) as gallery:
        assert names(gallery) == ["Ada", "Cy"]
        with pytest.raises(GalleryError, match="cannot be changed: the file or its folder is write-protected"):
            gallery.enrol("Bo", units())


def test_a_closed_gallery_says_so(path):
    gallery = opened(path)
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError, match="is closed. Open it again"):
        gallery.people()


def test_threads_share_a_gallery(gallery):
    def enrol(first):
        for number in range(first, first + 20):
            gallery.enrol(f"P{number}", units(seed=number))
            gallery.encodings()

    threads = [threading.Thread(target=enrol, args=(first,)) for first in (0, 20, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gallery) == 60


def test_a_reader_sees_one_moment(path, gallery):
    gallery.enrol("Ada", units())
    with opened(path) as second, second._file.reading():
        before = second._file.rows("SELECT COUNT(*) FROM people")
        writer = threading.Thread(target=gallery.enrol, args=("Bo", units()))
        writer.start()
        assert second._file.rows("SELECT COUNT(*) FROM people") == before
        second._file._connection.execute("COMMIT")
        second._file._connection.execute("BEGIN")
        writer.join()
    assert len(gallery) == 2


@pytest.mark.parametrize("ending", ["npz", "json", "JSON"])
def test_an_export_is_imported_as_it_was(path, gallery, tmp_path, ending):
    gallery.enrol("Ada", units(2), quality=[{"sharpness": 0.1}, {}], sources=["é.jpg", ""], pictures=[JPEG, None])
    gallery.enrol("山田", units(seed=1))
    file = tmp_path / f"out.{ending}"
    gallery.export(file)
    assert file.stat().st_mode & 0o777 == 0o600
    with opened(tmp_path / "second") as second:
        assert second.import_file(file) == 3
        for ours, theirs in zip(second.records(), gallery.records(), strict=True):
            assert (ours.name, ours.quality, ours.source, ours.created) == (
                theirs.name, theirs.quality, theirs.source, theirs.created,
            )  # fmt: skip
            np.testing.assert_array_equal(ours.encoding, theirs.encoding)
            assert ours.picture is None
        assert second.history()[0].detail == f"2 encodings from out.{ending}"
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, "second", file.name])


def test_an_empty_gallery_is_exported_and_imported(gallery, tmp_path):
    for ending in ("npz", "json"):
        gallery.export(tmp_path / f"x.{ending}")
        assert gallery.import_file(tmp_path / f"x.{ending}") == 0


def test_an_export_that_is_none_is_refused(path, gallery, tmp_path):
    gallery.enrol("Ada", units())
    with pytest.raises(GalleryError, match="must end in .npz or .json. Received 'x.csv'"):
        gallery.export(tmp_path / "x.csv")
    with pytest.raises(FileNotFoundError, match="There is no file .*x.npz"):
        gallery.import_file(tmp_path / "x.npz")
    with opened(tmp_path / "b", fingerprint=ANOTHER) as another:
        another.export(tmp_path / "b.npz")
    with pytest.raises(GalleryError, match="b.npz was made with another model"):
        gallery.import_file(tmp_path / "b.npz")
    for ending in ("json", "npz"):
        for data in (b"", b"{}", b"[1]", b"PK\x03\x04" + bytes(50), b"[" * 100_000):
            (tmp_path / f"x.{ending}").write_bytes(data)
            with pytest.raises(GalleryError, match="is no exported gallery, or damaged"):
                gallery.import_file(tmp_path / f"x.{ending}")
    assert names(gallery) == ["Ada"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "other"}, "Expected format 'cnn_suite gallery export 1'. Received 'other'"),
        ({"names": ["a", "b"]}, "its columns must be texts and as many as there are encodings"),
        ({"names": [7]}, "its columns must be texts"),
        ({"names": "A"}, "its columns must be texts"),
        ({"names": [" "]}, "at least one visible character"),
        ({"created": ["yesterday"]}, "'yesterday' is no time of ISO 8601"),
        ({"encodings": [[1, 0, 0]]}, r"shape \(n, 4\)"),
        ({"encodings": [[3, 0, 0, 0]]}, "must have length 1"),
        ({"quality": [{"x": "high"}]}, "is no exported gallery, or damaged"),
    ],
)
def test_values_of_an_export_are_checked(gallery, tmp_path, change, text):
    gallery.enrol("Ada", units())
    gallery.export(tmp_path / "x.json")
    values = json.loads((tmp_path / "x.json").read_text()) | change
    (tmp_path / "x.json").write_text(json.dumps(values))
    with pytest.raises(GalleryError, match=text):
        gallery.import_file(tmp_path / "x.json", clashes="join")
    assert len(gallery.records()) == 1


def test_every_damaged_byte_of_an_export_is_refused_or_gives_valid_people(gallery, tmp_path):
    gallery.enrol("Ada", units())
    gallery.export(tmp_path / "x.npz")
    whole = (tmp_path / "x.npz").read_bytes()
    for offset in range(0, len(whole), 5):
        (tmp_path / "x.npz").write_bytes(whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :])
        try:
            gallery.import_file(tmp_path / "x.npz", clashes="join")
        except GalleryError:
            pass
    assert names(gallery) == ["Ada"] and len(gallery.records()) == 1


@pytest.fixture
def other(tmp_path):
    with opened(tmp_path / "other.gallery") as other:
        other.enrol("Ada", units(2, seed=5), pictures=[JPEG, None])
        other.enrol("Cy", units(seed=6))
        yield other


def test_merging_refuses_common_names_and_adds_nothing(gallery, other):
    gallery.enrol("Ada", units())
    with pytest.raises(GalleryError, match="1 of the names are in both galleries: Ada. Nothing was added. Join them"):
        gallery.merge(other)
    assert names(gallery) == ["Ada"] and len(gallery.records()) == 1


def test_merging_joins_people_and_keeps_the_same_encoding_once(gallery, other):
    gallery.enrol("Ada", units(2, seed=5)[1])
    assert gallery.merge(other, clashes="join") == 2
    assert [(person.name, person.encodings) for person in gallery.people()] == [("Ada", 2), ("Cy", 1)]
    assert [record.picture for record in gallery.records("Ada")] == [None, JPEG]
    assert gallery.merge(other, clashes="join") == 0
    assert gallery.history()[-1].detail == "1 encoding from other.gallery"


def test_merging_numbers_newcomers(gallery, other):
    gallery.enrol("Ada", units())
    gallery.enrol("Ada (2)", units())
    gallery.enrol("x" * 100, units())
    other.enrol("Ada (3)", units())
    other.enrol("x" * 100, units())
    assert gallery.merge(other, clashes="number") == 5
    assert names(gallery) == ["Ada", "Ada (2)", "Ada (3)", "Ada (4)", "Cy", "x" * 96 + " (2)", "x" * 100]


def test_merging_refuses_another_model_itself_and_unknown_rules(path, gallery, other, tmp_path):
    with opened(tmp_path / "b", fingerprint=ANOTHER) as another:
        with pytest.raises(GalleryError, match="was made with another model"):
            gallery.merge(another)
    with opened(path) as same, pytest.raises(GalleryError, match="cannot be merged with itself"):
        gallery.merge(same)
    with pytest.raises(ValueError, match="`clashes` must be one of 'refuse', 'join', 'number'. Received 'overwrite'"):
        gallery.merge(other, clashes="overwrite")


# A light process that forks children, each of which enrols people of three encodings one after another and says so,
# until it is killed without warning; then the gallery is opened and counted.
KILLS = """
import json, os, random, select, signal, sys, time
import numpy as np
from cnn_suite.runtime.faces.gallery import Gallery

path, kills = sys.argv[1], int(sys.argv[2])
encodings = np.eye(4, dtype=np.float32)[:3]

def opened():
    return Gallery(path, fingerprint="m", dimensions=4, create=True)

def enrol_for_ever(kill, pipe):
    with opened() as gallery:
        for number in range(10_000):
            gallery.enrol(f"P {kill} {number}", encodings, sources=["s" * 3000] * 3)
            os.write(pipe, b".")

random.seed(5)
acknowledged, journals, unfinished = 0, 0, 0
for kill in range(kills):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        enrol_for_ever(kill, writer)
    time.sleep(random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(writer)
    said = len(os.read(reader, 100_000))
    os.close(reader)
    journals += os.path.exists(path + "-journal") and os.path.getsize(path + "-journal") > 0
    with opened() as gallery:
        people = [person for person in gallery.people() if person.name.startswith(f"P {kill} ")]
        assert all(person.encodings == 3 for person in gallery.people()), "half a record"
        assert said <= len(people) <= said + 1, (said, len(people))
        assert len(gallery.history()) == len(gallery) and len(gallery.records()) == 3 * len(gallery)
        if kill % 20 == 19:  # begin again, so that making a gallery is killed too
            os.remove(path)
    acknowledged += said
print(json.dumps({"kills": kills, "acknowledged": acknowledged, "journals": journals}))
"""


def light_process(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_while_enrolling_the_gallery_opens_and_holds_no_half_record(path, kills):
    process = light_process(KILLS, path, kills)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    told = json.loads(out)
    print(told)
    assert told["kills"] == kills
    assert told["journals"] > kills / 20  # enough were killed inside a transaction


ENROL = """
import sys
import numpy as np
from cnn_suite.runtime.faces.gallery import Gallery

with Gallery(sys.argv[1], fingerprint="m", dimensions=4, create=True) as gallery:
    for number in range(int(sys.argv[3])):
        gallery.enrol(f"{sys.argv[2]} {number}", np.eye(4)[number % 4])
"""


@pytest.mark.parametrize("each", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_two_processes_that_enrol_lose_nobody(path, each):
    processes = [light_process(ENROL, path, name, each) for name in ("left", "right")]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    with Gallery(path, fingerprint="m", dimensions=4) as gallery:
        assert len(gallery) == len(gallery.history()) == len(gallery.encodings()[1]) == 2 * each
        assert set(names(gallery)) == {f"{name} {number}" for name in ("left", "right") for number in range(each)}


def test_the_gallery_imports_nothing_heavy():
    heavy = "('cv2', 'keras', 'tensorflow', 'cryptography', 'pydantic', 'scipy')"
    script = f"import sys, cnn_suite.runtime.faces.gallery; print([name for name in {heavy} if name in sys.modules])"
    out, errors = light_process(script).communicate(timeout=60)
    assert out.strip() == "[]", errors
