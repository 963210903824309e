"""Configuration of a training run: frozen, typed, validated, and saved completely with every run.

A configuration is a YAML file that names a task; its keys are the fields of the sections in `config_<task>.py`. Any
field can be overridden on the command line with `key=value`; nested keys use dots: `training.epochs=5`. The error for
an invalid key or value gives its full path, the closest known key and what was expected.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cnn_suite.config_arrays import ArraysConfig
from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.config_detection import DetectionConfig
from cnn_suite.config_embedding import EmbeddingConfig
from cnn_suite.config_landmarks import LandmarksConfig
from cnn_suite.config_localization import LocalizationConfig
from cnn_suite.config_style import StyleConfig
from cnn_suite.config_text import ConfigError, explain_all, override, read_values
from cnn_suite.nearest_names import did_you_mean

__all__ = ["CONFIGS", "ConfigError", "RunConfig", "config_class", "load_config", "save_config"]

RunConfig = (
    DetectionConfig
    | ClassificationConfig
    | LocalizationConfig
    | LandmarksConfig
    | EmbeddingConfig
    | StyleConfig
    | ArraysConfig
)
CONFIGS: dict[str, type[RunConfig]] = {
    "detection": DetectionConfig,
    "classification": ClassificationConfig,
    "localization": LocalizationConfig,
    "landmarks": LandmarksConfig,
    "embedding": EmbeddingConfig,
    "style": StyleConfig,
    "arrays": ArraysConfig,
}


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads a YAML configuration and applies `key=value` overrides.

    Args:
        path: YAML file.
        overrides: Overrides such as `training.epochs=5`; values are parsed as YAML.

    Returns:
        The validated configuration with every default filled in.

    Raises:
        ConfigError: If the file cannot be read or a key or value is invalid.
    """
    values = read_values(path)
    for text in overrides:
        values = override(values, text)
    try:
        as_json = json.dumps(values)  # JSON mode accepts a list for a tuple and is strict otherwise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path} must contain only text, numbers, lists and mappings: {error}.") from error
    config = config_class(values)
    try:
        return config.model_validate_json(as_json)
    except ValidationError as error:
        raise ConfigError("\n".join(explain_all(error.errors(), config))) from error


def config_class(values: dict[str, Any]) -> type[RunConfig]:
    """The configuration class of the task that a configuration names [default: detection].

    Raises:
        ConfigError: If there is no such task.
    """
    task = values.get("task", "detection")
    if not isinstance(task, str) or task not in CONFIGS:
        hint = did_you_mean(str(task), CONFIGS)
        raise ConfigError(f"task: must be one of {', '.join(CONFIGS)}. Received {task!r}.{hint}")
    return CONFIGS[task]


def save_config(config: RunConfig, path: str | Path) -> None:
    """Writes the complete configuration, including defaults, as YAML that `load_config` can read."""
    Path(path).write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
