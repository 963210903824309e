"""Trained networks as files, with their configuration beside them."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import keras

from cnn_suite.config import ConfigError, RunConfig, load_config
from cnn_suite.network_files import load_network
from cnn_suite.tasks.choice import task_of


class Trained(NamedTuple):
    """A network in float32, its configuration, and the file it was read from."""

    model: keras.Model
    config: RunConfig
    path: Path


def load_trained(source: str | Path, overrides: Sequence[str] = ()) -> Trained:
    """Reads a trained network.

    Args:
        source: A run (`runs/<name>`), a model folder, or a .keras file with its config.yaml beside it.
        overrides: Fields of its configuration to replace, such as `export.mirror=true`.

    Raises:
        ConfigError: If the source is no trained network, cannot be read, or is not what its configuration says; or an
            override does not fit.
    """
    source = Path(source)
    path = source / "model.keras" if source.is_dir() else source
    settings = path.parent / "config.yaml"
    if not path.is_file() or not settings.is_file():
        checkpoints = [source / name for name in ("best.keras", "last.keras") if (source / name).is_file()]
        if checkpoints and settings.is_file():
            raise ConfigError(
                f"The training of {source} stopped before its end: go on with `cnn-suite train CONFIG --resume`, or "
                f"export {checkpoints[0]} as it is."
            )
        raise ConfigError(
            f"{source} is not a trained network: expected model.keras and config.yaml, or a .keras file with "
            "config.yaml next to it. `cnn-suite train` writes them to runs/<name>."
        )
    config = load_config(settings, overrides)
    task = task_of(config.task)  # imports the layers of its networks, which Keras must know to read the file
    if ":" in config.model.builder:
        import_module(config.model.builder.partition(":")[0])  # where its layers are registered
    model = load_network(path)
    classes = task.classes_of(model)
    if classes != len(config.data.labels):
        raise ConfigError(
            f"{settings}: data.labels must name the {classes} classes of {path.name}. "
            f"Received {len(config.data.labels)}: {', '.join(config.data.labels) or 'none'}."
        )
    return Trained(model, config, path)
