"""`cnn-suite train`: Keras's `compile` and `fit` on a configuration.

A run lives in `runs/<name>/`: config.yaml (whole), history.csv, last.keras (after every epoch, with the optimiser, to
go on from), best.keras (best on the validation splits) and logs for TensorBoard.
"""

import logging
import math
from pathlib import Path

import keras

from cnn_suite.config import ConfigError, RunConfig, load_config, save_config
from cnn_suite.metrics.coco_callback import CocoEvaluation
from cnn_suite.run_callbacks import (
    FiniteLoss,
    HistoryFile,
    LastCheckpoint,
    ResumableEarlyStopping,
    measured,
    read_history,
)
from cnn_suite.tasks import detection

_log = logging.getLogger(__name__)


def train(config: RunConfig, *, resume: bool = False, quiet: bool = False, runs: str | Path = "runs") -> Path:
    """Trains the network of a configuration.

    Args:
        config: What to train.
        resume: Whether to go on with an interrupted run of the same name.
        quiet: Whether to leave out the progress bar.
        runs: Folder of all runs.

    Returns:
        The run's folder, with `model.keras` the network to export.

    Raises:
        ConfigError: If a run of that name exists and `resume` is off, or there is nothing to resume.
    """
    folder = Path(runs) / config.name
    _check_folder(folder, resume)
    keras.utils.set_random_seed(config.seed)
    if resume:
        config = _resumed(config, folder)
    data = detection.datasets(config)
    if not resume:
        config = detection.resolved(config, data)
        folder.mkdir(parents=True, exist_ok=True)
        save_config(config, folder / "config.yaml")
    model, steps = _compiled_model(config, data), detection.steps_per_epoch(config, data)
    first_epoch = _restore(model, folder / "last.keras", steps) if resume else 0
    _log.info("%d training and %d validation pictures", len(data.training), len(data.validation))
    model.fit(
        detection.training_dataset(config, data, model, first_epoch),
        validation_data=detection.validation_dataset(config, data, model),
        validation_freq=config.training.evaluate_every,
        epochs=config.training.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=steps,
        shuffle=False,
        callbacks=_callbacks(config, data, model, folder, read_history(folder / "history.csv") if resume else []),
        verbose=0 if quiet else "auto",
    )
    best = folder / "best.keras"
    if best.exists():
        model = keras.models.load_model(best, compile=False)
    model.save(folder / "model.keras")
    return folder


def _check_folder(folder: Path, resume: bool) -> None:
    started = (folder / "last.keras").exists()
    if resume and not started:
        raise ConfigError(f"There is nothing to resume: {folder / 'last.keras'} does not exist. Leave --resume out.")
    if started and not resume:
        raise ConfigError(
            f"The run {folder} exists. Continue it with --resume, choose another name=… or remove the folder."
        )


def _compiled_model(config: RunConfig, data: detection.Datasets) -> keras.Model:
    """The network in the configuration's precision; Keras's global policy is left as it was."""
    precision, before = config.training.mixed_precision, keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "none" else f"mixed_{precision}")
    try:
        return detection.compiled_model(config, data)
    finally:
        keras.config.set_dtype_policy(before)


def _resumed(config: RunConfig, folder: Path) -> RunConfig:
    """The configuration a run was started with, where only the place of the data and the epochs may be new."""
    started = load_config(folder / "config.yaml")
    return started.model_copy(
        update={
            "data": started.data.model_copy(update={"path": config.data.path}),
            "training": started.training.model_copy(update={"epochs": config.training.epochs}),
        }
    )


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> int:
    """Loads the weights of network and optimiser, and returns the number of epochs that they have seen."""
    model.optimizer.build(model.trainable_variables)
    model.load_weights(checkpoint)
    return round(int(model.optimizer.iterations) / steps)


def _callbacks(
    config: RunConfig, data: detection.Datasets, model: keras.Model, folder: Path, rows: list[dict]
) -> list[keras.callbacks.Callback]:
    """In the order they must run: first the state to resume from, then the averaged weights and what looks at them."""
    settings = config.training
    callbacks = [FiniteLoss(), LastCheckpoint(folder / "last.keras")]
    if settings.ema_momentum > 0:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if data.validation:
        serving = detection.serving_model(model, config)
        callbacks.append(CocoEvaluation(serving, data.validation, data.labels, settings.evaluate_every))
        best = max((measured(row, "val_ap") for row in rows), default=-math.inf)
        callbacks.append(
            keras.callbacks.ModelCheckpoint(
                folder / "best.keras",
                monitor="val_ap",
                mode="max",
                save_best_only=True,
                initial_value_threshold=best,  # never None: Keras would take a NaN of the first epoch for the best
            )
        )
    callbacks.append(HistoryFile(folder / "history.csv", rows))
    callbacks.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    if settings.early_stopping_epochs and data.validation:
        callbacks.append(ResumableEarlyStopping(settings.early_stopping_epochs, rows))
    return callbacks
