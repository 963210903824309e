"""Finding a model that may have to be pulled first.

Making a model folder needs TensorFlow, which an app never imports: `cnn-suite pull` runs as a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cnn_suite.known_weights import KNOWN
from cnn_suite.runtime.model_files.model_folders import find_model


class NotPulledError(RuntimeError):
    """A known detector that could not be pulled; `cnn-suite pull` has said why."""


def find_or_pull(model: str, *, quiet: bool = False) -> Path:
    """The folder that `--model` names; a known detector is pulled the first time.

    Args:
        model: A folder, the name of one in saved_models/ or in the cache, or of a detector in `cnn-suite weights`.
        quiet: Show no progress.

    Returns:
        The model folder.

    Raises:
        FileNotFoundError: If there is no such model; the text lists the known names.
        NotPulledError: If pulling it failed.
    """
    try:
        return find_model(model)
    except FileNotFoundError:
        if model not in KNOWN or not KNOWN[model].becomes_folder:
            raise
    command = [sys.executable, "-m", "cnn_suite.cli", "pull", model, *(["--quiet"] if quiet else [])]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # its stderr is ours
    if done.returncode:
        raise NotPulledError(f"The model {model!r} could not be pulled; see above.")
    return find_model(model)
