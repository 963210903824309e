"""Learning rate and optimiser of a training."""

import keras

from cnn_suite.config import Training


def learning_rate(settings: Training, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up from a hundredth of the rate, then a half cosine down to the final rate.

    Args:
        settings: Rates, epochs and warm-up.
        steps_per_epoch: Optimiser steps of one epoch.
    """
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    total = settings.epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 100 if warmup else settings.learning_rate,
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(1, total - warmup),
        alpha=settings.final_learning_rate / settings.learning_rate,
    )


def optimizer(settings: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimiser of a configuration, with weight decay on kernels alone and a moving average of the weights."""
    common = {
        "learning_rate": learning_rate(settings, steps_per_epoch),
        "weight_decay": settings.weight_decay,
        "global_clipnorm": settings.clip_norm,
        "use_ema": settings.ema_momentum > 0,
        "ema_momentum": settings.ema_momentum or 0.99,
    }
    if settings.optimizer == "sgd":
        chosen = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    else:
        chosen = keras.optimizers.AdamW(**common)
    chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen
