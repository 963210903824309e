"""Sharpness-aware steps: some by hand, and what they leave alone."""

import keras
import numpy as np
import pytest

from cnn_suite.optimizers.sharpness import minimise_sharpness

ONE, NOTHING = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)


def one_weight(weight, optimizer):
    """With the input 1 and the answer 0 the loss is w^2, its slope 2 w."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[weight]])])
    model.compile(optimizer, loss="mse")
    return model


@pytest.mark.parametrize(("weight", "expected"), [(2.0, 2 - 0.25 * 2 * 2.1), (-2.0, -2 + 0.25 * 2 * 2.1), (0.0, 0.0)])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_step_takes_the_slope_of_the_point_uphill(weight, expected, scaled):
    sgd = keras.optimizers.SGD(0.25)
    model = one_weight(weight, keras.optimizers.LossScaleOptimizer(sgd, initial_scale=1024.0) if scaled else sgd)
    minimise_sharpness(model, 0.1)
    assert model.train_on_batch(ONE, NOTHING) == pytest.approx(weight**2)  # the loss is that at the weight itself
    assert model.get_weights()[0].item() == pytest.approx(expected, rel=1e-6)


def test_the_radius_is_that_of_all_weights_together():
    """With the loss w . x and inputs 3 and 4 the gradient is (3, 4) anywhere, and (0.6, 0.8) its direction."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0], [1.0]])])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda truth, answer: answer**2 / 2)
    minimise_sharpness(model, 0.5)
    model.train_on_batch(np.array([[3.0, 4.0]], np.float32), NOTHING)
    uphill = 7 + 0.5 * (0.6 * 3 + 0.8 * 4)  # the answer there, which times the input is the gradient
    np.testing.assert_allclose(model.get_weights()[0].ravel(), [1 - uphill * 3, 1 - uphill * 4], rtol=1e-6)


def network(sharp):
    """Two outputs, batch norm, and a layer that does not learn, at rate 0."""
    keras.utils.set_random_seed(0)
    features = keras.Input((4,))
    frozen = keras.layers.Dense(5, trainable=False, name="frozen")(features)
    x = keras.layers.BatchNormalization(name="norm")(frozen)
    outputs = {name: keras.layers.Dense(2, name=name)(x) for name in ("first", "second")}
    model = keras.Model(features, outputs)
    model.compile(keras.optimizers.SGD(0.0), loss="mse", metrics={"first": "mae"})
    if sharp:
        minimise_sharpness(model, 0.2)
    return model


def test_statistics_and_figures_are_those_at_the_weights_themselves():
    rng = np.random.default_rng(0)
    features, truth = rng.normal(1, 1, (24, 4)), {name: rng.normal(0, 1, (24, 2)) for name in ("first", "second")}
    plain, sharp = network(False), network(True)
    histories = [
        model.fit(features, truth, batch_size=8, epochs=2, shuffle=False, verbose=0) for model in (plain, sharp)
    ]
    for name, values in histories[0].history.items():
        np.testing.assert_allclose(histories[1].history[name], values, rtol=1e-5, err_msg=name)
    for expected, found in zip(plain.get_weights(), sharp.get_weights()):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_layers_that_do_not_learn_stay_as_they_are_and_others_learn():
    model = network(True)
    before = {variable.path: variable.numpy() for variable in model.weights}
    model.optimizer.learning_rate = 0.1
    model.train_on_batch(np.eye(8, 4), {name: np.ones((8, 2)) for name in ("first", "second")})
    moved = {variable.path for variable in model.weights if (variable.numpy() != before[variable.path]).any()}
    assert not any("frozen" in path for path in moved)
    assert {"first/kernel", "second/kernel", "norm/gamma"} <= moved


@pytest.mark.parametrize("radius", [0, -0.1, float("nan")])
def test_a_radius_that_is_none_is_refused(radius):
    with pytest.raises(ValueError, match="`radius` must be positive. Received"):
        minimise_sharpness(one_weight(1.0, "sgd"), radius)
