"""Learning rate by hand and by formula, and an optimiser that does what the configuration says."""

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from cnn_suite.config_detection import Training
from cnn_suite.config_sections import Phase
from cnn_suite.optimizers.layer_rates import LayerRatesAdamW, LayerRatesMuon, LayerRatesSGD
from cnn_suite.optimizers.muon import ConvolutionMuon
from cnn_suite.schedule import learning_rate, optimizer, phases

SETTINGS = Training(epochs=10, warmup_epochs=2, learning_rate=0.01, final_learning_rate=0.001)


def rates(settings, steps_per_epoch, steps):
    schedule = learning_rate(phases(settings)[0], steps_per_epoch)
    return np.array([float(schedule(step)) for step in steps])


def test_rates_by_hand():
    # 100 steps: 20 of warm-up from a hundredth, half-way down the cosine at step 60, the final rate at 100.
    found = rates(SETTINGS, 10, [0, 10, 20, 60, 100, 150])
    np.testing.assert_allclose(found, [0.0001, 0.00505, 0.01, 0.0055, 0.001, 0.001], rtol=1e-5)


def test_rates_equal_the_formula_everywhere():
    steps = np.arange(0, 101)
    share = (steps - 20) / 80
    wanted = np.where(
        steps < 20,
        0.0001 + (0.01 - 0.0001) * steps / 20,
        0.001 + (0.01 - 0.001) * (1 + np.cos(math.pi * share)) / 2,
    )
    np.testing.assert_allclose(rates(SETTINGS, 10, steps), wanted, rtol=1e-4)


def test_without_warm_up_the_first_rate_is_the_largest():
    settings = SETTINGS.model_copy(update={"warmup_epochs": 0.0})
    np.testing.assert_allclose(rates(settings, 10, [0, 50, 100]), [0.01, 0.0055, 0.001], rtol=1e-5)


def test_warm_up_may_be_part_of_an_epoch_or_longer_than_the_training():
    half = SETTINGS.model_copy(update={"warmup_epochs": 0.5})
    assert rates(half, 10, [5])[0] == pytest.approx(0.01)
    longer = SETTINGS.model_copy(update={"warmup_epochs": 20.0})
    assert np.isfinite(rates(longer, 10, [0, 50, 100])).all()
    assert rates(longer, 10, [100])[0] == pytest.approx(0.0001 + (0.01 - 0.0001) / 2, rel=1e-4)


def test_one_step_of_one_epoch_is_enough():
    settings = SETTINGS.model_copy(update={"epochs": 1, "warmup_epochs": 0.0})
    assert rates(settings, 1, [0])[0] == pytest.approx(0.01)


KINDS = {"adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD, "muon": ConvolutionMuon}


@pytest.mark.parametrize(("name", "expected"), KINDS.items())
def test_the_optimiser_is_the_one_asked_for(name, expected):
    settings = SETTINGS.model_copy(update={"optimizer": name, "weight_decay": 0.03, "clip_norm": 7.0})
    made = optimizer(settings, phases(settings)[0], 10)
    assert type(made) is expected
    assert (made.weight_decay, made.global_clipnorm) == (0.03, 7.0)
    assert isinstance(made._learning_rate, keras.optimizers.schedules.CosineDecay)


@pytest.mark.parametrize("name", KINDS)
def test_weight_decay_pulls_on_kernels_alone(name):
    settings = SETTINGS.model_copy(update={"optimizer": name, "weight_decay": 0.5, "warmup_epochs": 0.0})
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            keras.layers.Conv2D(3, 1, bias_initializer="ones"),
            keras.layers.BatchNormalization(beta_initializer="ones"),
        ]
    )
    made = optimizer(settings, phases(settings)[0], 10)
    before = {v.path: v.numpy() for v in model.trainable_variables}
    made.build(model.trainable_variables)
    made.apply_gradients([(np.zeros(v.shape, np.float32), v) for v in model.trainable_variables])
    for variable in model.trainable_variables:
        expected = before[variable.path] * ((1 - 0.5 * 0.01) if variable.name == "kernel" else 1)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4)


def test_the_moving_average_follows_its_momentum():
    variable = keras.Variable([0.0])
    settings = Training(
        optimizer="sgd", epochs=100, warmup_epochs=0, learning_rate=1.0, weight_decay=0, ema_momentum=0.9
    )
    made = optimizer(settings, phases(settings)[0], 100)
    made.build([variable])
    averages = []
    for _ in range(3):
        made.apply_gradients([(np.array([-1.0], np.float32), variable)])
        averages.append((float(variable.numpy()[0]), float(made._model_variables_moving_average[0].numpy()[0])))
    average = averages[0][0]  # it starts at the first step's weights
    for weight, found in averages[1:]:
        average = 0.9 * average + 0.1 * weight
        assert found == pytest.approx(average, rel=1e-5)


def test_a_momentum_of_nought_switches_the_moving_average_off():
    settings = SETTINGS.model_copy(update={"ema_momentum": 0.0})
    assert not optimizer(settings, phases(settings)[0], 10).use_ema


def test_a_training_without_phases_is_one_phase_of_its_own_rates():
    (phase,) = phases(SETTINGS)
    assert phase == Phase(
        epochs=10, train="all", learning_rate=0.01, final_learning_rate=0.001, warmup_epochs=2.0, layer_decay=1.0
    )


def test_named_phases_are_taken_as_they_are():
    named = (Phase(epochs=1, learning_rate=0.1, train="head"), Phase(epochs=3, learning_rate=0.01))
    settings = SETTINGS.model_copy(update={"phases": named})
    assert phases(settings) == named
    assert settings.total_epochs == 4


@pytest.mark.parametrize(
    ("name", "expected"), [("adamw", LayerRatesAdamW), ("sgd", LayerRatesSGD), ("muon", LayerRatesMuon)]
)
def test_factors_of_the_rate_shorten_the_steps_of_their_layers_alone(name, expected):
    # Equal gradients, a tenth of the rate: a tenth of the step, in Adam too.
    settings = SETTINGS.model_copy(update={"optimizer": name, "weight_decay": 0.0, "warmup_epochs": 0.0})
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(3, name="second")]
    )
    made = optimizer(settings, phases(settings)[0], 10, layer_rates={"first": 0.1})
    assert type(made) is expected
    before = [v.numpy() for v in model.trainable_variables]
    made.apply([np.ones(v.shape, np.float32) for v in model.trainable_variables], model.trainable_variables)
    steps = [old - v.numpy() for old, v in zip(before, model.trainable_variables)]
    np.testing.assert_allclose(steps[0], 0.1 * steps[2], rtol=1e-4)
    assert made.get_config()["layer_rates"] == {"first": 0.1}


@pytest.mark.parametrize("name", ["adamw", "sgd", "muon"])
def test_weight_decay_follows_the_rate_of_the_layer(name):
    # With no gradient only the decay is left: 1 - rate * decay, at a tenth of the rate 1 - rate * decay / 10.
    settings = SETTINGS.model_copy(update={"optimizer": name, "weight_decay": 0.5, "warmup_epochs": 0.0})
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(3, name="second")]
    )
    made = optimizer(settings, phases(settings)[0], 10, layer_rates={"first": 0.1})
    before = [layer.kernel.numpy() for layer in model.layers]
    made.apply([np.zeros(v.shape, np.float32) for v in model.trainable_variables], model.trainable_variables)
    np.testing.assert_allclose(model.layers[0].kernel, before[0] * (1 - 0.01 * 0.5 / 10), rtol=1e-6)
    np.testing.assert_allclose(model.layers[1].kernel, before[1] * (1 - 0.01 * 0.5), rtol=1e-6)


def test_muon_leaves_the_heads_to_adam():
    settings = SETTINGS.model_copy(update={"optimizer": "muon"})
    made = optimizer(settings, phases(settings)[0], 10, heads={"picture.conv"})
    shape = (3, 3, 2, 4)
    for path in ("picture.conv/kernel", "net/picture.conv/kernel"):
        assert made._should_use_adamw(SimpleNamespace(shape=shape, path=path))
    assert not made._should_use_adamw(SimpleNamespace(shape=shape, path="picture_conv/kernel"))
