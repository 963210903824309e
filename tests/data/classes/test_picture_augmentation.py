"""Augmentation of batches: what each setting does, that the others stay still, and mixtures."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_classification import Augmentation
from cnn_suite.data.classes.picture_augmentation import augment_pictures, mix_pictures
from cnn_suite.ops.pca_colour import EIGENVALUES, EIGENVECTORS

OFF = {"mirror": 0.0, "flip": 0.0, "shift": 0.0}
STRONG = {
    "scale": (0.5, 2.0),
    "aspect": 1.5,
    "rotation_deg": 40.0,
    "shear_deg": 20.0,
    "warp": 0.1,
    "brightness": 0.3,
    "contrast": 0.4,
    "saturation": 0.8,
    "hue": 0.3,
    "pca_colour": 0.5,
    "rand_augment": 2,
    "erase": 1.0,
}


def settings(**changes):
    return Augmentation(**{**OFF, **changes})


def noise(shape=(6, 10, 12, 3), low=0, high=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(low, high, shape).astype(dtype)


def changed(images, seed=3, size_hw=None, **changes):
    images = tf.constant(images)
    size_hw = size_hw or tuple(images.shape[1:3])
    return augment_pictures(images, tf.constant([seed, 0]), settings(**changes), size_hw).numpy()


def operations(seed_dtype=tf.int64, channels=3, **changes):
    """Kinds of the operations in the graph of an augmentation."""
    images = tf.TensorSpec((4, 10, 12, channels), tf.uint8)
    graph = tf.function(lambda x, s: augment_pictures(x, s, settings(**changes), (8, 8)))
    concrete = graph.get_concrete_function(images, tf.TensorSpec((2,), seed_dtype))
    return {node.op for node in concrete.graph.as_graph_def().node}


def test_nothing_switched_on_is_the_middle_and_costs_a_slice():
    np.testing.assert_array_equal(changed(noise(), size_hw=(8, 8)), noise()[:, 1:9, 2:10])
    assert operations() <= {"Placeholder", "Const", "StridedSlice", "Identity"}


def test_mirror_and_shift_stay_bytes_and_one_kernel():
    assert changed(noise(), mirror=0.5, shift=0.2).dtype == np.uint8
    kinds = operations(mirror=0.5, shift=0.125)
    assert "ImageProjectiveTransformV3" in kinds
    assert not kinds & {
        "GatherV2",
        "MatMul",
        "BatchMatMulV2",
        "DynamicPartition",
        "StatelessRandomNormalV2",
        "SelectV2",
    }


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"warp": 0.1}, "GatherV2"),
        ({"hue": 0.1}, "BatchMatMulV2"),
        ({"pca_colour": 0.1}, "StatelessRandomNormalV2"),
        ({"rand_augment": 1}, "DynamicPartition"),
        ({"erase": 0.5}, "SelectV2"),
    ],
)
def test_every_change_is_in_the_graph_only_where_it_is_switched_on(changes, kind):
    assert kind in operations(**changes) and kind not in operations()


@pytest.mark.parametrize("name", STRONG)
def test_every_setting_changes_pictures_by_itself(name):
    result = changed(noise(), **{name: STRONG[name]})
    assert result.shape == noise().shape
    assert np.abs(result.astype(float) - noise()).mean() > 1
    assert result.min() >= 0 and result.max() <= 255


def test_everything_at_once_stays_in_range_and_finite():
    for shape in ((1, 10, 12, 3), (5, 9, 9, 1)):
        for seed in range(3):
            result = changed(noise(shape), seed, size_hw=(7, 8), mirror=0.5, flip=0.5, shift=0.3, **STRONG)
            assert result.shape == (shape[0], 7, 8, shape[3]) and np.isfinite(result).all()
            assert result.min() >= 0 and result.max() <= 255


def test_the_same_seed_gives_the_same_pictures_and_another_one_others():
    np.testing.assert_array_equal(changed(noise(), 1, **STRONG), changed(noise(), 1, **STRONG))
    assert np.abs(changed(noise(), 1, **STRONG) - changed(noise(), 2, **STRONG)).mean() > 5


def test_a_change_draws_the_same_whatever_else_is_switched_on():
    # Erasing is the last one: its rectangles lie in the same places.
    alone = changed(np.zeros((6, 10, 12, 3), np.uint8), erase=0.7)
    beside = changed(np.zeros((6, 10, 12, 3), np.uint8), erase=0.7, mirror=0.5, warp=0.1, saturation=0.5)
    np.testing.assert_array_equal(alone, beside)


def test_grey_pictures_have_brightness_and_contrast_and_no_colours():
    grey = noise((4, 8, 8, 1), 90, 160)
    for name in ("saturation", "hue", "pca_colour"):
        np.testing.assert_array_equal(changed(grey, **{name: 0.4}), grey)
    for name in ("brightness", "contrast"):
        result = changed(grey, **{name: 0.4})
        assert result.shape == grey.shape and np.abs(result - grey).mean() > 1
    # One number a picture is added by brightness.
    assert (changed(grey, brightness=0.3) - grey).std(axis=(1, 2, 3)).max() < 1e-3


def test_pca_colour_shifts_along_the_axes_by_its_deviation():
    images = np.full((3000, 1, 1, 3), 128, np.uint8)
    change = changed(images, pca_colour=0.1).reshape(-1, 3) - 128
    draws = change @ np.array(EIGENVECTORS) / EIGENVALUES / 255
    np.testing.assert_allclose(draws.std(axis=0), 0.1, rtol=0.06)


def test_a_warp_moves_no_pixel_farther_than_its_share():
    columns = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, None, :, None], (30, 20, 100, 1)).copy()
    moved = np.abs(changed(columns, warp=0.08, warp_cells=3) - columns)
    assert 4 < moved.max() <= 8 + 1e-3


def test_erased_rectangles_have_the_share_shape_and_frequency_asked_for():
    images = np.zeros((2000, 40, 50, 3), np.uint8)
    result = changed(images, erase=0.5, erase_area=(0.1, 0.2))
    assert result.dtype == np.uint8
    erased = (result > 0).any(axis=-1)
    touched = erased.any(axis=(1, 2))
    assert abs(touched.mean() - 0.5) < 0.04
    areas, ratios = [], []
    for mask, picture in zip(erased[touched], result[touched]):
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == rows * columns  # one whole rectangle
        assert len(np.unique(picture[mask], axis=0)) == 1  # of one colour
        areas.append(rows * columns / 2000)
        ratios.append(rows / columns)
    assert 0.09 < min(areas) < 0.11 and 0.19 < max(areas) < 0.21
    assert 0.25 < min(ratios) < 0.36 and 2.7 < max(ratios) < 3.9


def test_where_nothing_is_erased_pictures_stay_as_they_are():
    result = changed(noise((200, 10, 12, 3)), erase=0.4)
    same = (result == noise((200, 10, 12, 3))).all(axis=(1, 2, 3))
    assert 0.5 < same.mean() < 0.7


def mixed(images, seed=0, classes=None, **changes):
    shares = np.eye(classes or len(images), dtype=np.float32)[np.arange(len(images)) % (classes or len(images))]
    pair = mix_pictures(tf.constant(images), tf.constant(shares), tf.constant([seed, 0]), settings(**changes))
    return pair[0].numpy(), pair[1].numpy()


def test_no_mixing_hands_on_what_came():
    images, shares = tf.constant(noise()), tf.eye(6)
    assert mix_pictures(images, shares, tf.constant([0, 0]), settings()) == (images, shares)


def test_mixup_sums_each_picture_and_the_one_before_it_by_their_shares():
    images = noise((5, 4, 6, 3))
    result, shares = mixed(images, mixup=1.0)
    assert result.dtype == np.float32
    for k in range(5):
        kept = shares[k, k]
        assert 0 <= kept <= 1 and shares[k, k - 1] == pytest.approx(1 - kept, abs=1e-6)
        wanted = kept * images[k].astype(float) + (1 - kept) * images[k - 1]
        np.testing.assert_allclose(result[k], wanted, atol=1e-3)
    assert len(np.unique(np.diag(shares))) == 5


def test_cutmix_shares_are_the_areas_that_were_cut():
    # Every picture has one value of its own, so that areas can be counted.
    images = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None, None], (40, 9, 11, 1)).copy()
    result, shares = mixed(images, cutmix=1.0)
    assert result.dtype == np.uint8
    for k in range(40):
        own, other = result[k] == k, result[k] == (k - 1) % 40
        assert (own | other).all()
        assert shares[k, k] == pytest.approx(own.mean(), abs=1e-6)
        assert shares[k, k - 1] == pytest.approx(other.mean(), abs=1e-6)
        if other.any():  # one rectangle, and what is in it comes from the same place
            rows, columns = other[..., 0].any(1).sum(), other[..., 0].any(0).sum()
            assert rows * columns == other.sum()


def test_cut_rectangles_keep_the_proportions_of_the_picture_and_their_place():
    images = noise((200, 20, 40, 1))
    result, _ = mixed(images, cutmix=1.0)
    other = np.roll(images, 1, axis=0)
    np.testing.assert_array_equal(result[result != images], other[result != images])


@pytest.mark.parametrize("changes", [{"mixup": 0.2}, {"cutmix": 0.2}, {"mixup": 1.0, "cutmix": 1.0}, {"mixup": 1e-3}])
def test_shares_are_never_negative_and_their_sum_is_one(changes):
    for seed in range(6):
        result, shares = mixed(noise((32, 5, 7, 3)), seed, 10, **changes)
        assert np.isfinite(result).all() and result.min() >= 0 and result.max() <= 255
        assert shares.min() >= 0
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixups_shares_are_beta_distributed(alpha):
    _, shares = mixed(np.zeros((3000, 1, 1, 1), np.uint8), 1, None, mixup=alpha)
    kept = np.diag(shares)
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)).
    assert abs(kept.mean() - 0.5) < 0.03
    assert kept.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.08)


def test_with_both_some_batches_are_summed_and_the_others_cut():
    images = np.broadcast_to(np.array([10, 200], np.uint8)[:, None, None, None], (2, 16, 16, 1)).copy()
    summed = []
    for seed in range(60):
        result, _ = mixed(images, seed, mixup=1.0, cutmix=1.0)
        assert result.dtype == np.float32
        summed.append(np.isin(result, [10.0, 200.0]).mean() < 0.5)
    assert 15 < sum(summed) < 45


def test_a_batch_of_one_is_mixed_with_itself():
    for name in ("mixup", "cutmix"):
        result, shares = mixed(noise((1, 4, 4, 3)), **{name: 1.0})
        np.testing.assert_allclose(result, noise((1, 4, 4, 3)), atol=1e-3)
        np.testing.assert_allclose(shares, 1, atol=1e-6)


def test_everything_runs_in_the_input_pipeline():
    both = settings(mirror=0.5, shift=0.1, mixup=0.5, cutmix=0.5, **STRONG)

    def batch(number, images):
        seeds = tf.unstack(tf.random.split(tf.stack([tf.cast(7, tf.int64), number]), 2))
        views = augment_pictures(images, seeds[0], both, (8, 8))
        return mix_pictures(views, tf.eye(6), seeds[1], both)

    numbers = tf.data.Dataset.range(3)
    pictures = tf.data.Dataset.from_tensors(noise()).repeat(3)
    batches = list(tf.data.Dataset.zip((numbers, pictures)).map(batch, num_parallel_calls=2))
    assert [images.shape for images, _ in batches] == [(6, 8, 8, 3)] * 3
    np.testing.assert_allclose([shares.numpy().sum(axis=1) for _, shares in batches], 1, atol=1e-6)
