"""Builders of networks by the names that configurations give them."""

from collections.abc import Callable, Mapping
from importlib import import_module

import keras

from cnn_suite.config import ConfigError
from cnn_suite.nearest_names import did_you_mean_or_all


def builder_of(name: str, known: Mapping[str, Callable[..., keras.Model]]) -> Callable[..., keras.Model]:
    """The builder of a name in `known`, or a function anywhere, written `module:function`.

    Raises:
        ConfigError: If there is none.
    """
    if name in known:
        return known[name]
    module, separator, function = name.partition(":")
    if not separator:
        hint = did_you_mean_or_all(name, known)
        raise ConfigError(f"model.builder: unknown builder {name!r}.{hint} Or give module:function.")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"model.builder: cannot load {name!r}: {error}.") from error
