"""The gallery that a command line names, with the passphrase of an encrypted one; light to import."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

if TYPE_CHECKING:
    from cnn_suite.runtime.faces.face_encoder import Encoder
    from cnn_suite.runtime.faces.gallery import Gallery
    from cnn_suite.runtime.faces.new_gallery import NewGallery

PASSPHRASE, NEW_PASSPHRASE = "CNN_SUITE_PASSPHRASE", "CNN_SUITE_NEW_PASSPHRASE"  # environment variables


@overload
def open_gallery(path: Path, network: Encoder, encrypted: bool, *, create: Literal[False] = False) -> Gallery: ...


@overload
def open_gallery(path: Path, network: Encoder, encrypted: bool, *, create: bool) -> Gallery | NewGallery: ...


def open_gallery(path: Path, network: Encoder, encrypted: bool, *, create: bool = False) -> Gallery | NewGallery:
    """The gallery in a file, for the encodings of one network.

    Args:
        path: The file.
        network: What makes the encodings.
        encrypted: Whether to take the passphrase from the environment variable `PASSPHRASE`, or else to ask for it:
            twice for a new gallery, which a typing mistake would lock for ever.
        create: Whether there is to be a gallery where there is none; it is made when the first people come into it.

    Raises:
        FileNotFoundError: If there is no such file and none is to be made, or no folder for it.
        GalleryError: If the file cannot be used, see `cnn_suite.runtime.faces.gallery.Gallery`, there is no passphrase,
            or the two differ.
    """
    from cnn_suite.runtime.faces.gallery import Gallery
    from cnn_suite.runtime.faces.new_gallery import NewGallery

    is_new = create and not (path.exists() and path.stat().st_size)
    return (NewGallery if is_new else Gallery)(
        path,
        fingerprint=network.fingerprint,
        dimensions=network.dimensions,
        passphrase=read_passphrase(twice=is_new) if encrypted else None,
    )


def read_passphrase(prompt: str = "Passphrase", variable: str = PASSPHRASE, *, twice: bool = False) -> str:
    """A passphrase from the environment, or from the person at the terminal.

    Args:
        prompt: What the person is asked for.
        variable: Of the environment, which is looked at first.
        twice: Whether the person types it twice, so that a typing mistake is noticed.

    Raises:
        GalleryError: If there is no terminal to ask at, or the two differ.
    """
    from cnn_suite.runtime.faces.gallery_records import GalleryError

    given = os.environ.get(variable)
    if given:
        return given
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would go on and show what is typed
            passphrase = getpass.getpass(f"{prompt}: ", sys.stderr)
            again = getpass.getpass(f"{prompt} again: ", sys.stderr) if twice else passphrase
    except (getpass.GetPassWarning, EOFError) as error:
        raise GalleryError(
            f"There is no terminal at which to ask for the passphrase. Give it in the environment as {variable}."
        ) from error
    if passphrase != again:
        raise GalleryError("The two passphrases differ. Nothing was changed. Try again.")
    return passphrase
