"""Mixed faces: what is untouched, what is between two, and the same for the same seed."""

import numpy as np
import tensorflow as tf

from cnn_suite.data.faces.face_blending import blended

SEED = tf.constant([3, 4], tf.int64)


def plain(batch=64, size=32):
    """Faces of one grey level each, which is their number."""
    return tf.constant(np.broadcast_to(np.arange(batch, dtype=np.float32)[:, None, None, None], (batch, size, size, 3)))


def test_without_probability_nothing_changes():
    np.testing.assert_array_equal(blended(plain(), 0.0, SEED), plain())


def test_a_mixture_lies_between_a_face_and_its_neighbour():
    mixed = np.asarray(blended(plain(), 1.0, SEED))
    for number, image in enumerate(mixed):
        low, high = sorted((number, (number - 1) % len(mixed)))
        assert image.min() >= low - 1e-4 and image.max() <= high + 1e-4


def test_half_of_the_mixtures_are_even_and_half_have_a_border():
    mixed = np.asarray(blended(plain(400), 1.0, SEED)).reshape(400, -1)
    spread = np.ptp(mixed, axis=1)[1:]  # the first has a far neighbour
    assert 0.35 < (spread < 1e-4).mean() < 0.65
    assert (spread[spread > 1e-4] > 0.9).mean() > 0.9  # from one face to the other


def test_the_probability_is_kept():
    mixed = np.asarray(blended(plain(400), 0.3, SEED))
    assert 0.2 < (abs(mixed - np.asarray(plain(400))) > 1e-4).any(axis=(1, 2, 3)).mean() < 0.4


def test_the_same_seed_gives_the_same_mixtures_and_another_one_others():
    first, again = (np.asarray(blended(plain(8), 1.0, SEED)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, blended(plain(8), 1.0, SEED + 1))
