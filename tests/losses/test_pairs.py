"""The loss of pairs: by hand, against every pair in a loop, its gradients, and in plain `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.pairs import PairLoss
from cnn_suite.ops.embeddings import MEASURES


def batch(seed=0):
    encodings = np.random.default_rng(seed).normal(size=(9, 5)).astype(np.float32)
    return np.array([3, 1, 1, 2, 3, 1, 5, 2, 3]), encodings / np.linalg.norm(encodings, axis=1, keepdims=True)


def test_the_loss_of_one_pair_of_each_kind_by_hand():
    # On a line: two pictures of one person at 0 and 1, one of another at 1. The same: d = 1, logit (0.5 - 1) * 2 = -1.
    # Others: d = 1 with logit -1, and d = 0 with logit 1.
    encodings = np.array([[0.0], [1.0], [1.0]], np.float32)
    same, far, near = np.log1p(np.exp(1)), np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    loss = PairLoss(0.5, 2.0)(np.array([7, 7, 9]), encodings)
    assert float(loss) == pytest.approx((same + (far + near) / 2) / 2, rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_it_equals_a_loop_over_all_pairs(measure):
    people, encodings = batch()
    distance = {
        "squared": lambda a, b: np.sum((a - b) ** 2),
        "euclidean": lambda a, b: np.sqrt(np.sum((a - b) ** 2)),
        "cosine": lambda a, b: 1 - a @ b,
    }[measure]
    costs = {True: [], False: []}
    for i, a in enumerate(encodings):
        for j, b in enumerate(encodings):
            if i != j:
                chance = 1 / (1 + np.exp(-3 * (0.8 - distance(a, b))))
                same = bool(people[i] == people[j])
                costs[same].append(-np.log(chance if same else 1 - chance))
    expected = (np.mean(costs[True]) + np.mean(costs[False])) / 2
    assert float(PairLoss(0.8, 3.0, measure=measure)(people, encodings)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("people", [[1, 1, 1], [1, 2, 3]])
def test_one_kind_of_pairs_alone_counts_whole(people):
    encodings = np.array([[0.0], [0.0], [0.0]], np.float32)
    expected = np.log1p(np.exp(-2 if people[1] == 1 else 2))
    assert float(PairLoss(1.0, 2.0)(np.array(people), encodings)) == pytest.approx(expected, rel=1e-6)


def test_a_single_picture_costs_nothing_and_gradients_are_finite():
    people, encodings = batch()
    for count in (1, 9):
        chosen = tf.Variable(encodings[:count] * 0 + 1)  # all the same, where a root would have no gradient
        with tf.GradientTape() as tape:
            value = PairLoss(measure="euclidean")(people[:count], chosen)
        assert np.isfinite(np.asarray(tape.gradient(value, chosen))).all()
    assert float(PairLoss()(people[:1], encodings[:1])) == 0


def test_pictures_of_one_person_come_together_and_those_of_others_part():
    people, encodings = batch()
    moved = tf.Variable(encodings)
    optimizer = keras.optimizers.SGD(0.5)
    for _ in range(60):
        with tf.GradientTape() as tape:
            value = PairLoss(1.0, 5.0)(people, moved)
        optimizer.apply([tape.gradient(value, moved)], [moved])
    apart = ((moved[:, None] - moved[None]) ** 2).numpy().sum(axis=-1)
    same = people[:, None] == people[None]
    assert apart[same].max() < 1 < apart[~same].min()


@pytest.mark.parametrize(("arguments", "says"), [
    ({"measure": "manhattan"}, "`measure` must be one of"),
    ({"threshold": 0.0}, "`threshold` and `scale` must be positive. Received 0.0 and 5.0"),
    ({"scale": -1.0}, "must be positive"),
    ({"dtype": "bfloat16"}, "`dtype` must be float32 or float64"),
])  # fmt: skip
def test_arguments_that_mean_nothing_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        PairLoss(**arguments)


def test_one_hot_people_are_refused():
    with pytest.raises(ValueError, match=r"`y_true` must be person ids of shape .* Received \(2, 3\)"):
        PairLoss()(np.eye(3)[:2], np.zeros((2, 4)))
