"""Muon for convolutions: orthogonal steps by singular values, what is left to AdamW, and a network that learns."""

import keras
import numpy as np
import pytest

from cnn_suite.optimizers.muon import ConvolutionMuon


def stepped(shape, gradient, name="kernel", **options):
    """What one step takes from a variable of ones."""
    variable = keras.Variable(np.ones(shape, np.float32), name=name)
    optimizer = ConvolutionMuon(0.1, weight_decay=None, **options)
    optimizer.build([variable])
    optimizer.apply([np.asarray(gradient, np.float32)], [variable])
    return 1 - variable.numpy()


@pytest.mark.parametrize("shape", [(3, 3, 2, 8), (3, 3, 4, 8), (1, 1, 8, 5), (5, 4, 8), (2, 2, 2, 3, 6)])
def test_every_direction_of_a_kernel_steps_equally_far(shape):
    gradient = np.random.default_rng(0).normal(0, 1, shape)
    step = stepped(shape, gradient)
    matrix = step.reshape(-1, shape[-1])
    singular = np.linalg.svd(matrix, compute_uv=False)
    length = 0.1 * 0.6 * max(matrix.shape) ** 0.5  # rate, root mean square wanted, the longer side
    assert singular.min() > 0.6 * length and singular.max() < 1.25 * length  # five iterations are about that exact
    left, _, right = np.linalg.svd(gradient.reshape(matrix.shape), full_matrices=False)
    alike = np.sum(matrix * (left @ right)) / np.linalg.norm(matrix) / np.linalg.norm(left @ right)
    assert alike > 0.95


@pytest.mark.parametrize("shape", [(3, 3, 16, 64), (1, 1, 4, 4), (3, 3, 64, 64)])
def test_steps_have_the_length_asked_for_whatever_the_shape(shape):
    step = stepped(shape, np.random.default_rng(1).normal(0, 1, shape), rms_rate=0.2)
    assert np.sqrt(np.mean(step**2)) == pytest.approx(0.1 * 0.2, rel=0.3)


def test_keras_does_the_same_to_a_matrix():
    gradient = np.random.default_rng(0).normal(0, 1, (12, 8)).astype(np.float32)
    variable = keras.Variable(np.ones((12, 8), np.float32))
    optimizer = keras.optimizers.Muon(0.1, weight_decay=None, adam_weight_decay=None, rms_rate=0.6)
    optimizer.build([variable])
    optimizer.apply([gradient], [variable])
    ours = stepped((2, 3, 2, 8), gradient.reshape(2, 3, 2, 8))
    np.testing.assert_allclose(ours.reshape(12, 8), 1 - variable.numpy(), atol=1e-6)


@pytest.mark.parametrize(("shape", "options"), [
    ((8,), {}),  # a bias or norm
    ((6, 4), {}),  # a dense layer
    ((3, 3, 8, 1), {}),  # a depthwise kernel
    ((3, 3, 2, 8), {"exclude_layers": ["kernel"]}),
])  # fmt: skip
def test_everything_else_takes_steps_of_adam(shape, options):
    gradient = np.random.default_rng(0).normal(0, 1, shape)
    np.testing.assert_allclose(stepped(shape, gradient, **options), 0.1 * np.sign(gradient), rtol=1e-3)


def test_it_is_saved_and_goes_on_as_before(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((6, 6, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile(ConvolutionMuon(0.02, weight_decay=0.01), "mse")
    pictures = np.random.default_rng(0).normal(0, 1, (32, 6, 6, 1)).astype(np.float32)
    wanted = pictures[:, 1:-1, 1:-1].std((1, 2))
    before = model.evaluate(pictures, wanted, verbose=0)
    model.fit(pictures, wanted, epochs=10, shuffle=False, verbose=0)
    assert model.evaluate(pictures, wanted, verbose=0) < 0.3 * before
    model.save(tmp_path / "model.keras")
    twin = keras.models.load_model(tmp_path / "model.keras")
    for network in (model, twin):
        network.fit(pictures, wanted, shuffle=False, verbose=0)
    for weight, same in zip(model.get_weights(), twin.get_weights()):
        np.testing.assert_allclose(weight, same, atol=1e-6)
