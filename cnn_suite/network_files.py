"""Networks in .keras files: read for inference in float32, and identified by their weights."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from cnn_suite.config import ConfigError


def load_network(path: str | Path) -> keras.Model:
    """The network of a .keras file without its optimiser; layers of a training in half precision compute in float32.

    Raises:
        ConfigError: If the file is damaged, or holds what Keras cannot make again, such as a layer that is not
            registered.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # layers inside layers take it
    try:
        with zipfile.ZipFile(path) as archive:
            configuration = json.loads(archive.read("config.json"))
        configuration.pop("compile_config", None)
        model = keras.saving.deserialize_keras_object(_in_float32(configuration))
        model.load_weights(path)
    except (zipfile.BadZipFile, OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path} is damaged or not readable by Keras ({str(error).splitlines()[0]:.200}). "
            "Train it again, or export an earlier checkpoint."
        ) from error
    finally:
        keras.config.set_dtype_policy(policy)
    return model


def weights_digest(model: keras.Model) -> str:
    """Hexadecimal SHA-256 of all weights: the same for every file of one network, which carry the time of writing."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def _in_float32(configuration: Any) -> Any:
    if isinstance(configuration, dict):
        if configuration.get("class_name") == "DTypePolicy":
            return {**configuration, "config": {"name": "float32"}}
        return {key: _in_float32(value) for key, value in configuration.items()}
    return [_in_float32(value) for value in configuration] if isinstance(configuration, list) else configuration
