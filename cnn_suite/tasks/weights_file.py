"""Finds the weights file for a value in a configuration: a path, or the name of known weights."""

from pathlib import Path

from cnn_suite.cache_folders import files_folder
from cnn_suite.config import ConfigError
from cnn_suite.known_weights import KNOWN
from cnn_suite.nearest_names import did_you_mean_or_all


def weights_file(words: str, key: str) -> Path:
    """The weights file that a configuration names: a file, or known weights that `cnn-suite pull` fetched.

    Args:
        words: A path, or a name that `cnn-suite weights` lists.
        key: The key of the configuration, for messages.

    Raises:
        ConfigError: If there is no such file, or the known weights are no single file.
    """
    if words not in KNOWN:
        path = Path(words).expanduser()
        if not path.is_file():
            hint = did_you_mean_or_all(words, KNOWN)
            raise ConfigError(f"{key}: there is no weights file {path}, nor are there known weights.{hint}")
        return path
    row = KNOWN[words]
    if len(row.files) > 1:
        raise ConfigError(f"{key}: {words} is a whole model for {row.task}. Name a weights file or other known ones.")
    path = files_folder(words) / row.files[0].name
    if not path.is_file():
        raise ConfigError(f"{key}: there is no weights file {path}. `cnn-suite pull {words}` fetches it.")
    return path
