"""The trained network that a configuration starts from: a model folder, a run, or a .keras file."""

from collections.abc import Container
from pathlib import Path

import keras

from cnn_suite.config import ConfigError
from cnn_suite.known_weights import KNOWN
from cnn_suite.models.surgery import copy_body
from cnn_suite.nearest_names import did_you_mean
from cnn_suite.network_files import load_network
from cnn_suite.runtime.model_files.model_folders import find_model


def names_network(words: str) -> bool:
    """Whether a classifier's `model.pretrained` means a trained network; otherwise a file of weights for a builder."""
    path = Path(words).expanduser()
    return words not in KNOWN and (path.suffix == ".keras" or not path.is_file())


def pretrained_network(words: str) -> keras.Model:
    """The network that `model.pretrained` names, in float32.

    Args:
        words: A folder with a model.keras, the name of a model folder, or a .keras file.

    Raises:
        ConfigError: If there is no such network, or its file cannot be read.
    """
    return load_network(pretrained_file(words))


def pretrained_file(words: str) -> Path:
    """The .keras file that `model.pretrained` names.

    Raises:
        ConfigError: If there is none.
    """
    path = Path(words).expanduser()
    if path.suffix != ".keras":
        path = model_folder(words, "model.pretrained") / "model.keras"
    if not path.is_file():
        raise ConfigError(
            f"model.pretrained: there is no file {path}. `cnn-suite train` writes model.keras to runs/<name>."
        )
    return path


def start_from(model: keras.Model, source: keras.Model, heads: Container[str], words: str) -> None:
    """Gives a network the weights of another one with the same body; its heads keep their own.

    Args:
        model: The network to change.
        source: The network with the weights.
        heads: Names of the layers of `model` that keep their weights.
        words: What `model.pretrained` says, for messages.

    Raises:
        ConfigError: If the bodies differ.
    """
    try:
        copy_body(model, source, heads)
    except ValueError as error:
        raise ConfigError(f"model.pretrained: {words} does not fit. {error}") from error


def model_folder(words: str, key: str) -> Path:
    """The folder that a configuration names, by its path or as the name of a model folder.

    Raises:
        ConfigError: If there is none.
    """
    try:
        return find_model(words)
    except FileNotFoundError as error:
        weights = [name for name, row in KNOWN.items() if not row.becomes_folder]
        raise ConfigError(f"{key}: {error}{did_you_mean(words, weights)}") from error
