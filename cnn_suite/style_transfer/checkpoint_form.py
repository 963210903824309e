"""What tells the file of a paused optimisation from any other, without what it takes to go on from it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

FORM = "cnn_suite style transfer 1"


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of a style transfer, by what is in it; one that is cut off is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return json.loads(str(file["told"]))["form"] == FORM
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile):
        return False
