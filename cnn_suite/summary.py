"""`cnn-suite summary`: the summary of a network, as rows and as a readable table."""

import inspect
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from cnn_suite import config_style, models
from cnn_suite.catalogue import CATALOGUE
from cnn_suite.runtime.model_folders import find_model
from cnn_suite.sums import ModelSums, model_sums
from cnn_suite.trained import Trained, load_trained


def summarise(network: str, size_hw: Sequence[int] | None = None) -> ModelSums:
    """Summarises a network.

    Args:
        network: A builder of `cnn_suite.models` at its defaults, a model folder, the name of one in saved_models/, or a
            .keras file.
        size_hw: Size of its input; its own by default.

    Raises:
        ConfigError, FileNotFoundError, ValueError: If the network does not exist or cannot take that size.
    """
    if network in models.__all__:
        return model_sums(_built(network, size_hw))
    path = Path(network)
    trained = load_trained(path if path.suffix == ".keras" else find_model(network))
    shape = (*(size_hw or _own_size_hw(network, trained)), trained.model.inputs[0].shape[-1])
    return model_sums(trained.model, shape)


def _own_size_hw(network: str, trained: Trained) -> tuple[int, int]:
    """The size that a trained network takes; of one that takes any, that of the catalogue."""
    settings = trained.config.model
    if isinstance(settings, config_style.Model):
        height, width, _ = CATALOGUE[settings.builder].input_shape
        return height, width
    return settings.image_size_hw


def _built(network: str, size_hw: Sequence[int] | None) -> keras.Model:
    build = getattr(models, network)
    shape = inspect.signature(build).parameters["image_shape"].default
    if size_hw is None and None in shape:
        shape = CATALOGUE[network].input_shape
    return build(shape if size_hw is None else (*size_hw, shape[2]))


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
