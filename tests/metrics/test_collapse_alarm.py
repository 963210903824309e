"""The collapse alarm: silent on a training that learns, loud on one whose encodings are all the same."""

import logging
import math

import keras
import numpy as np
import pytest

from cnn_suite.losses.triplet import TripletLoss
from cnn_suite.metrics.collapse_alarm import CollapseAlarm


def faces(people=4, pictures=4, size=6):
    generator = np.random.default_rng(0)
    x = 0.2 * generator.normal(size=(people * pictures, size))
    x += np.repeat(generator.normal(size=(people, size)), pictures, axis=0)
    return x.astype(np.float32), np.repeat(np.arange(people), pictures)


def encoder(*, constant=False, unit=True, regularizer=None):
    keras.utils.set_random_seed(1)
    x = keras.Input((6,))
    start = {"kernel_initializer": "zeros", "bias_initializer": "ones"} if constant else {}
    y = keras.layers.Dense(4, kernel_regularizer=regularizer, **start)(x)
    return keras.Model(x, keras.layers.UnitNormalization()(y) if unit else y)


def alarms(caplog):
    """Messages of the alarm alone: TensorFlow has some of its own."""
    return [record.getMessage() for record in caplog.records if record.name.endswith("collapse_alarm")]


def watched(model, loss, epochs=4, rate=0.05, **options):
    x, people = faces()
    alarm = CollapseAlarm(x, people, **options)
    model.compile(keras.optimizers.Adam(rate), loss)
    history = model.fit(x, people, epochs=epochs, batch_size=16, verbose=0, callbacks=[alarm]).history
    return alarm, history


@pytest.mark.parametrize("soft", [False, True])
def test_a_collapsed_network_is_reported_once_with_what_to_change(soft, caplog):
    loss = TripletLoss("batch_hard", 0.3, soft)
    with caplog.at_level(logging.WARNING):
        alarm, history = watched(encoder(constant=True), loss, patience=3)
    (message,) = alarms(caplog)
    level = "0.6931, which is ln 2" if soft else "0.3000, which is the margin"
    told = f"Encodings have collapsed: for 3 epochs the loss has stayed at {level}, and the spread of encodings is only"
    assert message.startswith(told) and float(message.removeprefix(told).partition(":")[0]) < 1e-6
    assert "start with the rule 'semi_hard' or 'all' instead of 'batch_hard'; " in message
    assert "lower the learning rate (now 0.05)" in message
    assert message.endswith("use more people per batch.") and "unit length" not in message
    assert alarm.collapsed
    np.testing.assert_allclose(history["loss"], math.log(2) if soft else 0.3, rtol=1e-5)
    np.testing.assert_allclose(history["embedding_spread"], 0, atol=1e-6)
    np.testing.assert_array_equal(history["active_share"], 0 if soft else 1)


def test_a_network_that_learns_is_left_in_peace_and_its_figures_are_in_the_history(caplog):
    with caplog.at_level(logging.WARNING):
        alarm, history = watched(encoder(), TripletLoss("semi_hard", 1.0), epochs=12)
    assert not alarms(caplog) and not alarm.collapsed
    assert len(history["embedding_spread"]) == len(history["active_share"]) == 12
    assert history["active_share"][-1] < history["active_share"][0]
    assert history["embedding_spread"][-1] > 0.3


def test_a_network_of_free_lengths_that_shrinks_is_told_to_normalise(caplog):
    model = encoder(unit=False)
    model.layers[-1].set_weights([1e-4 * model.layers[-1].kernel.numpy(), np.zeros(4)])
    with caplog.at_level(logging.WARNING):
        watched(model, TripletLoss("semi_hard", 0.2), rate=1e-6)
    message = alarms(caplog)[0]
    assert "normalise encodings to unit length (keras.layers.UnitNormalization at the end of the network)" in message
    assert "start with the rule" not in message  # it is semi_hard already


# No negative is farther than the positive: nothing is semi-hard, and "skip" leaves nothing to pay for.
@pytest.mark.parametrize("soft", [False, True])
def test_a_collapse_that_leaves_no_semi_hard_triplet_is_reported_though_it_costs_nothing(soft, caplog):
    with caplog.at_level(logging.WARNING):
        alarm, history = watched(encoder(constant=True), TripletLoss("semi_hard", 0.2, soft, fallback="skip"))
    assert alarm.collapsed and not any(history["loss"])
    (message,) = alarms(caplog)
    assert "has stayed at 0.0000, which is the loss of a batch without semi-hard triplets, and" in message
    assert "use the fallback 'largest' instead of 'skip'; use more people per batch." in message


def test_a_loss_of_0_is_no_collapse_where_the_rule_finds_triplets_among_equal_encodings(caplog):
    x, people = faces()
    alarm, model = CollapseAlarm(x, people, loss=TripletLoss("all")), encoder(constant=True)
    model.compile("sgd", TripletLoss("semi_hard", fallback="skip"))
    with caplog.at_level(logging.WARNING):
        model.fit(x, people, epochs=3, verbose=0, callbacks=[alarm])
    assert not alarm.collapsed and not alarms(caplog)


def test_a_loss_at_the_margin_of_encodings_that_lie_apart_is_no_collapse(caplog):
    with caplog.at_level(logging.WARNING):
        alarm, history = watched(encoder(), TripletLoss("hardest", 0.3), rate=1e-9, tolerance=5.0)
    assert history["embedding_spread"][-1] > 0.05
    assert not alarms(caplog) and not alarm.collapsed


def test_encodings_close_together_with_another_loss_are_no_collapse():
    x, people = faces()
    alarm = CollapseAlarm(x, people, loss=TripletLoss(), smallest_spread=9.0)
    model = encoder(constant=True)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((16, 4)), epochs=3, verbose=0, callbacks=[alarm])
    assert not alarm.collapsed


def test_what_regularisers_add_does_not_hide_a_collapse(caplog):
    model = encoder(constant=True, regularizer=keras.regularizers.L2(1.0))
    model.layers[1].kernel.assign(np.full((6, 4), 0.5))  # equal columns: one direction for every picture
    model.layers[1].bias.assign(np.full(4, 20.0))
    with caplog.at_level(logging.WARNING):
        _, history = watched(model, TripletLoss("batch_hard", 0.2), rate=1e-9)
    assert history["loss"][0] == pytest.approx(0.2 + 24 * 0.25, rel=1e-3)
    assert "has stayed at 0.2000" in alarms(caplog)[0]


def test_the_alarm_starts_anew_with_every_training():
    x, people = faces()
    alarm, model = CollapseAlarm(x, people, patience=3), encoder(constant=True)
    model.compile("sgd", TripletLoss("all"))
    for _ in range(2):
        model.fit(x, people, epochs=2, verbose=0, callbacks=[alarm])
        assert not alarm.collapsed


def test_a_model_with_another_loss_is_refused():
    x, people = faces()
    model = encoder()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="compiled with a TripletLoss, or the argument `loss`. Received 'mse'"):
        model.fit(x, np.zeros((16, 4)), verbose=0, callbacks=[CollapseAlarm(x, people)])


def test_arguments_that_do_not_fit_are_refused():
    x, people = faces()
    with pytest.raises(ValueError, match=r"with n of at least 2. Received \(16, 6\) and \(15,\)"):
        CollapseAlarm(x, people[1:])
    with pytest.raises(ValueError, match="`patience` must be at least 1, .* Received 0, 0.02 and 0.05"):
        CollapseAlarm(x, people, patience=0)
