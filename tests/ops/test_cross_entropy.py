"""Cross-entropies of logits: by hand, against Keras, and their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.ops.cross_entropy import sigmoid_cross_entropy, softmax_cross_entropy


def test_sigmoid_cross_entropy_of_an_undecided_logit_is_ln_2_whatever_the_target():
    targets = np.array([0.0, 0.3, 1.0])
    np.testing.assert_allclose(sigmoid_cross_entropy(targets, np.zeros(3)), np.log([2, 2, 2]), rtol=1e-6)


def test_softmax_cross_entropy_of_equal_logits_is_ln_of_their_number():
    assert float(softmax_cross_entropy([0.0, 1.0, 0.0], [5.0, 5.0, 5.0])) == pytest.approx(np.log(3))


def test_both_equal_keras():
    generator = np.random.default_rng(0)
    logits, shares = generator.normal(size=(6, 4)), generator.uniform(size=(6, 4))
    one_hot = np.eye(4)[generator.integers(0, 4, 6)]
    oracle = keras.ops.binary_crossentropy(shares, logits, from_logits=True)
    np.testing.assert_allclose(sigmoid_cross_entropy(shares, logits), oracle, rtol=1e-5)
    oracle = keras.ops.categorical_crossentropy(one_hot, logits, from_logits=True)
    np.testing.assert_allclose(softmax_cross_entropy(one_hot, logits), oracle, rtol=1e-5)


def test_gradients_are_probability_minus_target_and_0_without_a_target():
    logits = tf.Variable(np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32))
    target = np.array([[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], np.float32)
    with tf.GradientTape(persistent=True) as tape:
        single, joint = sigmoid_cross_entropy(target, logits), softmax_cross_entropy(target, logits)
    np.testing.assert_allclose(tape.gradient(single, logits), tf.sigmoid(logits) - target, atol=1e-6)
    expected = (tf.nn.softmax(logits) - target) * target.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tape.gradient(joint, logits), expected, atol=1e-6)


@pytest.mark.parametrize("function", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_extreme_logits_of_half_precision_stay_finite_in_float32(function):
    value = function(np.array([[1.0, 0.0]], np.float32), tf.constant([[-60000, 60000]], tf.float16))
    assert value.dtype == tf.float32 and np.isfinite(value).all()


def test_one_class_costs_nothing_under_softmax():
    np.testing.assert_array_equal(softmax_cross_entropy(np.ones((2, 1), np.float32), [[3.0], [-7.0]]), [0, 0])
