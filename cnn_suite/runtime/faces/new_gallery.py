"""A gallery that is not there yet: its file is made when the first people come into it, and not before.

Whatever fails until then, a picture that is refused or a camera that is unplugged, leaves no empty gallery behind.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from cnn_suite.runtime.faces.gallery import Gallery
from cnn_suite.runtime.faces.gallery_encryption import require_library
from cnn_suite.runtime.faces.gallery_exchange import read_export
from cnn_suite.runtime.faces.gallery_merge import Clashes
from cnn_suite.runtime.faces.gallery_records import GalleryError


class NewGallery:
    """What may be done with a gallery that is to be made: look into it, and put people in. Closed like a `Gallery`.

    Args:
        path: The file that is to be made.
        fingerprint: As for `Gallery`.
        dimensions: As for `Gallery`.
        passphrase: As for `Gallery`.

    Raises:
        FileNotFoundError: If there is no folder for the file.
        GalleryError: If nothing can be written there, or there is no library for encryption.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, fingerprint: str, dimensions: int, passphrase: str | None = None
    ) -> None:
        self.path = Path(path)
        self.fingerprint, self.dimensions = fingerprint, dimensions
        self._passphrase = passphrase
        self._gallery: Gallery | None = None
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {self.path.parent} for the gallery {self.path.name}.")
        if not os.access(self.path.parent, os.W_OK):
            raise GalleryError(f"The gallery {self.path} cannot be made: its folder is write-protected.")
        if passphrase == "":
            raise GalleryError("The passphrase is empty. Give a longer one, or make a gallery without encryption.")
        if passphrase is not None:
            require_library()

    def __enter__(self) -> NewGallery:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, if there is one by now."""
        if self._gallery is not None:
            self._gallery.close()

    def encodings(self) -> tuple[np.ndarray, list[str]]:
        """As `Gallery.encodings`: nobody's before the first people came."""
        if self._gallery is None:
            return np.zeros((0, self.dimensions), np.float32), []
        return self._gallery.encodings()

    def enrol(self, name: str, encodings: np.ndarray, **more: Any) -> list[int]:
        """As `Gallery.enrol`."""
        return self._made().enrol(name, encodings, **more)

    def import_file(self, path: str | os.PathLike[str], *, clashes: Clashes = "refuse") -> int:
        """As `Gallery.import_file`."""
        read_export(path, fingerprint=self.fingerprint, dimensions=self.dimensions)  # what it refuses makes no gallery
        return self._made().import_file(path, clashes=clashes)

    def _made(self) -> Gallery:
        if self._gallery is None:
            self._gallery = Gallery(
                self.path,
                fingerprint=self.fingerprint,
                dimensions=self.dimensions,
                passphrase=self._passphrase,
                create=True,
            )
        return self._gallery
