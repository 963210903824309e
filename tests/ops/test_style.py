"""The costs of style transfer: by hand, against loops, their gradients in closed form and by finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.ops.style import (
    NORMALISATIONS,
    content_cost,
    gram_matrix,
    joint_cost,
    mean_gram,
    style_cost,
    sum_of_squares,
    total_variation,
    weighted_cost,
)

SHAPE = (2, 5, 7, 4)


def features(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_loops(x, mask=None):
    """Gram matrices of `(batch, height, width, channels)`, number by number."""
    batch, height, width, channels = x.shape
    gram = np.zeros((batch, channels, channels))
    for b, i, j, k, m in np.ndindex(batch, height, width, channels, channels):
        gram[b, k, m] += float(x[b, i, j, k]) * float(x[b, i, j, m]) * (1.0 if mask is None else mask[b, i, j])
    return gram


def gradient_of(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(function(x))
    return tape.gradient(value, x).numpy()


def assert_slope(function, x, step, rtol=2e-3):
    """Compares the gradient with central differences along random directions.

    Sums are float32, with 7 digits: the step is large against their rounding and small against the curvature.
    """
    found, generator = gradient_of(function, x), np.random.default_rng(7)
    for _ in range(3):
        direction = generator.normal(size=x.shape).astype(np.float32)
        ahead, behind = (float(tf.reduce_sum(function(tf.constant(x + sign * step * direction)))) for sign in (1, -1))
        slope = (ahead - behind) / (2 * step)
        scale = np.linalg.norm(found) * np.linalg.norm(direction) / np.sqrt(x.size)
        assert (found * direction).sum() == pytest.approx(slope, abs=rtol * scale)


# Gram matrices


# Positions (1, 2) and (3, 4): 1*1 + 3*3, 1*2 + 3*4, 2*2 + 4*4.
def test_a_gram_matrix_sums_products_of_channels_over_positions():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]], np.float32)
    np.testing.assert_allclose(gram_matrix(x), [[[10, 14], [14, 20]]])
    np.testing.assert_allclose(mean_gram(x), [[[5, 7], [7, 10]]])
    np.testing.assert_allclose(gram_matrix(x, np.array([[[0.5, 2.0]]])), [[[18.5, 25], [25, 34]]])


@pytest.mark.parametrize("shape", [SHAPE, (1, 1, 1, 3), (3, 4, 2, 1)])
def test_it_equals_a_loop_over_every_number(shape):
    x = features(shape=shape)
    mask = np.random.default_rng(1).uniform(size=shape[:3]).astype(np.float32)
    np.testing.assert_allclose(gram_matrix(x), by_loops(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gram_matrix(x, mask), by_loops(x, mask), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mean_gram(x), by_loops(x) / (shape[1] * shape[2]), rtol=1e-5, atol=1e-6)


def test_it_forgets_where_things_are_is_symmetric_and_never_negative():
    x = features()
    order = np.random.default_rng(2).permutation(35)
    mixed = x.reshape(2, 35, 4)[:, order].reshape(SHAPE)
    gram = np.asarray(gram_matrix(x))
    np.testing.assert_allclose(gram_matrix(mixed), gram, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(gram, gram.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(gram).min() > -1e-4


def test_the_mean_does_not_know_how_often_a_picture_is_repeated():
    x = features()
    np.testing.assert_allclose(mean_gram(np.tile(x, (1, 2, 3, 1))), mean_gram(x), rtol=1e-5, atol=1e-6)


def test_a_mask_of_zeros_and_ones_chooses_positions_and_serves_the_whole_batch():
    x = features()
    mask = np.zeros((1, 5, 7), np.float32)
    mask[:, 1:4, 2:] = 1
    np.testing.assert_allclose(gram_matrix(x, mask), gram_matrix(x[:, 1:4, 2:]), rtol=1e-5, atol=1e-5)


def test_sides_may_be_open_in_a_graph():
    spec = tf.TensorSpec((None, None, None, 4), tf.float32)
    masks = tf.TensorSpec((None, None, None), tf.float32)
    x, mask = features(), np.random.default_rng(1).uniform(size=SHAPE[:3]).astype(np.float32)
    found = tf.function(lambda x, mask: (mean_gram(x), gram_matrix(x, mask)), [spec, masks])(x, mask)
    np.testing.assert_allclose(found[0], mean_gram(x), rtol=1e-6)
    np.testing.assert_allclose(found[1], gram_matrix(x, mask), rtol=1e-6)


# Costs


# F - P = (2, -1): squares 5; P = (1, 3): energy 10.
@pytest.mark.parametrize(("normalisation", "expected"), [("notes", 5.0), ("gatys", 2.5), ("energy", 0.5)])
def test_content_by_hand(normalisation, expected):
    f, p = (np.array(values, np.float32).reshape(1, 1, 1, 2) for values in ((3, 2), (1, 3)))
    np.testing.assert_allclose(content_cost(f, p, normalisation), [expected])


# G - A = ((1, 2), (2, 3)): squares 18; 4 * 2^2 = 16; A = ((1, 0), (0, 2)): energy 5.
@pytest.mark.parametrize(("normalisation", "expected"), [("notes", 18 / 16), ("gatys", 18 / 16), ("energy", 3.6)])
def test_style_by_hand(normalisation, expected):
    gram, target = np.array([[[2.0, 2], [2, 5]]], np.float32), np.array([[[1.0, 0], [0, 2]]], np.float32)
    np.testing.assert_allclose(style_cost(gram, target, normalisation), [expected], rtol=1e-6)


def test_energy_is_the_default_and_a_share():
    f, p = features(0), features(1)
    gram, target = mean_gram(f), mean_gram(p)
    np.testing.assert_array_equal(content_cost(f, p), content_cost(f, p, "energy"))
    np.testing.assert_array_equal(style_cost(gram, target), style_cost(gram, target, "energy"))
    np.testing.assert_allclose(content_cost(0 * p, p), 1, rtol=1e-6)
    np.testing.assert_allclose(style_cost(0 * target, target), 1, rtol=1e-6)
    np.testing.assert_allclose(content_cost(9 * f, 9 * p), content_cost(f, p), rtol=1e-5)
    np.testing.assert_allclose(style_cost(mean_gram(9 * f), mean_gram(9 * p)), style_cost(gram, target), rtol=1e-5)


def test_the_size_of_a_picture_does_not_change_its_share():
    f, p = features(0), features(1)
    larger = [np.repeat(np.repeat(x, 4, axis=1), 4, axis=2) for x in (f, p)]
    np.testing.assert_allclose(content_cost(*larger), content_cost(f, p), rtol=1e-5)
    shares = [style_cost(mean_gram(x), mean_gram(y)) for x, y in ((f, p), larger)]
    np.testing.assert_allclose(shares[1], shares[0], rtol=1e-5)


def test_parts_of_a_picture_add_up_with_the_energy_of_the_whole():
    f, p = features(0), features(1)
    energy = sum_of_squares(p)
    parts = [content_cost(f[:, rows], p[:, rows], energy=energy) for rows in (slice(0, 2), slice(2, 5))]
    np.testing.assert_allclose(parts[0] + parts[1], content_cost(f, p), rtol=1e-5)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_costs_are_zero_at_the_target_even_a_black_one_and_every_picture_has_its_own(normalisation):
    f, p = features(0), features(1)
    p[1] = f[1]
    content = content_cost(f, p, normalisation)
    style = style_cost(mean_gram(f), mean_gram(p), normalisation)
    for cost in (content, style):
        assert cost.shape == (2,) and float(cost[0]) > 0 and float(cost[1]) == 0
    assert float(content_cost(0 * f, 0 * f, normalisation)[0]) == 0
    one_target = style_cost(mean_gram(f), mean_gram(p[:1]), normalisation)
    np.testing.assert_allclose(one_target[0], style[0], rtol=1e-6)


def test_sums_of_half_precision_do_not_overflow():
    x = np.full((1, 10, 10, 1), 300, np.float16)  # 300^2 is beyond float16
    np.testing.assert_allclose(sum_of_squares(x), [100 * 90_000])
    np.testing.assert_allclose(content_cost(x, 0 * x, "notes"), [100 * 90_000])


def test_an_unknown_normalisation_is_refused():
    f = features()
    for cost in (
        lambda: content_cost(f, f, "mean"),
        lambda: style_cost(mean_gram(f), mean_gram(f), "mean"),
        lambda: weighted_cost({"a": 1.0}, {"a": 1.0}, "mean"),
    ):
        with pytest.raises(ValueError, match="must be one of energy, gatys, notes. Received 'mean'"):
            cost()


# (1 * 2 + 3 * 6) / (1 + 3) = 5
def test_layers_are_weighted_by_their_lambdas():
    costs = {"a": np.array([2.0, 0.0]), "b": np.array([6.0, 1.0])}
    np.testing.assert_allclose(weighted_cost(costs, {"a": 1.0, "b": 3.0, "unused": 9.0}), [5.0, 0.75])
    np.testing.assert_allclose(weighted_cost(costs, {"a": 10.0, "b": 30.0}), [5.0, 0.75])
    for as_in_the_paper in ("gatys", "notes"):  # 1 * 2 + 3 * 6
        np.testing.assert_allclose(weighted_cost(costs, {"a": 1.0, "b": 3.0}, as_in_the_paper), [20.0, 3.0])


def test_j_is_the_sum_of_its_parts():
    assert joint_cost(2.0, 3.0, alpha=10.0, beta=40.0) == 140
    assert joint_cost(2.0, 3.0, 5.0, alpha=10.0, beta=40.0, tv=0.5) == 142.5


# Columns 0, 255: right neighbours differ by 1, lower ones by 0. A chessboard: all by 1.
def test_total_variation_by_hand():
    stripes = np.array([[0, 255], [0, 255]], np.uint8)
    chess = np.array([[0, 255], [255, 0]], np.uint8)
    pictures = np.repeat(np.stack([stripes, chess, 0 * chess])[..., None], 3, axis=-1)
    np.testing.assert_allclose(total_variation(pictures), [0.5, 1.0, 0.0])


def test_total_variation_equals_a_loop():
    x = np.random.default_rng(0).uniform(0, 255, (1, 4, 6, 3)).astype(np.float32)
    down = [(x[0, i, j, k] - x[0, i + 1, j, k]) ** 2 for i, j, k in np.ndindex(3, 6, 3)]
    right = [(x[0, i, j, k] - x[0, i, j + 1, k]) ** 2 for i, j, k in np.ndindex(4, 5, 3)]
    np.testing.assert_allclose(total_variation(x), [(np.mean(down) + np.mean(right)) / 2 / 255**2], rtol=1e-5)


# Gradients in closed form


# d/dF of 1/2 ||F - P||^2 = F - P (Gatys et al. 2015, equation 2, without its ReLU); twice that for the notes; as a
# share of the energy 2 (F - P) / ||P||^2.
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_the_gradient_of_the_content_is_the_difference(normalisation):
    f, p = features(0), features(1)
    energy = (p**2).sum((1, 2, 3), keepdims=True)
    expected = {"gatys": f - p, "notes": 2 * (f - p), "energy": 2 * (f - p) / energy}[normalisation]
    found = gradient_of(lambda x: content_cost(x, tf.constant(p), normalisation), f)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


# F is M positions x N channels, G = F^T F. E = sum (G - A)^2 / (4 N^2 M^2), and d||G - A||^2/dF = 4 F (G - A), so that
# dE/dF = F (G - A) / (N^2 M^2) (Gatys et al. 2015, equation 6). With g = G / M as a share of the energy of a = A / M:
# 4 F (g - a) / (M ||a||^2).
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_the_gradient_of_the_style_is_the_features_times_the_difference_of_grams(normalisation):
    f, p = features(0), features(1)
    n, m = SHAPE[3], SHAPE[1] * SHAPE[2]
    flat, apart = f.reshape(2, m, n), by_loops(f) - by_loops(p)
    energy = ((by_loops(p) / m) ** 2).sum((1, 2), keepdims=True)
    expected = flat @ apart / (n**2 * m**2) if normalisation != "energy" else 4 * flat @ apart / (m**2 * energy)
    target = mean_gram(tf.constant(p))
    found = gradient_of(lambda x: style_cost(mean_gram(x), target, normalisation), f)
    np.testing.assert_allclose(found, expected.reshape(SHAPE), rtol=1e-4, atol=1e-5 * np.abs(expected).max())


# Each of the (h - 1) w c and h (w - 1) c differences d counts d^2 / 2: a pixel's gradient sums its own differences.
def test_the_gradient_of_the_total_variation_is_the_sum_of_differences_to_the_neighbours():
    x = np.random.default_rng(0).uniform(0, 255, (1, 4, 6, 3)).astype(np.float32)
    expected = np.zeros_like(x)
    down, right = (x[:, 1:] - x[:, :-1]) / (3 * 6 * 3), (x[:, :, 1:] - x[:, :, :-1]) / (4 * 5 * 3)
    expected[:, 1:] += down
    expected[:, :-1] -= down
    expected[:, :, 1:] += right
    expected[:, :, :-1] -= right
    np.testing.assert_allclose(gradient_of(total_variation, x), expected / 255**2, rtol=1e-4, atol=1e-9)


# Gradients by finite differences


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_costs_have_the_slopes_of_finite_differences(normalisation, masked):
    f, p = features(0), tf.constant(features(1))
    mask = np.random.default_rng(3).uniform(size=SHAPE[:3]).astype(np.float32) if masked else None

    def gram(x):
        return gram_matrix(x, mask) / (35.0 if mask is None else mask.sum((1, 2))[:, None, None])

    target = gram(p)
    assert_slope(lambda x: content_cost(x, p, normalisation), f, 0.03)
    assert_slope(lambda x: style_cost(gram(x), target, normalisation), f, 0.01)


def test_total_variation_and_j_have_the_slopes_of_finite_differences():
    x = np.random.default_rng(0).uniform(0, 255, (2, 4, 6, 3)).astype(np.float32)
    p = tf.constant(features(1, (2, 4, 6, 3)))
    assert_slope(total_variation, x, 3.0)

    def j(x):
        layers = {"a": style_cost(mean_gram(x / 99), mean_gram(p)), "b": style_cost(mean_gram(x / 150), mean_gram(p))}
        style = weighted_cost(layers, {"a": 1.0, "b": 2.0})
        return joint_cost(content_cost(x / 99, p), style, total_variation(x), alpha=1.0, beta=0.5, tv=3.0)

    assert_slope(j, x, 0.3)
