"""The gallery that a command line names, and where its passphrase comes from."""

from __future__ import annotations

import getpass
import os
import types
import warnings

import numpy as np
import pytest

from cnn_suite.runtime.faces.gallery_opening import PASSPHRASE, open_gallery, read_passphrase
from cnn_suite.runtime.faces.gallery_records import GalleryError

NETWORK = types.SimpleNamespace(fingerprint="a network", dimensions=4)
ADA = np.eye(1, 4, dtype=np.float32)


def typed(monkeypatch, *passphrases):
    """Has these typed at the prompt one after another."""
    monkeypatch.delenv(PASSPHRASE, raising=False)
    waiting = iter(passphrases)
    monkeypatch.setattr(getpass, "getpass", lambda prompt, stream: next(waiting))


def test_a_gallery_is_made_only_where_that_is_wanted_and_when_somebody_comes(tmp_path):
    path = tmp_path / "people.gallery"
    with pytest.raises(FileNotFoundError):
        open_gallery(path, NETWORK, False)
    with open_gallery(path, NETWORK, False, create=True) as gallery:
        assert gallery.encodings()[0].shape == (0, 4) and not path.exists()
        gallery.enrol("Ada", ADA)
        assert gallery.encodings()[1] == ["Ada"]
    with open_gallery(path, NETWORK, False, create=True) as gallery:
        assert (gallery.fingerprint, gallery.dimensions, gallery.encodings()[1]) == ("a network", 4, ["Ada"])


def test_where_no_gallery_can_be_made_is_told_at_once(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="There is no folder .*absent for the gallery x"):
        open_gallery(tmp_path / "absent" / "x", NETWORK, False, create=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(GalleryError, match="cannot be made: its folder is write-protected"):
        open_gallery(tmp_path / "x", NETWORK, False, create=True)


def test_the_passphrase_of_a_new_gallery_is_asked_for_twice_and_of_an_old_one_once(tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    path = tmp_path / "people.gallery"
    typed(monkeypatch, "correct", "corect")
    with pytest.raises(GalleryError, match="The two passphrases differ"):
        open_gallery(path, NETWORK, True, create=True)
    typed(monkeypatch, "", "")
    with pytest.raises(GalleryError, match="The passphrase is empty"):
        open_gallery(path, NETWORK, True, create=True)
    assert not path.exists()
    typed(monkeypatch, "correct", "correct")
    with open_gallery(path, NETWORK, True, create=True) as gallery:
        gallery.enrol("Ada", ADA)
    typed(monkeypatch, "correct")
    open_gallery(path, NETWORK, True, create=True).close()
    monkeypatch.setenv(PASSPHRASE, "another one")
    with pytest.raises(GalleryError, match="passphrase"):
        open_gallery(path, NETWORK, True)


def test_without_a_terminal_it_says_where_else_to_give_a_passphrase(monkeypatch):
    def no_terminal(prompt, stream):
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return "shown to everybody"

    monkeypatch.delenv(PASSPHRASE, raising=False)
    monkeypatch.setattr(getpass, "getpass", no_terminal)
    with pytest.raises(GalleryError, match="no terminal .* Give it in the environment as CNN_SUITE_PASSPHRASE"):
        read_passphrase()
