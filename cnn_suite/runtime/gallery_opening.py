"""The gallery that a command line names, with the passphrase of an encrypted one; light to import."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnn_suite.runtime.face_encoder import Encoder
    from cnn_suite.runtime.gallery import Gallery

PASSPHRASE = "CNN_SUITE_PASSPHRASE"


def open_gallery(path: Path, network: Encoder, encrypted: bool, *, create: bool = False) -> Gallery:
    """The gallery in a file, for the encodings of one network.

    Args:
        path: The file.
        network: What makes the encodings.
        encrypted: Whether to take the passphrase from the environment variable `PASSPHRASE`, or else to ask for it.
        create: Whether to make the gallery where there is none.

    Raises:
        FileNotFoundError: If there is no such file and none is to be made.
        GalleryError: If the file cannot be used, see `cnn_suite.runtime.gallery.Gallery`.
    """
    from cnn_suite.runtime.gallery import Gallery

    passphrase = None
    if encrypted:
        passphrase = os.environ.get(PASSPHRASE) or getpass.getpass("Passphrase: ", sys.stderr)
    return Gallery(
        path, fingerprint=network.fingerprint, dimensions=network.dimensions, passphrase=passphrase, create=create
    )
