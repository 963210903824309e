"""Builders of networks by the names that configurations give them."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module

import keras

from cnn_suite.config import ConfigError


def builder_of(name: str, known: Mapping[str, Callable[..., keras.Model]]) -> Callable[..., keras.Model]:
    """The builder of a name in `known`, or a function anywhere, written `module:function`.

    Raises:
        ConfigError: If there is none.
    """
    if name in known:
        return known[name]
    module, separator, function = name.partition(":")
    if not separator:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
        raise ConfigError(f"model.builder: unknown builder {name!r}. {hint} Or give module:function.")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"model.builder: cannot load {name!r}: {error}.") from error
