"""Where pulled weights lie and the model folders made of them. Standard library only."""

import os
from pathlib import Path


def cache_home() -> Path:
    """The folder for everything that is pulled: CNN_SUITE_HOME, or ~/.cache/cnn_suite."""
    named = os.environ.get("CNN_SUITE_HOME", "")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "cnn_suite"


def files_folder(name: str) -> Path:
    """The folder for the files of a row, as they were published."""
    return cache_home() / "files" / name


def model_folder(name: str) -> Path:
    """The model folder that a detector becomes."""
    return cache_home() / "models" / name
