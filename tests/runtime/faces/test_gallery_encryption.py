"""Galleries with a passphrase: nothing personal in the file, wrong passphrases told at once, nothing moved or added."""

import builtins
import json
import os
import sqlite3

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="encrypted galleries need the `cryptography` library")

from cnn_suite.runtime.faces import gallery_encryption
from cnn_suite.runtime.faces.gallery import Gallery, GalleryError
from cnn_suite.runtime.faces.gallery_encryption import (
    NoCipher,
    PassphraseCipher,
    changed_key_block,
    new_key_block,
    open_key_block,
)

PASSPHRASE = "correct horse battery staple"
JPEG = b"\xff\xd8\xff\xe0 a picture of somebody"


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch):
    monkeypatch.setattr(gallery_encryption, "SCRYPT", {"n": 2, "r": 1, "p": 1})


def opened(path, passphrase=PASSPHRASE, *, create=True):
    return Gallery(path, fingerprint="model", dimensions=4, passphrase=passphrase, create=create)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "people.gallery"


def filled(path, passphrase=PASSPHRASE):
    with opened(path, passphrase) as gallery:
        gallery.enrol("Ada Lovelace", np.eye(4)[:2], quality=[{"sharpness": 1.0}] * 2, sources=["secret.jpg"] * 2)
        gallery.enrol("Bo", np.full(4, 0.5), pictures=[JPEG])
        gallery.rename("Bo", "Cassandra")
    return path.read_bytes()


def changed(path, *commands):
    connection = sqlite3.connect(path, isolation_level=None)
    for command in commands:
        connection.execute(command)
    connection.close()


def test_an_encrypted_gallery_gives_back_what_was_enrolled(path):
    filled(path)
    with opened(path, create=False) as gallery:
        assert gallery.encrypted
        matrix, names = gallery.encodings()
        np.testing.assert_array_equal(matrix, [[1, 0, 0, 0], [0, 1, 0, 0], [0.5] * 4])
        assert names == ["Ada Lovelace"] * 2 + ["Cassandra"]
        first, _, third = gallery.records()
        assert first.quality == {"sharpness": 1.0} and first.source == "secret.jpg" and third.picture == JPEG
        assert "Cassandra" in gallery and "Bo" not in gallery
        assert [(h.action, h.name, h.detail) for h in gallery.history()][-1] == ("rename", "Cassandra", "was Bo")
        gallery.enrol("Cassandra", np.eye(4)[3])
        assert [(p.name, p.encodings) for p in gallery.people()] == [("Ada Lovelace", 2), ("Cassandra", 2)]
        assert gallery.remove("Ada Lovelace") == 2


def test_nothing_personal_is_in_the_file_that_is_there_without_a_passphrase(path, tmp_path):
    data, plain = filled(path), filled(tmp_path / "plain", None)
    half = np.full(4, 0.5, np.float32).tobytes()
    for secret in (b"Ada", b"Cassandra", b"secret.jpg", b"sharpness", JPEG, half):
        assert secret in plain and secret not in data
    assert NoCipher().lookup("Cassandra") in plain and NoCipher().lookup("Cassandra") not in data


def test_the_same_gallery_twice_has_no_common_ciphertext(path, tmp_path):
    filled(path), filled(tmp_path / "second")
    values = []
    for file in (path, tmp_path / "second"):
        connection = sqlite3.connect(file)
        values.append(
            {value for row in connection.execute("SELECT lookup, name FROM people") for value in row}
            | {v for row in connection.execute("SELECT encoding, quality, source FROM encodings") for v in row}
        )
        connection.close()
    assert len(values[0]) == 2 * 2 + 3 * 3 and not values[0] & values[1]


@pytest.mark.parametrize("passphrase", ["", "wrong", PASSPHRASE + " ", PASSPHRASE.upper(), None])
def test_wrong_empty_and_missing_passphrases_are_told_and_change_nothing(path, passphrase):
    data = filled(path)
    text = {"": "passphrase is empty", None: "is encrypted. Give its passphrase"}.get(passphrase, "passphrase is wrong")
    with pytest.raises(GalleryError, match=text):
        opened(path, passphrase)
    assert path.read_bytes() == data


def test_a_passphrase_for_a_plain_gallery_is_refused(path):
    filled(path, None)
    with pytest.raises(GalleryError, match="This gallery is not encrypted. Open it without a passphrase"):
        opened(path)
    with opened(path, None) as gallery:
        assert not gallery.encrypted
        with pytest.raises(GalleryError, match="not encrypted. Make an encrypted one and merge this one into it"):
            gallery.change_passphrase("new")


def test_an_accented_passphrase_has_one_spelling(path):
    filled(path, "caf\u00e9")
    with opened(path, "cafe\u0301") as gallery:
        assert len(gallery) == 2


def test_a_changed_passphrase_opens_the_gallery_and_the_old_one_does_not(path):
    filled(path)
    with opened(path) as gallery:
        with pytest.raises(GalleryError, match="The new passphrase is empty"):
            gallery.change_passphrase("")
        gallery.change_passphrase("a new one")
        gallery.change_passphrase("a newer one")
        gallery.enrol("Dora", np.eye(4)[0])
    with opened(path, "a newer one") as gallery:
        assert len(gallery) == 3 and gallery.history()[-2].action == "change passphrase"
    for old in (PASSPHRASE, "a new one"):
        with pytest.raises(GalleryError, match="passphrase is wrong"):
            opened(path, old)


@pytest.mark.parametrize(
    "commands",
    [
        ["DELETE FROM encodings WHERE id = 2"],
        ["DELETE FROM history"],
        ["UPDATE encodings SET created = '2000-01-01'"],
        ["INSERT INTO history SELECT id + 100, time, action, name, detail FROM history WHERE id = 4"],
        ["UPDATE encodings SET encoding = (SELECT encoding FROM encodings WHERE id = 3) WHERE id = 2"],
    ],
)
def test_rows_that_were_taken_added_or_changed_without_the_passphrase_are_refused(path, commands):
    filled(path)
    changed(path, *commands)
    with pytest.raises(GalleryError, match="its contents do not fit its seal"):
        opened(path)


def test_a_plain_gallery_cannot_be_passed_off_as_an_encrypted_one(path, tmp_path):
    filled(path), filled(tmp_path / "plain", None)
    connection = sqlite3.connect(path)
    ((block,),) = connection.execute("SELECT value FROM about WHERE key = 'cipher'")
    connection.close()
    connection = sqlite3.connect(tmp_path / "plain", isolation_level=None)
    connection.execute("INSERT INTO about VALUES ('cipher', ?)", (block,))
    connection.close()
    with pytest.raises(GalleryError, match="do not fit its seal"):
        opened(tmp_path / "plain")


def test_flipped_bytes_are_refused_or_harmless(path):
    whole = filled(path)
    with opened(path) as gallery:
        expected = gallery.encodings()[0].tobytes(), gallery.people(), gallery.history()
    used = [offset for offset in range(len(whole)) if whole[offset]]
    refused = 0
    for offset in used[::11]:
        damaged = whole[:offset] + bytes([whole[offset] ^ 0xFF]) + whole[offset + 1 :]
        path.write_bytes(damaged)
        try:
            with opened(path) as gallery:
                assert (gallery.encodings()[0].tobytes(), gallery.people(), gallery.history()) == expected
        except GalleryError:
            refused += 1
        assert path.read_bytes() == damaged
    assert refused > 0.8 * len(used[::11])


def test_encrypted_and_plain_galleries_are_merged(path, tmp_path):
    filled(path)
    with opened(tmp_path / "plain", None) as plain, opened(path) as encrypted:
        assert plain.merge(encrypted) == 3
        assert plain.records("Cassandra")[0].picture == JPEG
        encrypted.remove("Cassandra")
        assert encrypted.merge(plain, clashes="join") == 1
        encrypted.export(tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())["names"] == ["Ada Lovelace"] * 2 + ["Cassandra"]


def test_a_value_is_bound_to_its_place_and_its_key():
    block, cipher = new_key_block(PASSPHRASE)
    closed = cipher.close_up(b"Ada", "gallery/people/1/name")
    assert cipher.open_up(closed, "gallery/people/1/name") == b"Ada"
    assert open_key_block(block, PASSPHRASE).open_up(closed, "gallery/people/1/name") == b"Ada"
    assert cipher.close_up(b"Ada", "gallery/people/1/name") != closed
    for data, place in ((closed, "gallery/people/2/name"), (closed[:-1], "gallery/people/1/name"), (b"", "x")):
        with pytest.raises(GalleryError, match=f"is damaged: {place} was changed or moved after encryption"):
            cipher.open_up(data, place)
    with pytest.raises(GalleryError, match="was changed or moved"):
        new_key_block(PASSPHRASE)[1].open_up(closed, "gallery/people/1/name")


def test_the_same_master_key_gives_the_same_lookups_and_another_one_others():
    block, cipher = new_key_block(PASSPHRASE)
    assert open_key_block(block, PASSPHRASE).lookup("Ada") == cipher.lookup("Ada") != cipher.lookup("ada")
    assert len({cipher.lookup("Ada"), new_key_block(PASSPHRASE)[1].lookup("Ada"), NoCipher().lookup("Ada")}) == 3
    assert (
        PassphraseCipher(bytes(32)).seal_key == PassphraseCipher(bytes(32)).seal_key != PassphraseCipher(b"1").seal_key
    )


# RFC 7914, section 12: scrypt of "" with salt "", n 16, r 1, p 1 begins 77 d6 57 62 38 65 7b 20.
def test_the_key_is_scrypts():
    assert gallery_encryption._derived("", b"", {"n": 16, "r": 1, "p": 1})[:8].hex() == "77d6576238657b20"


def test_every_byte_of_the_key_block_is_guarded():
    block, _ = new_key_block(PASSPHRASE)
    for offset in range(len(block)):
        with pytest.raises(GalleryError, match="its encrypted key was changed. Restore a backup"):
            open_key_block(block[:offset] + bytes([block[offset] ^ 1]) + block[offset + 1 :], PASSPHRASE)
    assert open_key_block(changed_key_block(block, PASSPHRASE, "b"), "b").lookup("x")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n": 2**40}, r"must be made by scrypt with at most .* Received 'scrypt' {'n': 1099511627776"),
        ({"p": 0}, "must be made by scrypt"),
        ({"kdf": "md5"}, "Received 'md5'"),
        ({"salt": "x"}, "encrypted key cannot be read: ValueError"),
        ({"r": None}, "encrypted key cannot be read: TypeError"),
        ({"n": 3}, "encrypted key cannot be used"),
    ],
)
def test_a_key_block_that_asks_for_the_impossible_is_refused(change, text):
    block, _ = new_key_block(PASSPHRASE)
    data = json.dumps(json.loads(block[32:]) | change).encode()
    with pytest.raises(GalleryError, match=text):
        open_key_block(gallery_encryption._digest(data) + data, PASSPHRASE)


def test_the_real_parameters_are_in_the_block_and_work(monkeypatch):
    monkeypatch.undo()
    block, cipher = new_key_block(PASSPHRASE)
    values = json.loads(block[32:])
    assert (values["n"], values["r"], values["p"]) == (65536, 8, 2)
    assert open_key_block(block, PASSPHRASE).seal_key == cipher.seal_key


def test_without_the_library_it_says_what_to_install_and_makes_no_file(path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(GalleryError, match="needs the `cryptography` library. Install it: pip install"):
        opened(path)
    assert not path.exists()
    with opened(path, None) as gallery:
        gallery.enrol("Ada", np.eye(4)[0])
    assert os.listdir(path.parent) == [path.name]
