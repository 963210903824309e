"""How a phase is compiled: an epoch has its steps, however many of them one call takes."""

import keras
import numpy as np
import pytest

from cnn_suite.config_sections import Training
from cnn_suite.schedule import phases
from cnn_suite.tasks.compiling import compile_options


def compiled(steps_per_epoch, at_most):
    settings = Training(epochs=3, steps_per_execution=at_most, warmup_epochs=0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", **compile_options(model, settings, phases(settings)[0], "phase0", steps_per_epoch))
    return model


@pytest.mark.parametrize(
    ("steps_per_epoch", "at_most", "expected"), [(20, 16, 10), (20, 4, 4), (7, 3, 1), (3, 16, 3), (1, 5, 1)]
)
def test_a_call_takes_the_most_steps_that_divide_an_epoch_evenly(steps_per_epoch, at_most, expected):
    assert compiled(steps_per_epoch, at_most).steps_per_execution == expected


def test_every_epoch_has_its_steps_and_a_loss():
    model, x = compiled(5, 4), np.ones((15, 1), np.float32)
    steps = []
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: steps.append(int(model.optimizer.iterations))
    )
    history = model.fit(x, x, batch_size=1, epochs=3, steps_per_epoch=5, callbacks=[count], shuffle=False, verbose=0)
    assert steps == [5, 10, 15]
    assert all(loss > 0 for loss in history.history["loss"])
