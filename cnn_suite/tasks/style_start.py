"""Training that starts from another style network, which paints well already and only has to learn new strokes."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from cnn_suite.config import ConfigError, load_config
from cnn_suite.models.stylizer import copy_styles, styles_of
from cnn_suite.tasks.pretrained_network import pretrained_file, pretrained_network


def start_from_styles(model: keras.Model, styles: Sequence[str], words: str) -> None:
    """Gives a style network the weights of a trained one.

    Args:
        model: The network to change.
        styles: Names of its styles. One that the trained network has too starts from it, any other from the mean of
            all its styles.
        words: What `model.pretrained` says.

    Raises:
        ConfigError: If there is no such network, or it is of another variant or task.
    """
    source = pretrained_network(words)
    try:
        copy_styles(model, source, beginnings(styles, _names_beside(pretrained_file(words), source)))
    except ValueError as error:
        raise ConfigError(f"model.pretrained: {words} does not fit. {error}") from error


def beginnings(styles: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """The mixture of known styles that each style starts from, `(styles, known)`: itself, or all in equal parts."""
    mean = np.full(len(known), 1 / len(known))
    return np.stack([np.eye(len(known))[known.index(style)] if style in known else mean for style in styles])


def _names_beside(file: Path, source: keras.Model) -> tuple[str, ...]:
    """The names of a network's styles by the configuration in its folder; without one they have none."""
    recipe = file.with_name("config.yaml")
    names = load_config(recipe).data.labels if recipe.is_file() else ()
    return names if len(names) == styles_of(source) else ("",) * styles_of(source)
