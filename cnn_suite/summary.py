"""`cnn-suite summary`: the summary of a network, as rows and as a readable table."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from cnn_suite import config_arrays, config_style, models
from cnn_suite.catalogue import CATALOGUE, entry_of
from cnn_suite.config import ConfigError
from cnn_suite.config_text import override
from cnn_suite.network_files import load_network
from cnn_suite.runtime.model_files.model_folders import find_model
from cnn_suite.sums import ModelSums, model_sums
from cnn_suite.tasks.builder_names import check_options
from cnn_suite.trained import load_trained


def summarise(network: str, size_hw: Sequence[int] | None = None, options: Sequence[str] = ()) -> ModelSums:
    """Summarises a network.

    Args:
        network: A builder of `cnn_suite.models`, a model folder, the name of one in saved_models/, or a .keras file,
            with or without its config.yaml.
        size_hw: Size of its input; its own by default.
        options: Arguments of the builder, each `key=value`; its defaults by default.

    Raises:
        ConfigError, FileNotFoundError, ValueError: If there is no such network, it does not take the options, or it
            cannot take that size.
    """
    if network in models.__all__:
        return model_sums(_built(network, size_hw, options))
    if options:
        raise ConfigError(f"{options[0]}: only a builder takes options, and {network} is a network as it was trained.")
    path = Path(network)
    if path.suffix == ".keras" and not (path.parent / "config.yaml").is_file():
        return _sums_as_it_is(load_network(path), path, size_hw)
    trained = load_trained(path if path.suffix == ".keras" else find_model(network))
    model, settings = trained.model, trained.config.model
    if isinstance(settings, config_arrays.Model):
        return _sums_as_it_is(model, trained.path, size_hw)
    if isinstance(settings, config_style.Model):  # takes any size
        own_hw = CATALOGUE[settings.builder].input_shape[:2]
    else:
        own_hw = settings.image_size_hw
    return model_sums(model, (*(size_hw or own_hw), model.inputs[0].shape[-1]))


def _sums_as_it_is(model: keras.Model, path: Path, size_hw: Sequence[int] | None) -> ModelSums:
    """Those of a network with the input shape that its file says."""
    shape = tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else ()
    if size_hw is not None:
        if len(shape) != 3:
            raise ConfigError(f"--size is a picture's, and the input of {path} has the shape {shape}. Leave it out.")
        shape = (*size_hw, shape[2])
    elif None in shape:
        raise ConfigError(f"{path} takes inputs of any size, {shape}. Say which by --size HEIGHTxWIDTH.")
    return model_sums(model, shape)


def _built(network: str, size_hw: Sequence[int] | None, options: Sequence[str]) -> keras.Model:
    build = getattr(models, network)
    shape = entry_of(network, options).input_shape
    arguments = _arguments(build, options)
    check_options(build, network, arguments, "options")
    try:
        return build(shape if size_hw is None else (*size_hw, shape[2]), **arguments)
    except TypeError as error:
        raise ConfigError(f"options: {network} does not take what is given: {error}.") from error


def _arguments(build: Callable[..., keras.Model], options: Sequence[str]) -> dict[str, Any]:
    """Values by name, read as YAML; text stays text where the builder's own value is one (`variant=1.0`)."""
    known = inspect.signature(build).parameters
    values: dict[str, Any] = {}
    for option in options:
        values = override(values, option)
        name, _, text = option.partition("=")
        if name in known and isinstance(known[name].default, str):
            values[name] = text
    return values


def as_rows(sums: ModelSums) -> list[dict[str, Any]]:
    """A plain object for every layer, for JSON."""
    return [asdict(row) | {"output_shape": list(row.output_shape)} for row in sums.layers]


def render(sums: ModelSums) -> str:
    """The readable table: one line per layer, and the totals."""
    width = max([len(row.name) for row in sums.layers] + [10])
    lines = [
        f"{sums.name}, input {_times(sums.input_shape)}",
        "",
        f"{'layer':<{width}}  {'kind':<24} {'output':<14} {'activations':>11} {'parameters':>12} {'multiply-adds':>14}",
    ]
    for row in sums.layers:
        lines.append(
            f"{row.name:<{width}}  {row.kind:<24.24} {_times(row.output_shape):<14} {row.activation_size:>11,} "
            f"{row.parameters:>12,} {row.multiply_adds:>14,}"
        )
    lines += [
        "",
        f"parameters {sums.parameters:,} ({sums.trainable:,} trainable), multiply-adds {sums.multiply_adds:,}",
    ]
    return "\n".join(lines)


def _times(shape: Sequence[int | None]) -> str:
    return "x".join(str(extent) for extent in shape)
