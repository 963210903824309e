"""Arguments of `Model.compile` that all tasks share, whatever the loss."""

from typing import Any

import keras

from cnn_suite.backend import jit_compile
from cnn_suite.config_sections import Phase, Training
from cnn_suite.models.surgery import layer_rates, output_layer_names
from cnn_suite.schedule import optimizer


def compile_options(
    model: keras.Model, settings: Training, phase: Phase, phase_name: str, steps_per_epoch: int
) -> dict[str, Any]:
    """The arguments of `Model.compile` that say how a phase of the training runs.

    Args:
        model: The network, whose layers may learn at different rates.
        settings: How `fit` runs.
        phase: Rates and length of the phase.
        phase_name: The optimiser's name, by which a checkpoint tells its phase.
        steps_per_epoch: Optimiser steps of one epoch.
    """
    rates, heads = layer_rates(model, phase.layer_decay), output_layer_names(model)
    return {
        "optimizer": optimizer(settings, phase, steps_per_epoch, phase_name, layer_rates=rates, heads=heads),
        "jit_compile": jit_compile(settings.jit),
        "steps_per_execution": _divisor(steps_per_epoch, settings.steps_per_execution),
    }


def _divisor(steps: int, at_most: int) -> int:
    """The largest part into which the steps of an epoch can be cut evenly: Keras would add steps to a smaller rest."""
    return max(part for part in range(1, min(steps, at_most) + 1) if steps % part == 0)
