"""Looks up network builders by their names in configurations, with the options they accept."""

import inspect
from collections.abc import Callable, Iterable, Mapping
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


def check_options(build: Callable[..., keras.Model], builder: str, options: Iterable[str], key: str) -> None:
    """Refuses arguments that a builder does not have.

    Args:
        build: The builder.
        builder: Its name, for messages.
        options: Names of the arguments.
        key: Where they were given, for messages.

    Raises:
        ConfigError: If it takes one of them not.
    """
    known = inspect.signature(build).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return  # it passes them on, and Python will say
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigError(f"{key}: {builder} takes no {unknown[0]!r}. Known: {', '.join(known)}.")
