"""Files with people's encodings: there whole or not at all, and readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` when the block ends, and is gone if it fails.

    Raises:
        OSError: If nothing can be written into the folder of `path`.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name[:40], suffix=".part")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
