"""The loss of points: by hand, against a plain loop, smooth where its parts meet, silent where there is no face."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.losses.landmarks import LandmarksLoss


def by_hand(y_true, y_pred, width=0.1, curvature=0.02, face_weight=0.1):
    total = []
    for truth, found in zip(y_true, y_pred):
        wing = 0.0
        for t, p in zip(truth[1:], found[1:]):
            d = abs(t - p)
            joint = width - width * math.log(1 + width / curvature)
            wing += width * math.log(1 + d / curvature) if d < width else d - joint
        face = math.log(1 + math.exp(found[0])) - truth[0] * found[0]
        total.append(truth[0] * wing + face_weight * face)
    return np.array(total)


def test_one_point_by_hand():
    # d = 0.02: 0.1 ln 2 = 0.069315; d = 0.5: 0.5 - (0.1 - 0.1 ln 6) = 0.579176; a logit of 0 costs ln 2, a tenth of it
    loss = LandmarksLoss()([[1.0, 0.5, 0.5]], [[0.0, 0.52, 1.0]])
    assert float(loss) == pytest.approx(0.069315 + 0.579176 + 0.069315, abs=1e-5)


def test_it_equals_a_plain_loop():
    generator = np.random.default_rng(0)
    y_true = np.concatenate([generator.integers(0, 2, (6, 1)), generator.random((6, 10))], axis=1)
    y_pred = generator.normal(size=(6, 11))
    found = LandmarksLoss(0.2, 0.05, 0.5, reduction="none")(y_true, y_pred)
    np.testing.assert_allclose(found, by_hand(y_true, y_pred, 0.2, 0.05, 0.5), rtol=1e-5)


def test_the_parts_meet_without_a_step():
    below, above = (float(LandmarksLoss()([[1.0, 0.0]], [[9.0, d]])) for d in (0.1 - 1e-5, 0.1 + 1e-5))
    assert above - below == pytest.approx(0, abs=1e-4)


def test_points_where_there_is_no_face_have_no_say():
    found = tf.Variable([[0.3, 0.1, 0.9]])
    with tf.GradientTape() as tape:
        loss = LandmarksLoss()(tf.constant([[0.0, 0.5, 0.5]]), found)
    assert tape.gradient(loss, found).numpy()[0, 1:].tolist() == [0, 0]


def test_the_gradient_at_the_very_point_is_finite():
    found = tf.Variable([[0.0, 0.5, 0.5]])
    with tf.GradientTape() as tape:
        loss = LandmarksLoss()(tf.constant([[1.0, 0.5, 0.5]]), found)
    assert np.isfinite(tape.gradient(loss, found)).all()


def test_half_precision_counts_in_float32():
    assert LandmarksLoss()(np.ones((1, 3), "float16"), keras.ops.ones((1, 3), "float16")).dtype == "float32"


def test_widths_must_be_positive():
    with pytest.raises(ValueError, match="must be positive. Received 0 and 0.02"):
        LandmarksLoss(0)
