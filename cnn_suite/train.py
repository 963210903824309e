"""`cnn-suite train`: Keras's `compile` and `fit` on a configuration, phase by phase.

A run lives in `runs/<name>/`: config.yaml (whole), history.csv, last.keras (after every epoch, with the optimiser, to
continue from), best.keras (best on the validation splits) and logs for TensorBoard.
"""

import json
import logging
import zipfile
from itertools import accumulate
from pathlib import Path
from typing import Any

import keras

from cnn_suite.backend import require_tensorflow
from cnn_suite.config import ConfigError, RunConfig, load_config, save_config
from cnn_suite.config_sections import Phase
from cnn_suite.data.loading_errors import told_plainly
from cnn_suite.learning_rate_finder import LearningRateFinding, find_learning_rate, write_finding
from cnn_suite.metrics.plotting import require_matplotlib
from cnn_suite.models.surgery import lengthen_statistics, set_trainable
from cnn_suite.optimizers.sharpness import minimise_sharpness
from cnn_suite.resumption import resumed
from cnn_suite.run_callbacks import (
    BestCheckpoint,
    FiniteLoss,
    HistoryFile,
    LastCheckpoint,
    ResumableEarlyStopping,
    read_history,
)
from cnn_suite.schedule import phases
from cnn_suite.tasks.choice import task_of

_log = logging.getLogger(__name__)


def train(config: RunConfig, *, resume: bool = False, quiet: bool = False, runs: str | Path = "runs") -> Path:
    """Trains the network of a configuration.

    Args:
        config: What to train.
        resume: Whether to go on with an interrupted run of the same name, as it was started but for what
            `resumption.resumed` lets be new.
        quiet: Show no progress bar.
        runs: Folder of all runs.

    Returns:
        The run's folder, with `model.keras` the network to export.

    Raises:
        ConfigError: If a run of that name exists and `resume` is off, there is nothing to resume or not with
            this configuration, or a phase names no layer that can learn.
    """
    folder = Path(runs) / config.name
    _check_folder(folder, resume)
    if resume:
        config = resumed(config, load_config(folder / "config.yaml"))
    keras.utils.set_random_seed(config.seed)
    task = task_of(config.task)
    data = task.datasets(config)
    config = task.resolved(config, data)
    folder.mkdir(parents=True, exist_ok=True)
    save_config(config, folder / "config.yaml")
    _log.info("%d training and %d validation examples", len(data.training), len(data.validation))
    model = _network(config, data)
    _fit_phases(model, config, data, folder, resume, quiet)
    best = folder / "best.keras"
    if best.exists():
        model = keras.models.load_model(best, compile=False)
    model.save(folder / "model.keras")
    return folder


def to_resume(config: RunConfig, *, runs: str | Path = "runs") -> Path | None:
    """The checkpoint from which `resume` would go on with the run of a configuration; None where there is none."""
    last = Path(runs) / config.name / "last.keras"
    return last if last.exists() else None


@told_plainly()
def try_rates(config: RunConfig, *, steps: int = 100, plot: Path | None = None) -> LearningRateFinding:
    """Tries learning rates on a configuration's network and first batches; nothing is saved.

    Args:
        config: What would be trained.
        steps: Batches to try.
        plot: File for a plot of the loss over the rate; None for no plot.

    Raises:
        ImportError: If a plot is requested and matplotlib is missing.
    """
    if plot is not None:
        require_matplotlib()
    keras.utils.set_random_seed(config.seed)
    task = task_of(config.task)
    data = task.datasets(config)
    config = task.resolved(config, data)
    model = untrained(config, data)
    finding = find_learning_rate(model, task.training_dataset(config, data, model), steps=steps)
    if plot is not None:
        write_finding(finding, plot)
    return finding


def untrained(config: RunConfig, data: Any) -> keras.Model:
    """The network of a configuration at the beginning of its first phase: compiled, with its trainable layers selected.

    Args:
        config: A configuration that `resolved` has completed.
        data: The result of the task's `datasets`.
    """
    model, phase = _network(config, data), phases(config.training)[0]
    _choose_what_learns(model, phase, 0)
    task_of(config.task).compile_model(model, config, data, phase, "phase0")
    return model


def _check_folder(folder: Path, resume: bool) -> None:
    started = (folder / "last.keras").exists()
    if resume and not started:
        raise ConfigError(f"There is nothing to resume: {folder / 'last.keras'} does not exist. Omit --resume.")
    if started and not resume:
        raise ConfigError(
            f"The run {folder} already exists. Continue it with --resume, choose another name=… or remove the folder."
        )


def _network(config: RunConfig, data: Any) -> keras.Model:
    """The network in the configuration's precision, with statistics that fit averaged weights.

    Keras's global policy is left as it was.
    """
    precision, before = config.training.mixed_precision, keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "none" else f"mixed_{precision}")
    try:
        model = task_of(config.task).network(config, len(data.labels))
    finally:
        keras.config.set_dtype_policy(before)
    lengthen_statistics(model, config.training.ema_momentum)
    if config.training.sharpness_radius:
        require_tensorflow("training.sharpness_radius", "Leave it out, or train on TensorFlow.")
        minimise_sharpness(model, config.training.sharpness_radius)
    return model


@told_plainly()
def _fit_phases(model: keras.Model, config: RunConfig, data: Any, folder: Path, resume: bool, quiet: bool) -> None:
    task, last = task_of(config.task), folder / "last.keras"
    parts = phases(config.training)
    for number, phase in enumerate(parts):  # a mistake in the last one is told before the first one is trained
        _choose_what_learns(model, phase, number)
    ends = list(accumulate(phase.epochs for phase in parts))
    reached = _phase_of(last) if resume else 0
    for number, (phase, end) in enumerate(zip(parts, ends)):
        if number < reached:
            continue
        first_epoch = end - phase.epochs
        learning = _choose_what_learns(model, phase, number)
        _log.info(
            "epochs %d to %d: %d trainable layers, starting at %s", first_epoch + 1, end, len(learning), learning[0]
        )
        task.compile_model(model, config, data, phase, f"phase{number}")
        model.optimizer.build(model.trainable_variables)  # variables made in the first step have it traced twice
        if resume and number == reached:
            first_epoch += _restore(model, last, task.steps_per_epoch(config, data))
        if first_epoch >= end:  # the run has this phase behind it, but for the averages of the weights
            model.optimizer.finalize_variable_values(model.trainable_variables)
            continue
        model.fit(
            task.training_dataset(config, data, model, first_epoch, end),
            validation_data=task.validation_dataset(config, data, model),
            validation_freq=config.training.evaluate_every,
            epochs=end,
            initial_epoch=first_epoch,
            steps_per_epoch=task.steps_per_epoch(config, data),
            shuffle=False,
            callbacks=_callbacks(config, data, model, folder, end - phase.epochs),
            verbose=0 if quiet else "auto",
        )


def _choose_what_learns(model: keras.Model, phase: Phase, number: int) -> list[str]:
    """Names of the layers that learn in a phase, with the others frozen."""
    try:
        return set_trainable(model, phase.train)
    except ValueError as error:
        raise ConfigError(f"training.phases.{number}.train: {error}") from error


def _phase_of(checkpoint: Path) -> int:
    """The phase that a checkpoint was written in: its optimiser carries the number in its name."""
    with zipfile.ZipFile(checkpoint) as archive:
        optimizer = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]["config"]
    name = optimizer.get("inner_optimizer", {"config": optimizer})["config"]["name"]  # inside loss scaling
    return int(name.removeprefix("phase")) if name.startswith("phase") else 0


def _restore(model: keras.Model, checkpoint: Path, steps: int) -> int:
    """Loads the weights of network and optimiser, and returns the number of the phase's epochs that they have seen."""
    model.load_weights(checkpoint)
    return round(int(model.optimizer.iterations) / steps)


def _callbacks(
    config: RunConfig, data: Any, model: keras.Model, folder: Path, phase_begin: int
) -> list[keras.callbacks.Callback]:
    """In the order they must run: first the state to resume from, then the averaged weights and what looks at them."""
    task, settings, rows = task_of(config.task), config.training, read_history(folder / "history.csv")
    monitor = task.monitor(model)
    callbacks = [FiniteLoss(), LastCheckpoint(folder / "last.keras")]
    if settings.ema_momentum > 0:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    callbacks += task.callbacks(config, data, model)
    if len(data.validation):
        callbacks.append(BestCheckpoint(folder / "best.keras", monitor, rows))
    callbacks.append(HistoryFile(folder / "history.csv", rows))
    callbacks.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    if settings.early_stopping_epochs and len(data.validation):
        earlier = [row for row in rows if int(row["epoch"]) < phase_begin]
        of_phase = rows[len(earlier) :]
        callbacks.append(ResumableEarlyStopping(monitor, settings.early_stopping_epochs, of_phase, earlier))
    return callbacks
