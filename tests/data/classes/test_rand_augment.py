"""RandAugment: its operations against Pillow, its draws, its bounds."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.data.classes.rand_augment import OPERATIONS, rand_augment

Image = pytest.importorskip("PIL.Image")
from PIL import ImageEnhance, ImageOps  # noqa: E402


def noise(shape=(5, 20, 24, 3), low=0, high=256):
    values = np.random.default_rng(0).integers(low, high, shape)
    return (values // 3 * 3 if high == 256 else values).astype(np.float32)


def changed(name, images, levels, fill="reflect"):
    levels = np.broadcast_to(np.float32(levels), len(images))
    return OPERATIONS[name](tf.constant(images), tf.constant(levels), fill).numpy()


def pillow(images, change):
    pictures = [Image.fromarray(image.squeeze().astype(np.uint8)) for image in images]
    return np.stack([np.asarray(change(picture)).reshape(images.shape[1:]) for picture in pictures])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "level", "change"),
    [
        ("autocontrast", 0.5, ImageOps.autocontrast),
        ("equalise", 0.5, ImageOps.equalize),
        ("solarise", -0.5, lambda picture: ImageOps.solarize(picture, 128)),
        ("posterise", 0.5, lambda picture: ImageOps.posterize(picture, 6)),
        ("colour", 0.5, lambda picture: ImageEnhance.Color(picture).enhance(1.45)),
        ("contrast", -0.5, lambda picture: ImageEnhance.Contrast(picture).enhance(0.55)),
        ("brightness", -1.0, lambda picture: ImageEnhance.Brightness(picture).enhance(0.1)),
        ("sharpness", 1.0, lambda picture: ImageEnhance.Sharpness(picture).enhance(1.9)),
    ],
)
def test_operations_on_values_are_pillows(name, level, change, channels):
    images = noise((5, 20, 24, channels), 40, 200)
    # Pillow rounds or cuts in between; a grey of the mean and smooth pixels are whole numbers there.
    tolerance = {"equalise": 0, "solarise": 0, "posterise": 0}.get(name, 1.6)
    np.testing.assert_allclose(changed(name, images, level), pillow(images, change), atol=tolerance)


def test_equalising_uses_all_values_alike():
    result = changed("equalise", noise((1, 64, 64, 1), 100, 140), 0)
    assert result.min() < 8 and result.max() > 247 and abs(result.mean() - 127) < 6


def test_pictures_of_one_value_are_left_alone_by_what_spreads_values():
    flat = np.full((2, 4, 4, 3), 77, np.float32)
    np.testing.assert_array_equal(changed("equalise", flat, 0), flat)
    np.testing.assert_array_equal(changed("autocontrast", flat, 0), flat)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"autocontrast", "equalise"}))
def test_no_strength_is_no_change(name):
    np.testing.assert_allclose(changed(name, noise(), 0.0), noise(), atol=1e-3)


def test_shifts_are_shares_of_the_side():
    images = noise((1, 20, 40, 1))
    np.testing.assert_allclose(changed("translate_x", images, 1.0)[:, :, :22], images[:, :, 18:], atol=1e-3)
    np.testing.assert_allclose(changed("translate_y", images, -1.0)[:, 9:], images[:, :11], atol=1e-3)


def test_shears_and_turns_keep_the_middle_and_follow_their_angle():
    axis = np.arange(41, dtype=np.float32) - 20
    places = np.stack(np.meshgrid(axis, axis), axis=-1)[None]  # every pixel holds its own (x, y)
    for name, right, down in [
        ("shear_x", (1, 0), (0.3, 1)),
        ("shear_y", (1, 0.3), (0, 1)),
        ("rotate", (np.cos(np.pi / 6), 0.5), (-0.5, np.cos(np.pi / 6))),
    ]:
        result = changed(name, places, 1.0, "edge")[0]
        np.testing.assert_allclose(result[20, 20], 0, atol=1e-4)
        np.testing.assert_allclose(result[20, 21], right, atol=1e-4)
        np.testing.assert_allclose(result[21, 20], down, atol=1e-4)


def test_every_picture_has_operations_of_its_own_out_of_all():
    images = np.broadcast_to(noise((1, 20, 24, 3), 40, 200), (600, 20, 24, 3)).copy()
    result = rand_augment(tf.constant(images), tf.constant([1, 2]), 1, 0.5).numpy()
    kinds = {picture.tobytes() for picture in np.rint(result)}
    # Identity, autocontrast, equalise and, with the direction without meaning, solarise and posterise are one each;
    # the nine others have two directions.
    assert len(kinds) == 5 + 2 * 9
    untouched = (np.abs(result - images).max(axis=(1, 2, 3)) < 1e-3).mean()
    assert abs(untouched - 1 / 14) < 0.04


def test_two_operations_are_two_in_a_row():
    images = noise((64, 8, 8, 3))
    once, twice = (rand_augment(tf.constant(images), tf.constant([1, 2]), n, 1.0).numpy() for n in (1, 2))
    unchanged = [(np.abs(result - images).max(axis=(1, 2, 3)) < 1e-3).sum() for result in (once, twice)]
    assert unchanged[1] < unchanged[0]
    np.testing.assert_array_equal(rand_augment(tf.constant(images), tf.constant([1, 2]), 0, 1.0), images)


def test_the_same_seed_gives_the_same_pictures_and_another_one_others():
    first, again, other = (rand_augment(tf.constant(noise()), tf.constant([s, 0]), 2, 0.7).numpy() for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1


def in_range(result, shape):
    values = result.numpy()
    return result.shape == shape and result.dtype == tf.float32 and values.min() >= 0 and values.max() <= 255


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 2, 3, 3), (3, 5, 4, 1)])
def test_pictures_of_any_size_stay_in_range(shape):
    images = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)
    for name in OPERATIONS:
        for level in (-1.0, 1.0):
            assert changed(name, images, level, "black").shape == shape
    for seed in range(4):
        assert in_range(rand_augment(tf.constant(images), tf.constant([seed, 0]), 2, 1.0, "black"), shape)


def test_it_runs_in_a_graph_with_operations_that_no_picture_drew():
    graph = tf.function(lambda x, s: rand_augment(x, s, 2, 1.0))
    images = tf.random.stateless_uniform((3, 6, 7, 3), [0, 0], 0, 255)
    for seed in range(6):
        result = graph(images, tf.constant([seed, 0]))
        assert in_range(result, images.shape)
        np.testing.assert_allclose(result, rand_augment(images, tf.constant([seed, 0]), 2, 1.0), atol=1e-3)
