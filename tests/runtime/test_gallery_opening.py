"""The gallery that a command line names, and where its passphrase comes from."""

from __future__ import annotations

import getpass
import types

import pytest

from cnn_suite.runtime.gallery_opening import PASSPHRASE, open_gallery
from cnn_suite.runtime.gallery_records import GalleryError

NETWORK = types.SimpleNamespace(fingerprint="a network", dimensions=4)


def test_a_gallery_is_made_only_where_that_is_wanted(tmp_path):
    path = tmp_path / "people.gallery"
    with pytest.raises(FileNotFoundError):
        open_gallery(path, NETWORK, False)
    open_gallery(path, NETWORK, False, create=True).close()
    with open_gallery(path, NETWORK, False) as gallery:
        assert (gallery.fingerprint, gallery.dimensions) == ("a network", 4)


def test_the_passphrase_comes_from_the_environment_or_is_asked_for(tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    path = tmp_path / "people.gallery"
    monkeypatch.setenv(PASSPHRASE, "of the environment")
    open_gallery(path, NETWORK, True, create=True).close()
    monkeypatch.delenv(PASSPHRASE)
    monkeypatch.setattr(getpass, "getpass", lambda prompt, stream: "of the environment")
    open_gallery(path, NETWORK, True).close()
    monkeypatch.setattr(getpass, "getpass", lambda prompt, stream: "another one")
    with pytest.raises(GalleryError):
        open_gallery(path, NETWORK, True)
