"""The localization loss: the course notes' formula by hand, then NumPy on random input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.localization import LocalizationLoss
from cnn_suite.ops.localization import encode_grid, encode_landmarks, encode_localization

CAR = np.array([[1, 0.5, 0.7, 0.3, 0.4, 0, 1, 0]])
BACKGROUND = np.zeros((1, 8))


def test_loss_of_a_car_is_the_squared_error_of_all_eight_components():
    # .1^2 + .1^2 + .2^2 + 0 + .1^2 + .2^2 + .3^2 + .1^2 = .21
    predicted = np.array([[0.9, 0.6, 0.5, 0.3, 0.5, 0.2, 0.7, 0.1]])
    assert float(LocalizationLoss()(CAR, predicted)) == pytest.approx(0.21, rel=1e-5)


def test_loss_of_background_is_the_squared_error_of_pc_alone():
    predicted = np.array([[0.3, 5, -7, 9, 2, 4, 4, 4]])
    assert float(LocalizationLoss()(BACKGROUND, predicted)) == pytest.approx(0.09, rel=1e-5)


def test_gradient_of_background_reaches_pc_alone():
    predicted = tf.Variable([[0.3, 5, -7, 9, 2, 4, 4, 4]], dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = LocalizationLoss()(BACKGROUND, predicted)
    np.testing.assert_allclose(tape.gradient(value, predicted), [[0.6, 0, 0, 0, 0, 0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("form", ["squared", "mixed"])
def test_a_right_answer_costs_nothing(form):
    sure = {"squared": CAR, "mixed": np.array([[30, 0.5, 0.7, 0.3, 0.4, -30, 30, -30]])}[form]
    assert float(LocalizationLoss(form)(CAR, sure)) == pytest.approx(0, abs=1e-6)


def test_mixed_loss_worked_by_hand():
    # Logistic loss of pc = 1 at logit 0: ln 2. Box off by .1 in x and .2 in w: .05. Three equal class logits: ln 3.
    predicted = np.array([[0, 0.6, 0.7, 0.3, 0.6, 2, 2, 2]])
    expected = np.log(2) + 0.05 + np.log(3)
    assert float(LocalizationLoss("mixed")(CAR, predicted)) == pytest.approx(expected, rel=1e-5)


def test_the_box_of_the_mixed_loss_may_weigh_more():
    predicted = np.array([[0, 0.6, 0.7, 0.3, 0.6, 2, 2, 2]])
    expected = np.log(2) + 5 * 0.05 + np.log(3)
    assert float(LocalizationLoss("mixed", 5.0)(CAR, predicted)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("form", "weight"), [("mixed", -1.0), ("squared", 5.0)])
def test_a_weight_that_means_nothing_is_refused(form, weight):
    with pytest.raises(ValueError, match=f"`box_weight` must be at least 0, and 1 in the squared form.*{weight}"):
        LocalizationLoss(form, weight)


def test_mixed_loss_of_background_is_the_logistic_loss_of_pc_alone():
    predicted = np.array([[1.5, 5, -7, 9, 2, 4, 1, 8]])
    assert float(LocalizationLoss("mixed")(BACKGROUND, predicted)) == pytest.approx(np.log1p(np.exp(1.5)), rel=1e-5)


@pytest.mark.parametrize("shape", [(6,), (3, 3), (4, 2, 2)])
def test_squared_loss_equals_numpy_summed_over_cells_and_averaged_over_the_batch(shape):
    generator = np.random.default_rng(len(shape))
    predicted = generator.normal(size=(5, *shape, 8))
    target = np.asarray(
        encode_localization(generator.uniform(size=(5, *shape, 4)), generator.integers(-1, 3, (5, *shape)), 3)
    )
    expected = 0.0
    for t, p in zip(target.reshape(-1, 8), predicted.reshape(-1, 8)):
        expected += ((p - t) ** 2).sum() if t[0] == 1 else (p[0] - t[0]) ** 2
    assert float(LocalizationLoss()(target, predicted)) == pytest.approx(expected / 5, rel=1e-5)


def test_mixed_loss_equals_keras_cross_entropies():
    generator = np.random.default_rng(9)
    predicted = generator.normal(size=(6, 9)).astype(np.float32)
    target = np.asarray(encode_localization(generator.uniform(size=(6, 4)), np.array([0, 3, -1, 2, 1, -1]), 4))
    present = keras.losses.binary_crossentropy(target[:, :1], predicted[:, :1], from_logits=True)
    named = keras.losses.categorical_crossentropy(target[:, 5:], predicted[:, 5:], from_logits=True)
    box = ((predicted - target)[:, 1:5] ** 2).sum(axis=1)
    expected = np.mean(present + target[:, 0] * (named + box))
    assert float(LocalizationLoss("mixed")(target, predicted)) == pytest.approx(float(expected), rel=1e-5)


def test_loss_of_a_grid_counts_every_empty_cell_by_its_pc():
    # Raw .5 everywhere on 3 x 3: eight empty cells cost .25 each; the car's cell is
    # [1, .5, .5, .6, 1.2, 0, 1, 0]: .25 + 0 + 0 + .01 + .49 + 3 * .25 = 1.5
    grid = encode_grid([[[0.3, 0.4, 0.7, 0.6, 1]]], (3, 3), 3)
    assert float(LocalizationLoss()(grid, np.full((1, 3, 3, 8), 0.5))) == pytest.approx(8 * 0.25 + 1.5, rel=1e-5)


def test_squared_loss_serves_landmarks_whose_first_number_is_pc():
    generator = np.random.default_rng(4)
    points, predicted = generator.uniform(size=(2, 64, 2)), generator.normal(size=(2, 129))
    face = ((predicted[0] - np.array([1, *points[0].reshape(-1)])) ** 2).sum()
    target = encode_landmarks(points, [True, False])
    assert float(LocalizationLoss()(target, predicted)) == pytest.approx((face + predicted[1, 0] ** 2) / 2, rel=1e-5)


@pytest.mark.parametrize("form", ["squared", "mixed"])
def test_loss_of_a_batch_of_two_is_the_mean_of_the_two_single_losses(form):
    target, predicted = np.concatenate([CAR, BACKGROUND]), np.random.default_rng(5).normal(size=(2, 8))
    loss = LocalizationLoss(form)
    singles = [float(loss(target[k : k + 1], predicted[k : k + 1])) for k in (0, 1)]
    assert float(loss(target, predicted)) == pytest.approx(np.mean(singles), rel=1e-6)


@pytest.mark.parametrize("form", ["squared", "mixed"])
def test_predictions_of_half_precision_give_a_finite_float32_loss(form):
    value = LocalizationLoss(form)(CAR, tf.constant([[20, 3, 3, 3, 3, 50, -50, 0]], tf.float16))
    assert value.dtype == tf.float32 and np.isfinite(value)


def test_one_class_has_no_class_term_in_the_mixed_form():
    target, predicted = np.array([[1, 0.5, 0.5, 1, 1, 1]]), np.array([[0, 0.5, 0.5, 1, 1, -9]])
    assert float(LocalizationLoss("mixed")(target, predicted)) == pytest.approx(np.log(2), rel=1e-5)


def test_config_round_trip_keeps_the_form():
    loss = LocalizationLoss("mixed", name="place")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert (again.form, again.name) == ("mixed", "place")


def test_an_unknown_form_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`form` must be one of squared, mixed. Received 'huber'."):
        LocalizationLoss("huber")


def test_targets_and_predictions_of_different_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r"\(1, 8\) and \(1, 9\). Check the grid, the anchors and the number of classes"
    ):
        LocalizationLoss()(CAR, np.zeros((1, 9)))
