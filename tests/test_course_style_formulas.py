"""The formulas of the course's chapter on neural style transfer, as worked examples and against double loops."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.ops.style import content_cost, gram_matrix, joint_cost, mean_gram, style_cost, weighted_cost


def activations(seed, shape=(1, 3, 4, 5)):
    """a[l] of a picture: n_H x n_W x n_C."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def style_matrix(a):
    """G_kk' = sum_i sum_j a_ijk a_ijk', as it is written."""
    _, n_h, n_w, n_c = a.shape
    gram = np.zeros((n_c, n_c))
    for k in range(n_c):
        for m in range(n_c):
            gram[k, m] = sum(float(a[0, i, j, k]) * float(a[0, i, j, m]) for i in range(n_h) for j in range(n_w))
    return gram


def layer_cost(a_s, a_g):
    """J_style[l](S, G) = 1 / (2 n_H n_W n_C)^2 sum_k sum_k' (G_kk'(S) - G_kk'(G))^2, as it is written."""
    _, n_h, n_w, n_c = a_g.shape
    of_s, of_g = style_matrix(a_s), style_matrix(a_g)
    total = 0.0
    for k in range(n_c):
        for m in range(n_c):
            total += (of_s[k, m] - of_g[k, m]) ** 2
    return total / (2 * n_h * n_w * n_c) ** 2


def style_of(a_s, a_g):
    return float(style_cost(mean_gram(a_g), mean_gram(a_s), "notes")[0])


# J_content(C, G) = ||a(C) - a(G)||^2: (1 - 3)^2 + (2 - 2)^2 + (0 - 1)^2 + (4 - 2)^2 = 9.
def test_the_content_cost_is_the_squared_length_of_the_difference_of_activations():
    a_c, a_g = (np.array(values, np.float32).reshape(1, 2, 2, 1) for values in ((1, 2, 0, 4), (3, 2, 1, 2)))
    assert float(content_cost(a_g, a_c, "notes")[0]) == 9
    a_c, a_g = activations(0), activations(1)
    assert float(content_cost(a_g, a_c, "notes")[0]) == pytest.approx(np.linalg.norm(a_c - a_g) ** 2, rel=1e-5)


# "If a(C) and a(G) are similar, both images have similar content."
def test_similar_activations_cost_little():
    a_c = activations(0)
    near, far = (float(content_cost(a_c + noise, a_c, "notes")[0]) for noise in (0.01, 1.0))
    assert near == pytest.approx(1e-4 * far, rel=1e-2) and float(content_cost(a_c, a_c, "notes")[0]) == 0


# Positions (1, 0), (2, 1), (0, 3), two channels: 1 + 4 + 0, 0 + 2 + 0, 0 + 1 + 9.
def test_the_style_matrix_is_n_c_by_n_c_and_sums_products_over_height_and_width():
    a = np.array([[[[1, 0], [2, 1], [0, 3]]]], np.float32)
    np.testing.assert_allclose(gram_matrix(a)[0], [[5, 2], [2, 10]])
    assert gram_matrix(activations(0)).shape == (1, 5, 5)
    np.testing.assert_allclose(gram_matrix(activations(0))[0], style_matrix(activations(0)), rtol=1e-5, atol=1e-6)


# "For whatever part of the image that has this type of vertical texture, that part will probably have an orange-ish
# tint": channel 1 fires where channel 0 does, channel 2 where it does not.
def test_channels_that_fire_together_are_correlated_and_others_are_not():
    texture = (np.random.default_rng(0).uniform(size=(1, 8, 8)) > 0.5).astype(np.float32)
    gram = np.asarray(gram_matrix(np.stack([texture, 2 * texture, 1 - texture], axis=-1)))[0]
    assert gram[0, 1] == 2 * texture.sum() and gram[0, 2] == gram[1, 2] == 0


# "Summing over the different positions": where they are does not count.
def test_the_style_matrix_does_not_change_when_positions_are_exchanged():
    a = activations(0)
    moved = a.reshape(1, 12, 5)[:, np.random.default_rng(1).permutation(12)].reshape(a.shape)
    np.testing.assert_allclose(gram_matrix(moved), gram_matrix(a), rtol=1e-5, atol=1e-6)
    assert style_of(a, moved) == pytest.approx(0, abs=1e-12)
    assert float(content_cost(moved, a, "notes")[0]) > 1


# One position, two channels: S (1, 1) and G (2, 0): matrices all 1 and ((4, 0), (0, 0)): 9 + 1 + 1 + 1 = 12;
# (2 * 1 * 1 * 2)^2 = 16.
def test_the_style_cost_of_a_layer_by_hand():
    a_s, a_g = (np.array(values, np.float32).reshape(1, 1, 1, 2) for values in ((1, 1), (2, 0)))
    assert style_of(a_s, a_g) == pytest.approx(12 / 16)


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (1, 1, 1, 1), (1, 6, 2, 3)])
def test_the_style_cost_of_a_layer_equals_the_double_loop(shape):
    a_s, a_g = activations(0, shape), activations(1, shape)
    assert style_of(a_s, a_g) == pytest.approx(layer_cost(a_s, a_g), rel=1e-5)


# J_style(S, G) = sum_l lambda[l] J_style[l](S, G).
@pytest.mark.parametrize("lambdas", [(0.2, 0.5, 0.3), (1.0, 2.0, 4.0)])
def test_layers_are_summed_with_their_lambdas(lambdas):
    shapes = [(1, 8, 6, 2), (1, 4, 3, 4), (1, 2, 2, 8)]
    layers = [(activations(n, shape), activations(n + 9, shape)) for n, shape in enumerate(shapes)]
    expected = sum(weight * layer_cost(*pair) for weight, pair in zip(lambdas, layers))
    costs = {str(n): style_cost(mean_gram(g), mean_gram(s), "notes") for n, (s, g) in enumerate(layers)}
    found = weighted_cost(costs, {str(n): weight for n, weight in enumerate(lambdas)}, "notes")
    assert float(found[0]) == pytest.approx(expected, rel=1e-5)


# J(G) = alpha J_content(C, G) + beta J_style(S, G): 10 * 9 + 40 * 0.75 = 120.
def test_j_weighs_content_and_style():
    assert joint_cost(9.0, 0.75, alpha=10.0, beta=40.0) == 120


# "1. Initiate G randomly. 2. Use gradient descent to minimize J(G): G := G - d/dG J(G)", which updates the pixels: a
# network of one convolution, whose weights stay as they are.
def test_gradient_descent_on_the_pixels_makes_j_smaller():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(4, 3, activation="relu")
    layer.build((None, 12, 12, 3))
    before = [weight.numpy() for weight in layer.weights]
    content, style, picture = (tf.constant(activations(seed, (1, 12, 12, 3))) for seed in range(3))
    a_c, target = layer(content), mean_gram(layer(style))

    def j(picture):
        a_g = layer(picture)
        style_part = style_cost(mean_gram(a_g), target, "notes")
        return joint_cost(content_cost(a_g, a_c, "notes"), style_part, alpha=0.01, beta=10.0)[0]

    costs = []
    for _ in range(60):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            cost = j(picture)
        costs.append(float(cost))
        picture = picture - tape.gradient(cost, picture)
    assert costs[-1] < 0.6 * costs[0] and max(np.diff(costs)) < 0
    for weight, was in zip(layer.weights, before):
        np.testing.assert_array_equal(weight, was)
