"""Learning rate schedule and optimiser for each phase of a training."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from cnn_suite.config_sections import Phase, Training
from cnn_suite.optimizers.layer_rates import LayerRatesAdamW, LayerRatesMuon, LayerRatesSGD
from cnn_suite.optimizers.muon import ConvolutionMuon

_KINDS = {
    "sgd": (keras.optimizers.SGD, LayerRatesSGD),
    "adamw": (keras.optimizers.AdamW, LayerRatesAdamW),
    "muon": (ConvolutionMuon, LayerRatesMuon),
}


def phases(settings: Training) -> tuple[Phase, ...]:
    """The phases of a training: those listed in its settings, or a single one made from the settings themselves."""
    if settings.phases:
        return settings.phases
    return (
        Phase(
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            final_learning_rate=settings.final_learning_rate,
            warmup_epochs=settings.warmup_epochs,
        ),
    )


def learning_rate(phase: Phase, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up from a hundredth of the rate, then a half cosine down to the final rate.

    Args:
        phase: Rates, epochs and warm-up.
        steps_per_epoch: Optimiser steps of one epoch.
    """
    warmup = round(phase.warmup_epochs * steps_per_epoch)
    total = phase.epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=phase.learning_rate / 100 if warmup else phase.learning_rate,
        warmup_target=phase.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(1, total - warmup),
        alpha=phase.final_learning_rate / phase.learning_rate,
    )


def optimizer(
    settings: Training,
    phase: Phase,
    steps_per_epoch: int,
    name: str = "phase0",
    *,
    layer_rates: Mapping[str, float] | None = None,
    heads: Iterable[str] = (),
) -> keras.optimizers.Optimizer:
    """The optimiser of a phase, with weight decay on kernels only and a moving average of the weights.

    Args:
        settings: Kind of optimiser, weight decay, clipping and averaging.
        phase: Rates.
        steps_per_epoch: Optimiser steps of one epoch.
        name: Name of the optimiser, stored in checkpoints.
        layer_rates: Maps layer names to learning rate multipliers. None: the same rate for every layer.
        heads: Names of the layers that give the network's outputs, which `muon` leaves to AdamW.
    """
    common: dict[str, Any] = {
        "learning_rate": learning_rate(phase, steps_per_epoch),
        "weight_decay": settings.weight_decay,
        "global_clipnorm": settings.clip_norm,
        "use_ema": settings.ema_momentum > 0,
        "ema_momentum": settings.ema_momentum or 0.99,
        "name": name,
    }
    if settings.optimizer == "sgd":
        common |= {"momentum": 0.9, "nesterov": True}
    if settings.optimizer == "muon":
        common["exclude_layers"] = [f"(^|/){re.escape(head)}/" for head in heads]
    plain, by_layer = _KINDS[settings.optimizer]
    chosen: keras.optimizers.Optimizer = by_layer(layer_rates=layer_rates, **common) if layer_rates else plain(**common)
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen
