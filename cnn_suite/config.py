"""Configuration of a training: frozen, typed, validated, and saved whole with every run.

A configuration is a YAML file whose keys are the fields of the sections in `config_<task>.py`, for the
task that it names; any of them can be given as `key=value` on the command line, nested
keys with dots: `training.epochs=5`. A key or value that does not fit is refused with its full path, the nearest known
key and what was expected.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.config_detection import DetectionConfig
from cnn_suite.config_embedding import EmbeddingConfig
from cnn_suite.config_landmarks import LandmarksConfig
from cnn_suite.config_style import StyleConfig
from cnn_suite.config_text import ConfigError, explain_all, override, read_values
from cnn_suite.nearest_names import did_you_mean

__all__ = ["CONFIGS", "ConfigError", "RunConfig", "load_config", "save_config"]

RunConfig = DetectionConfig | ClassificationConfig | LandmarksConfig | EmbeddingConfig | StyleConfig
CONFIGS: dict[str, type[RunConfig]] = {
    "detection": DetectionConfig,
    "classification": ClassificationConfig,
    "landmarks": LandmarksConfig,
    "embedding": EmbeddingConfig,
    "style": StyleConfig,
}


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads a YAML configuration and applies `key=value` overrides.

    Args:
        path: YAML file.
        overrides: Such as `training.epochs=5`; values are read as YAML.

    Returns:
        The validated configuration with every default filled in.

    Raises:
        ConfigError: If the file cannot be read or a key or value does not fit.
    """
    values = read_values(path)
    for text in overrides:
        values = override(values, text)
    try:
        as_json = json.dumps(values)  # where a list is fit for a tuple and everything else is strict
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path} must hold text, numbers, lists and keys with values only: {error}.") from error
    config = _config_class(values)
    try:
        return config.model_validate_json(as_json)
    except ValidationError as error:
        raise ConfigError("\n".join(explain_all(error.errors(), config))) from error


def _config_class(values: dict) -> type[RunConfig]:
    """The configuration of the task that the values name, a detector's where they name none."""
    task = values.get("task", "detection")
    if not isinstance(task, str) or task not in CONFIGS:
        hint = did_you_mean(str(task), CONFIGS)
        raise ConfigError(f"task: must be one of {', '.join(CONFIGS)}. Received {task!r}.{hint}")
    return CONFIGS[task]


def save_config(config: RunConfig, path: str | Path) -> None:
    """Writes the whole configuration, defaults included, as YAML that `load_config` reads back."""
    Path(path).write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
