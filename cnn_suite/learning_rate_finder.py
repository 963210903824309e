"""Finds a learning rate with about a hundred batches: the rate rises with every batch while the loss is recorded.

At low rates the loss stays constant, then it falls, then it diverges. A good learning rate is where the loss falls most
steeply, well below the rate where it turns.

Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3 (the range test, there read by
eye); that the rate rises exponentially and the steepest descent is taken is the practice of Howard and Gugger 2020,
fastai: A Layered API for Deep Learning.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnn_suite.metrics.plotting import COLOURS, label_axes, new_figure, save_figure

_BURST = 4.0  # Howard and Gugger: a loss of so many times the best will not come back
_NORMAL_DIFFERENCE = 0.954  # median of |a - b| of two normal numbers, in their deviation: 0.6745 * sqrt(2)


@dataclass(frozen=True)
class LearningRateFinding:
    """What `find_learning_rate` returns.

    Args:
        rates: The learning rate of each batch.
        losses: The loss of each batch, before its own step.
        smoothed_rates: Running mean of the rates (geometric), to be read with the running mean of the losses: both are
            late by the same number of batches.
        smoothed_losses: Running mean of the losses.
        suggestion: The rate in the middle of the steepest descent of the smoothed loss; None if it does not fall.
        reason: Why there is no suggestion; empty if there is one.
        stopped: Why it ended.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed_rates: tuple[float, ...]
    smoothed_losses: tuple[float, ...]
    suggestion: float | None
    reason: str
    stopped: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain numbers and texts for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def find_learning_rate(
    model: keras.Model,
    batches: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.8,
) -> LearningRateFinding:
    """Trains for some batches with a rising learning rate, then restores the model.

    The model is always restored afterwards: weights, statistics, seeds, optimiser and its schedule. An
    optimiser that is not built yet is built, as in `fit`.

    Args:
        model: A built and compiled model; its own loss, regularisation, precision and optimiser are used.
        batches: Batches as `fit` takes them, `(x, y)` or `(x, y, sample_weight)`: a tf.data data set, a
            `keras.utils.PyDataset` or a list of batches, gone through again where there are too few; or a generator.
        lowest: The first rate.
        highest: The last rate.
        steps: Number of batches from the lowest to the highest rate; the rate increases by a constant factor.
        smoothing: Momentum of the running means, 0 for none: 0.8 averages over about 5 batches.

    Returns:
        Rates, losses and the suggestion.

    Raises:
        ValueError: If an argument is out of its range, the model is not built or not compiled, or there is no batch.
    """
    _check(model, lowest, highest, steps, smoothing)
    if isinstance(batches, (list, tuple)):
        batches = _endless(batches)
    with _steered(model) as set_rate:
        rising = _RisingRate(np.geomspace(lowest, highest, steps).tolist(), set_rate, smoothing)
        # Batches may be without end or too few: epochs begin until the callback stops, after at most `steps` batches.
        # Of a generator that ended, Keras would give the first two batches again.
        epochs = 1 if isinstance(batches, Iterator) else steps
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Your input ran out of data")  # `stopped` says it
            model.fit(batches, epochs=epochs, shuffle=False, callbacks=[rising], verbose=0)
    if not rising.losses and not rising.stopped:
        raise ValueError("`batches` must contain at least one batch. Received none.")
    rates, losses = tuple(rising.rates[: len(rising.losses)]), tuple(rising.losses)
    smoothed_rates = tuple(math.exp(mean) for mean in running_means([math.log(rate) for rate in rates], smoothing))
    smoothed_losses = tuple(running_means(losses, smoothing))
    suggestion, reason = steepest_descent(smoothed_rates, smoothed_losses, losses)
    stopped = rising.stopped or "there are no more batches"
    return LearningRateFinding(rates, losses, smoothed_rates, smoothed_losses, suggestion, reason, stopped)


def write_finding(finding: LearningRateFinding, path: str | Path) -> Path:
    """Plots the losses over the rates, with the suggestion.

    Args:
        finding: What `find_learning_rate` returned.
        path: The picture's file, in the format its suffix says; its folder is made if needed.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figure = new_figure(6.0, 3.8)
    axes = figure.add_subplot()
    axes.plot(finding.rates, finding.losses, ".", color="#bbbbbb", markersize=4, label="each batch")
    axes.plot(finding.smoothed_rates, finding.smoothed_losses, color=COLOURS[0], label="running mean")
    axes.set_xscale("log")
    title = f"No suggestion: {finding.reason}"
    if finding.suggestion is not None:
        axes.axvline(finding.suggestion, color=COLOURS[1], linewidth=1.2, label="steepest descent")
        title = f"Suggested learning rate {finding.suggestion:.2g}"
    if finding.losses:
        before = finding.smoothed_losses[: int(np.argmin(finding.smoothed_losses)) + 1]
        span = max(before) - min(before) or abs(before[0]) or 1.0
        axes.set_ylim(min(*before, *finding.losses[: len(before)]) - 0.1 * span, max(before) + 0.5 * span)
        axes.legend(frameon=False, fontsize=8, loc="lower left")
    label_axes(axes, "learning rate", "loss", title)
    axes.title.set_wrap(True)
    return save_figure(figure, Path(path))


def running_means(values: Sequence[float], smoothing: float) -> list[float]:
    """Exponential running means, each with the weights of what was so far divided by their sum (Adam's correction)."""
    total, means = 0.0, []
    for number, value in enumerate(values, start=1):
        total = smoothing * total + (1 - smoothing) * value
        means.append(total / (1 - smoothing**number))
    return means


def steepest_descent(
    rates: Sequence[float], means: Sequence[float], losses: Sequence[float]
) -> tuple[float | None, str]:
    """The rate in the middle of the steepest descent, and where there is none the reason.

    The slope at a point is that of the straight line through a twentieth of all points on either side: from one point
    to the next a running mean falls or rises as the last batch happened to be.

    Args:
        rates: Running means of the rates.
        means: Running means of the losses.
        losses: The losses themselves, which say how much batches differ.
    """
    reach = max(1, len(means) // 20)
    if len(means) <= 2 * reach:
        return None, "too few batches were measured"
    lowest = int(np.argmin(means))
    centres = range(reach, min(lowest, len(means) - 1 - reach) + 1)
    if not centres:
        return None, "the loss never falls"
    scatter = float(np.median(np.abs(np.diff(losses[: lowest + 1])))) / _NORMAL_DIFFERENCE
    if means[reach] - means[lowest] <= 2 * scatter + 1e-6 * abs(means[reach]):  # the second is what float32 leaves
        return None, "the loss never falls by more than twice the scatter of the batches"
    log_rates = np.log(rates)
    spans = [slice(centre - reach, centre + reach + 1) for centre in centres]
    slopes = [np.polyfit(log_rates[span], means[span], 1)[0] for span in spans]
    return rates[centres[int(np.argmin(slopes))]], ""


class _RisingRate(keras.callbacks.Callback):
    """Sets the rate before each batch and keeps the loss after it."""

    def __init__(self, rates: list[float], set_rate: Callable[[float], None], smoothing: float):
        super().__init__()
        self.rates, self.losses, self.stopped = rates, list[float](), ""
        self._set_rate, self._smoothing = set_rate, smoothing

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self.model.reset_metrics()  # the loss that Keras reports is a mean since the last reset
        self._set_rate(self.rates[len(self.losses)])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            self._stop(f"the loss is {loss} at a rate of {self.rates[len(self.losses)]:.2g}")
            return
        self.losses.append(loss)
        means = running_means(self.losses, self._smoothing)
        if means[-1] - min(means) > (_BURST - 1) * abs(min(means)):  # losses may be below 0
            self._stop(f"the loss exceeds {_BURST:g} times the best")
        elif len(self.losses) == len(self.rates):
            self._stop("the highest rate is reached")

    def _stop(self, why: str) -> None:
        self.stopped = why
        self.model.stop_training = True


class _SteeredRate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that returns the rate it was set to, instead of the optimiser's own."""

    def __init__(self, rate: keras.Variable):
        self._rate = rate

    def __call__(self, step: Any) -> Any:
        return keras.ops.convert_to_tensor(self._rate)


@contextmanager
def _steered(model: keras.Model) -> Iterator[Callable[[float], None]]:
    """What sets the learning rate of a model's next batch; at the end the model is as before."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # inside loss scaling
    # Keras gives the rate of now, but not the schedule it comes from; setting a schedule is public.
    own_rate = optimizer._learning_rate
    attributes = {name: getattr(model, name, None) for name in ("train_function", "steps_per_execution", "history")}
    variables = [*model.variables, *model.optimizer.variables]
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        model.train_function = None  # the traced step holds the schedule in it
        model.steps_per_execution = 1  # a rate for every batch
        if isinstance(own_rate, keras.Variable):
            yield own_rate.assign
        else:
            rate = keras.Variable(0.0, dtype="float32", trainable=False, name="steered_rate")
            optimizer.learning_rate = _SteeredRate(rate)
            yield rate.assign
    finally:
        if not isinstance(own_rate, keras.Variable):
            optimizer.learning_rate = own_rate
        for variable, value in zip(variables, values):
            variable.assign(value)
        for name, attribute in attributes.items():
            setattr(model, name, attribute)
        model.reset_metrics()


def _endless(batches: Sequence[Any]) -> Iterator[Any]:
    if not batches:
        raise ValueError("`batches` must contain at least one batch. Received none.")
    return (tuple(batch) for batch in itertools.cycle(batches))


def _check(model: keras.Model, lowest: float, highest: float, steps: int, smoothing: float) -> None:
    if not 0 < lowest < highest < math.inf:
        raise ValueError(
            f"`lowest` and `highest` must be positive rates in ascending order. Received {lowest} and {highest}."
        )
    if steps < 10:
        raise ValueError(f"`steps` must be at least 10 to estimate a slope. Received {steps}.")
    if not 0 <= smoothing < 1:
        raise ValueError(f"`smoothing` must be at least 0 and less than 1. Received {smoothing}.")
    if not model.built:
        raise ValueError(f"`{model.name}` is not built, so it has no weights to restore. Call it on one batch first.")
    if not model.compiled or model.optimizer is None:
        raise ValueError(f"`{model.name}` is not compiled. Call `model.compile` with a loss and an optimiser first.")
