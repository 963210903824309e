"""The triplet loss: by hand, against TensorFlow Addons' and Hermans' formulas, its gradients, and in plain `fit`."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.triplet import TripletLoss
from cnn_suite.ops.triplets import RULES


def batch(seed=0, people=4, pictures=3, size=5):
    generator = np.random.default_rng(seed)
    encodings = generator.normal(size=(people * pictures, size)).astype(np.float32)
    return np.repeat(np.arange(people), pictures), encodings / np.linalg.norm(encodings, axis=1, keepdims=True)


def squares(encodings):
    return np.array([[np.sum((a - b) ** 2) for b in encodings] for a in encodings])


def gradient(loss, people, encodings):
    encodings = tf.Variable(encodings)
    with tf.GradientTape() as tape:
        value = loss(people, encodings)
    return np.asarray(tape.gradient(value, encodings))


# On a line: A at 0, P at 0.5, N at 0.6, squared: 0.25 - 0.36 + 0.2 = 0.09 for anchor 0; for anchor 1, whose negative
# is at a distance of 0.1: 0.25 - 0.01 + 0.2 = 0.44. Picture 2 is nobody's positive. Their mean is 0.265.
@pytest.mark.parametrize("rule", RULES)
def test_the_loss_of_two_pictures_of_one_and_one_of_another_person(rule):
    encodings = np.array([[0.0], [0.5], [0.6]], np.float32)
    assert float(TripletLoss(rule)(np.array([7, 7, 9]), encodings)) == pytest.approx(0.265, rel=1e-5)


def test_labels_may_be_floats_in_a_column():
    people, encodings = batch()
    loss = TripletLoss()
    column = people.astype(np.float32)[:, None]
    assert float(loss(column, encodings)) == float(loss(people, encodings)) > 0


# Their formula: for every anchor and positive the smallest d(A, N) > d(A, P), or else the largest; mean of
# max(d(A, P) - d(A, N) + margin, 0) over positive pairs. A negative beyond the margin costs nothing by either rule.
@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_semi_hard_with_the_largest_for_fallback_costs_what_tensorflow_addons_says(margin):
    for seed in range(4):
        people, encodings = batch(seed)
        d, costs = squares(encodings), []
        for a in range(len(people)):
            for p in np.flatnonzero((people == people[a]) & (np.arange(len(people)) != a)):
                negatives = d[a][people != people[a]]
                beyond = negatives[negatives > d[a, p]]
                chosen = beyond.min() if len(beyond) else negatives.max()
                costs.append(max(d[a, p] - chosen + margin, 0))
        assert float(TripletLoss("semi_hard", margin)(people, encodings)) == pytest.approx(np.mean(costs), rel=1e-5)


@pytest.mark.parametrize("soft", [False, True])
def test_batch_hard_costs_what_hermans_says(soft):
    people, encodings = batch(5)
    d, costs = np.sqrt(squares(encodings)), []
    for a in range(len(people)):
        excess = d[a][people == people[a]].max() - d[a][people != people[a]].min()
        costs.append(np.log1p(np.exp(excess)) if soft else max(excess + 0.3, 0))
    loss = TripletLoss("batch_hard", 0.3, soft, measure="euclidean")
    assert float(loss(people, encodings)) == pytest.approx(np.mean(costs), rel=1e-5)


def test_all_averages_over_active_triplets_unless_told_otherwise():
    people, encodings = batch(6)
    d = squares(encodings)
    costs = np.array(
        [
            max(d[a, p] - d[a, n] + 0.2, 0)
            for a in range(12)
            for p in range(12)
            for n in range(12)
            if a != p and people[a] == people[p] != people[n]
        ]
    )
    assert float(TripletLoss("all")(people, encodings)) == pytest.approx(costs[costs > 0].mean(), rel=1e-5)
    chosen = TripletLoss("all", average="chosen")
    assert float(chosen(people, encodings)) == pytest.approx(costs.mean(), rel=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_equal_encodings_cost_the_margin_or_ln_2_with_finite_gradients(rule):
    people, encodings = batch()
    equal = np.tile(encodings[:1], (12, 1))
    for measure in ("squared", "euclidean", "cosine"):
        loss = TripletLoss(rule, 0.3, measure=measure)
        assert float(loss(people, equal)) == pytest.approx(0.3, rel=1e-6)
        np.testing.assert_allclose(gradient(loss, people, equal), 0, atol=1e-6)
        soft = TripletLoss(rule, soft=True, measure=measure)
        assert float(soft(people, equal)) == pytest.approx(math.log(2), rel=1e-6)
        assert np.isfinite(gradient(soft, people, np.zeros_like(equal))).all()


def test_equal_encodings_have_no_semi_hard_negative_and_cost_nothing_with_skip():
    people, encodings = batch()
    assert float(TripletLoss(fallback="skip")(people, np.tile(encodings[:1], (12, 1)))) == 0


@pytest.mark.parametrize("people", [np.zeros(6), np.arange(6)], ids=["one person", "one picture each"])
@pytest.mark.parametrize("rule", RULES)
def test_a_batch_without_triplets_costs_nothing_and_has_gradients_of_0(rule, people):
    _, encodings = batch(people=3, pictures=2)
    for soft in (False, True):
        loss = TripletLoss(rule, soft=soft, measure="euclidean")
        assert float(loss(people, encodings)) == 0
        np.testing.assert_array_equal(gradient(loss, people, encodings), 0)


def test_a_batch_of_one_picture_costs_nothing():
    assert float(TripletLoss("batch_hard")(np.zeros(1), np.ones((1, 4), np.float32))) == 0


# With the batch in general position a step of 1e-3 changes no choice: the loss is smooth there.
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_gradients_equal_finite_differences(rule, soft):
    people, encodings = batch(8, people=3, pictures=2, size=3)
    encodings = encodings.astype(np.float64)
    loss = TripletLoss(rule, 0.5, soft, measure="euclidean", dtype="float64")
    if rule == "random":  # whose choice changes with the smallest step
        people, encodings = np.array([0, 0, 1]), encodings[[0, 2, 1]]  # a batch that leaves no choice
    found, step = gradient(loss, people, encodings), 1e-5
    assert np.abs(found).max() > 1e-3
    for place in np.ndindex(encodings.shape):
        values = []
        for sign in (1, -1):
            moved = encodings.copy()
            moved[place] += sign * step
            values.append(float(loss(people, moved)))
        assert found[place] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-7)


def test_the_mean_of_single_losses_is_the_loss_and_weights_weigh_anchors():
    people, encodings = batch()
    single = TripletLoss("batch_hard", reduction=None)(people, encodings)
    assert single.shape == (12,)
    loss = TripletLoss("batch_hard")
    assert float(loss(people, encodings)) == pytest.approx(float(np.mean(single)), rel=1e-6)
    weights = np.eye(12, dtype=np.float32)[3]
    weighted = float(loss(people, encodings, sample_weight=weights))
    assert weighted == pytest.approx(float(single[3]) / 12, rel=1e-5)


def test_encodings_of_half_precision_give_a_finite_float32_loss():
    people, encodings = batch()
    value = TripletLoss("batch_hard", measure="euclidean")(people, tf.constant(400 * encodings, tf.float16))
    assert value.dtype == tf.float32 and np.isfinite(value)


# The numbers that the message above names: the first that a type of 16 bits cannot tell from the one before.
@pytest.mark.parametrize(("dtype", "first"), [("bfloat16", 257), ("float16", 2049)])
def test_16_bits_confuse_people_from_a_number_on(dtype, first):
    whole = tf.range(1, 3000)
    kept = np.asarray(tf.cast(tf.cast(whole, dtype), tf.int32))
    assert int(whole[np.flatnonzero(kept != whole)[0]]) == first


def test_people_beyond_256_are_told_apart_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        loss = TripletLoss("all", 2.0, average="chosen")
    finally:
        keras.config.set_dtype_policy("float32")
    people, encodings = batch(people=2)
    assert float(loss(people + 256, encodings)) == float(loss(people, encodings)) > 0


def points(people=4, pictures=4):
    """Pictures of people as numbers, of whom only the first tell who it is."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(people, 2)) * 2
    x = generator.normal(size=(people * pictures, 6)).astype(np.float32)
    x[:, :2] = np.repeat(centres, pictures, axis=0) + 0.1 * x[:, :2]
    return x, np.repeat(np.arange(people), pictures)


def encoder(seed=2):
    keras.utils.set_random_seed(seed)
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.UnitNormalization()(keras.layers.Dense(4)(x)))


@pytest.mark.parametrize("rule", RULES)
def test_plain_fit_learns_with_every_rule_and_with_batches_of_unequal_size(rule):
    x, people = points()
    model = encoder()
    model.compile(keras.optimizers.Adam(0.03), TripletLoss(rule))
    before = far_apart(model.predict_on_batch(x), people)
    model.fit(x, people, batch_size=10, epochs=25, shuffle=True, verbose=0)  # 10 and 6
    assert far_apart(model.predict_on_batch(x), people) > before + 0.1


def far_apart(encodings, people):
    """By how much two people lie farther apart than two pictures of one."""
    distances = squares(encodings)
    same = people[:, None] == people[None, :]
    itself = np.eye(len(people), dtype=bool)
    return distances[~same].mean() - distances[same & ~itself].mean()


def test_random_triplets_are_the_same_in_a_training_that_goes_on():
    x, people = points()

    def trained(*epochs):
        model = encoder()
        model.compile(keras.optimizers.SGD(0.1), TripletLoss("random", seed=4))
        for count in epochs:  # compiled anew each time, as after a stop
            model.compile(keras.optimizers.SGD(0.1), TripletLoss("random", seed=4))
            model.fit(x, people, batch_size=16, shuffle=False, epochs=count, verbose=0)
        return model.get_weights()

    for once, twice in zip(trained(4), trained(2, 2)):
        np.testing.assert_array_equal(once, twice)


def test_config_round_trip_keeps_every_argument():
    others = {"measure": "cosine", "choice": "random", "fallback": "skip", "average": "active", "seed": 3}
    loss = TripletLoss("hardest", 0.5, True, **others)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    people, encodings = batch()
    assert float(again(people, encodings)) == float(loss(people, encodings))


def test_a_compiled_network_comes_back_with_its_loss(tmp_path):
    model = encoder()
    model.compile("sgd", TripletLoss("batch_hard", soft=True))
    model.save(tmp_path / "encoder.keras")
    assert keras.saving.load_model(tmp_path / "encoder.keras").loss.rule == "batch_hard"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "hard"}, "`rule` must be one of all, random, semi_hard, hardest, batch_hard. Received 'hard'"),
        ({"choice": "far"}, "`choice` must be one of nearest, random. Received 'far'"),
        ({"fallback": None}, "`fallback` must be one of skip, largest, nearest. Received None"),
        ({"measure": "l1"}, "`measure` must be one of squared, euclidean, cosine. Received 'l1'"),
        ({"average": "mean"}, "`average` must be None or one of chosen, active. Received 'mean'"),
        (
            {"margin": 0},
            "`margin` must be positive; otherwise identical encodings for all people have no cost. Received 0",
        ),
        ({"dtype": "bfloat16"}, "16 bits cannot tell person 257 from the one before. Received bfloat16"),
        ({"dtype": "float16"}, "16 bits cannot tell person 2049 from the one before. Received float16"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TripletLoss(**arguments)


def test_one_hot_labels_and_pictures_for_encodings_are_refused():
    _, encodings = batch()
    with pytest.raises(ValueError, match=r"Received \(12, 4\) and \(12, 5\). If labels are one-hot, take their argmax"):
        TripletLoss()(np.eye(4)[np.repeat(np.arange(4), 3)], encodings)
    with pytest.raises(ValueError, match=r"encodings of shape \(batch, size\). Received \(12,\) and \(12, 5, 1\)"):
        TripletLoss()(np.zeros(12), encodings[..., None])
