"""The finder: losses against a recurrence worked out beside it, and a model that is afterwards as before."""

from __future__ import annotations

import itertools
import json
import math

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.learning_rate_finder import find_learning_rate, running_means, steepest_descent, write_finding


class Batches(keras.utils.PyDataset):
    """Two batches, of the kind that fit indexes."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return line(4)


def line(count=1):
    """`count` samples 1 with the answer 0: with one weight w and squared error the loss is w^2, its slope 2 w."""
    return np.ones((count, 1), np.float32), np.zeros((count, 1), np.float32)


def one_weight(optimizer=None, weight=2.0, **options):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[weight]])])
    model.compile(optimizer or keras.optimizers.SGD(0.25), loss="mse", **options)
    return model


def small_network(optimizer, policy="float32"):
    keras.utils.set_random_seed(3)
    layers = [
        keras.layers.Dense(6, activation="relu", dtype=policy),
        keras.layers.BatchNormalization(dtype=policy),
        keras.layers.Dropout(0.3, dtype=policy),
        keras.layers.Dense(3, activation="softmax", kernel_regularizer="l2", dtype="float32"),
    ]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((4,)), *layers])
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def samples(weights=False):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (3, 16))
    features = (truth[..., None] * 0.5 + rng.normal(0, 0.3, (3, 16, 4))).astype(np.float32)
    parts = (features, truth, rng.uniform(0.5, 2, (3, 16)).astype(np.float32))
    return tf.data.Dataset.from_tensor_slices(parts if weights else parts[:2])


def squares(rates, weight=2.0, factor=1.0, smoothing=0.8):
    """The recurrence by itself: losses up to the burst."""
    losses, means, total = [], [], 0.0
    for number, rate in enumerate(rates, start=1):
        losses.append(factor * weight**2)
        total = smoothing * total + (1 - smoothing) * losses[-1]
        means.append(total / (1 - smoothing**number))
        if means[-1] > 4 * min(means):
            break
        weight -= rate * 2 * factor * weight
    return losses, means


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(variable.numpy()) for variable in variables]


def test_running_means_by_hand():
    # 1, then (0.5 * 0.5 * 1 + 0.5 * 3) / (1 - 0.25) = 1.75 / 0.75
    assert running_means([1.0, 3.0], 0.5) == pytest.approx([1, 7 / 3])
    assert running_means([5.0, 2.0], 0.0) == [5, 2]
    assert running_means([], 0.5) == []


def test_rates_rise_by_the_same_factor_and_losses_are_those_of_gradient_descent():
    finding = find_learning_rate(one_weight(), [line()], lowest=1e-3, highest=10.0, steps=50)
    losses, means = squares(np.geomspace(1e-3, 10.0, 50))
    assert len(losses) < 50  # it bursts, as it must above a rate of 1
    np.testing.assert_allclose(finding.losses, losses, rtol=1e-4)
    np.testing.assert_allclose(finding.smoothed_losses, means, rtol=1e-4)
    np.testing.assert_allclose(finding.rates, np.geomspace(1e-3, 10.0, 50)[: len(losses)])
    assert finding.stopped == "the loss exceeds 4 times the best"
    assert 0.001 < finding.suggestion < 0.5
    assert finding.reason == ""


def test_the_suggestion_lies_in_the_middle_of_a_known_fall():
    # A fall of 1.1 around log10(rate) = -2, and noise.
    places = np.linspace(-6, 0, 100)
    noise = np.random.default_rng(0).normal(0, 0.05, 100)
    losses = 2.3 - 1.1 / (1 + np.exp(-(places + 2) / 0.35)) + noise
    rates = np.exp(running_means(places * math.log(10), 0.8))
    found, reason = steepest_descent(rates.tolist(), running_means(losses, 0.8), losses.tolist())
    assert math.log10(found) == pytest.approx(-2, abs=0.25)
    assert reason == ""


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_gives_no_suggestion(seed):
    losses = np.random.default_rng(seed).normal(2.3, 0.1, 100).tolist()
    found, reason = steepest_descent(np.geomspace(1e-6, 1, 100).tolist(), running_means(losses, 0.8), losses)
    assert found is None
    assert "never falls" in reason


def test_sample_weights_count():
    # A weight of 3 for every sample: loss 3 w^2.
    batch = (*line(4), np.full(4, 3.0, np.float32))
    finding = find_learning_rate(one_weight(), [batch], lowest=1e-3, highest=0.1, steps=10)
    np.testing.assert_allclose(finding.losses, squares(np.geomspace(1e-3, 0.1, 10), factor=3.0)[0], rtol=1e-4)


@pytest.mark.parametrize(
    "batches",
    [
        lambda: [line(4)],
        lambda: tf.data.Dataset.from_tensors(line(4)),
        lambda: tf.data.Dataset.from_tensors(line(4)).repeat(3).filter(lambda x, y: True),  # of unknown length
        lambda: tf.data.Dataset.from_tensors(line(4)).repeat(),
        lambda: Batches(),
        lambda: (line(4) for _ in itertools.count()),
    ],
)
@pytest.mark.filterwarnings("error:.*ran out of data.*")
def test_batches_of_every_kind_are_gone_through_as_often_as_need_be(batches):
    finding = find_learning_rate(one_weight(), batches(), lowest=1e-3, highest=0.1, steps=10)
    np.testing.assert_allclose(finding.losses, squares(np.geomspace(1e-3, 0.1, 10))[0], rtol=1e-4)
    assert finding.stopped == "the highest rate is reached"


@pytest.mark.filterwarnings("error:.*ran out of data.*")
def test_a_generator_that_ends_ends_the_search():
    finding = find_learning_rate(one_weight(), (line() for _ in range(4)), lowest=1e-3, highest=0.1, steps=10)
    assert (len(finding.losses), finding.stopped) == (4, "there are no more batches")


def test_every_batch_is_measured_where_fit_takes_several_steps_at_once():
    model = one_weight(steps_per_execution=4)
    finding = find_learning_rate(model, [line()], lowest=1e-3, highest=0.1, steps=10)
    assert len(finding.losses) == 10
    assert model.steps_per_execution == 4


OPTIMIZERS = {
    "rate": lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-3),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20), momentum=0.9),
    "callable": lambda: keras.optimizers.Adam(lambda: 0.01),
    "average": lambda: keras.optimizers.AdamW(0.01, use_ema=True, global_clipnorm=1.0),
    "accumulating": lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
}


@pytest.mark.parametrize(("kind", "trained"), [*((kind, False) for kind in OPTIMIZERS), ("schedule", True)])
def test_a_model_is_afterwards_as_before_and_trains_on_as_its_twin(kind, trained):
    model, twin = (small_network(OPTIMIZERS[kind]()) for _ in range(2))
    for one in (model, twin):
        if trained:
            one.fit(samples(), shuffle=False, verbose=0)
        else:
            one.optimizer.build(one.trainable_variables)
    before, schedule = state(model), model.optimizer._learning_rate
    finding = find_learning_rate(model, samples(weights=True), lowest=1e-4, highest=0.1, steps=12)
    assert len(set(finding.losses)) > 5
    assert model.optimizer._learning_rate is schedule
    for one, other in zip(state(model), before):
        np.testing.assert_array_equal(one, other)
    for one in (model, twin):
        one.fit(samples(), shuffle=False, verbose=0)
    for one, other in zip(state(model), state(twin)):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_the_rate_has_its_effect_under_a_schedule_as_under_a_number():
    plain = find_learning_rate(one_weight(), [line()], lowest=1e-3, highest=0.5, steps=20)
    model = one_weight(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20)))
    model.fit(*line(), verbose=0)  # a step that is traced holds the schedule
    model.set_weights([np.array([[2.0]])])
    other = find_learning_rate(model, [line()], lowest=1e-3, highest=0.5, steps=20)
    assert plain == other


def test_loss_scaling_of_mixed_precision_keeps_schedule_and_scale():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 20)
    model = small_network(keras.optimizers.SGD(schedule), "mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    model.optimizer.build(model.trainable_variables)
    before = state(model)
    finding = find_learning_rate(model, samples(), lowest=1e-4, highest=1.0, steps=30)
    assert finding.losses[-1] < finding.losses[0]
    assert model.optimizer.inner_optimizer._learning_rate is schedule
    for one, other in zip(state(model), before):
        np.testing.assert_array_equal(one, other)


def test_a_fault_on_the_way_leaves_the_model_as_before():
    def broken():
        yield line()
        yield line()
        raise OSError("the disk is gone")

    model = one_weight(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 20)))
    schedule = model.optimizer._learning_rate
    with pytest.raises((OSError, tf.errors.OpError), match="the disk is gone"):
        find_learning_rate(model, broken())
    assert model.get_weights()[0].item() == 2.0
    assert model.optimizer._learning_rate is schedule
    assert model.optimizer.iterations == 0


def test_the_history_of_a_training_before_stays():
    model = one_weight()
    history = model.fit(*line(), verbose=0)
    find_learning_rate(model, [line()], steps=10)
    assert model.history is history


def test_a_loss_that_cannot_fall_gives_no_suggestion():
    x, y = line()
    finding = find_learning_rate(one_weight(), [(0 * x, y + 1)], steps=20)
    assert finding.suggestion is None
    assert finding.reason.startswith("the loss never falls")
    assert set(finding.losses) == {1.0}


def test_a_loss_that_only_rises_gives_no_suggestion():
    # Started in the lowest point: squared error 0.25 around the mean of 0 and 1; steps on single ones only add to it.
    finding = find_learning_rate(one_weight(weight=0.5), [(np.ones((2, 1)), np.array([[0.0], [1.0]]))], steps=20)
    assert finding.suggestion is None


def test_a_loss_that_is_no_number_ends_the_search_at_once():
    x, y = line()
    finding = find_learning_rate(one_weight(), [(x, y * math.nan)])
    assert (finding.losses, finding.suggestion, finding.reason) == ((), None, "too few batches were measured")
    assert finding.stopped == "the loss is nan at a rate of 1e-06"


def test_a_loss_below_nothing_may_fall_further():
    model = one_weight()
    model.compile(keras.optimizers.SGD(0.1), loss=lambda truth, said: said - 10.0)
    finding = find_learning_rate(model, [line()], lowest=0.01, highest=1.0, steps=20)
    assert (len(finding.losses), finding.stopped) == (20, "the highest rate is reached")
    assert finding.losses[-1] < finding.losses[0] == pytest.approx(-8)


def test_a_finding_is_plain_json():
    finding = find_learning_rate(one_weight(), [line()], lowest=1e-3, highest=1.0, steps=20)
    again = json.loads(json.dumps(finding.as_dict(), allow_nan=False))
    assert again["losses"] == list(finding.losses)
    assert (again["suggestion"], again["stopped"]) == (finding.suggestion, finding.stopped)


def test_findings_are_drawn_with_and_without_suggestion(tmp_path):
    x, y = line()
    for number, batch in enumerate([(x, y), (0 * x, y + 1), (x, y * math.nan)]):
        finding = find_learning_rate(one_weight(), [batch], lowest=1e-3, steps=40)
        path = write_finding(finding, tmp_path / "deep" / f"{number}.png")
        assert cv2.imread(str(path)).std() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 0.0}, "must be positive rates in ascending order. Received 0.0 and 10.0"),
        ({"lowest": 1.0, "highest": 1.0}, "ascending order. Received 1.0 and 1.0"),
        ({"highest": math.inf}, "ascending order. Received 1e-06 and inf"),
        ({"steps": 9}, "`steps` must be at least 10 to estimate a slope. Received 9"),
        ({"smoothing": 1.0}, "`smoothing` must be at least 0 and less than 1. Received 1.0"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        find_learning_rate(one_weight(), [line()], **options)


@pytest.mark.filterwarnings("error:.*ran out of data.*")
def test_models_that_cannot_train_and_empty_lists_are_refused():
    with pytest.raises(ValueError, match="`odd` is not built, so it has no weights to restore. Call it on one batch"):
        find_learning_rate(keras.Sequential([keras.layers.Dense(1)], name="odd"), [line()])
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="raw")
    with pytest.raises(ValueError, match="`raw` is not compiled. Call `model.compile` with a loss and an optimiser"):
        find_learning_rate(model, [line()])
    for nothing in ([], tf.data.Dataset.from_tensors(line()).take(0)):
        with pytest.raises(ValueError, match="must contain at least one batch. Received none"):
            find_learning_rate(one_weight(), nothing, steps=10)
