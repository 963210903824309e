"""From labelled pictures to batches: sizes, order, resuming, weights, and evaluation."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_classification import Data
from cnn_suite.data.classes.labelled import LabelledPictures, of_arrays
from cnn_suite.data.classes.labelled_pipeline import evaluation_batches, gatherer, kept_size, training_batches
from cnn_suite.data.picture_resize import resized

OFF = {"mirror": 0.0, "shift": 0.0}
STRONG = {"mirror": 0.5, "shift": 0.2, "rotation_deg": 20.0, "hue": 0.1, "erase": 0.5, "mixup": 0.4, "cutmix": 1.0}


def data(augmentation=None, **changes):
    return Data(**{"path": "-", "batch_size": 4, "augmentation": {**OFF, **(augmentation or {})}, **changes})


def numbered(count, size_hw=(6, 6), classes=3):
    """Pictures of one value each, by which they are known again."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, *size_hw, 3)).copy()
    return of_arrays(images, np.arange(count) % classes, "set")


def noise(count=10, size_hw=(6, 6)):
    images = np.random.default_rng(0).integers(0, 256, (count, *size_hw, 3), np.uint8)
    return of_arrays(images, np.arange(count) % 3, "set")


def training(pictures, settings, *, size_hw=(6, 6), channels=3, seed=1, steps=3, epochs=4, **options):
    options = {"seed": seed, "steps_per_epoch": steps, "epochs": epochs, **options}
    batches = training_batches(pictures, 3, size_hw, channels, settings, **options)
    return [tuple(part.numpy() for part in batch) for batch in batches]


def order_of(batches):
    return np.concatenate([batch[0][:, 0, 0, 0] for batch in batches]).astype(int).tolist()


def test_every_picture_comes_once_a_pass_in_an_order_of_its_own():
    # 10 pictures, batches of 4: a pass is two and a half batches, and a batch may span two passes.
    order = order_of(training(numbered(10), data(), steps=5, epochs=4))
    passes = [order[k : k + 10] for k in range(0, 80, 10)]
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert len({tuple(one) for one in passes}) == 8


def test_there_are_as_many_full_batches_as_asked_for():
    batches = training(numbered(10), data(), steps=3, epochs=4)
    assert len(batches) == 12
    assert all(images.shape == (4, 6, 6, 3) and shares.shape == (4, 3) for images, shares in batches)


def test_a_data_set_smaller_than_a_batch_fills_it_by_passing_again():
    batches = training(numbered(3), data(), steps=1, epochs=3)
    assert sorted(order_of(batches)) == sorted([0, 1, 2] * 4)


def test_classes_stay_with_their_pictures():
    for images, shares in training(numbered(10), data()):
        assert images.dtype == np.uint8 and shares.dtype == np.float32
        np.testing.assert_array_equal(shares, np.eye(3)[images[:, 0, 0, 0] % 3])


def same(first, second):
    return len(first) == len(second) and all(
        len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b)) for a, b in zip(first, second)
    )


def test_the_same_seed_gives_the_same_batches_and_another_one_others():
    some = {"mirror": 0.5, "shift": 0.2, "erase": 0.5, "mixup": 0.4}
    made = [training(noise(), data(some), seed=seed) for seed in (1, 1, 2)]
    assert same(made[0], made[1]) and not same(made[0], made[2])


def goes_on_alike(augmentation):
    whole = training(noise(), data(augmentation))
    return all(same(whole[3 * k :], training(noise(), data(augmentation), first_epoch=k)) for k in (1, 3))


def test_an_interrupted_training_goes_on_with_the_batches_it_would_have_had():
    assert goes_on_alike({}) and goes_on_alike({"mirror": 0.5, "shift": 0.2, "cutmix": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", [STRONG, {"rand_augment": 2, "warp": 0.1, "pca_colour": 0.2}])
def test_an_interrupted_training_goes_on_alike_with_every_change(augmentation):
    assert goes_on_alike(augmentation)


def test_two_epochs_do_not_repeat_the_same_changes():
    one = of_arrays(np.random.default_rng(0).integers(0, 256, (1, 12, 12, 3), np.uint8), np.array([0]), "one")
    batches = training(one, data({"shift": 0.4}, batch_size=8), size_hw=(12, 12), steps=1, epochs=4)
    assert len({picture.tobytes() for images, _ in batches for picture in images}) > 20


def test_memory_and_no_cache_give_the_same():
    some = {"mirror": 0.5, "shift": 0.2, "erase": 0.5}
    assert same(training(noise(), data(some)), training(noise(), data(some, cache="none")))
    kept, fresh = (evaluation_batches(noise(), 3, (6, 6), 3, data(cache=cache)) for cache in ("memory", "none"))
    assert same([tuple(p.numpy() for p in b) for b in kept], [tuple(p.numpy() for p in b) for b in fresh])


def counted(pictures):
    """The same pictures, and how often each has been decoded."""
    times = np.zeros(len(pictures), int)

    def load(index):
        times[index] += 1
        return pictures.load(index)

    return LabelledPictures(pictures.names, pictures.class_ids, load, pictures.content), times


def test_with_cache_every_picture_is_decoded_once():
    pictures, times = counted(noise())
    training(pictures, data(), steps=5, epochs=4)
    assert times.tolist() == [1] * 10


def test_without_cache_pictures_are_decoded_as_they_come():
    pictures, times = counted(noise())
    training(pictures, data(cache="none"), steps=5, epochs=4)
    assert times.tolist() == [8] * 10  # 20 batches of 4 are 8 passes, and no picture beyond them


def test_with_augmentation_in_the_model_pictures_come_as_they_are_kept_but_mixed():
    settings = data({"mirror": 1.0, "hue": 0.5}, augment_in="model", margin=1.5)
    pictures = noise(10, (9, 9))
    known = {pictures.load(k).tobytes() for k in range(10)}
    for images, _ in training(pictures, settings):
        assert images.shape == (4, 9, 9, 3) and all(image.tobytes() in known for image in images)
    shares = np.concatenate([batch[1] for batch in training(noise(), data({"mixup": 1.0}, augment_in="model"))])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (shares.max(axis=1) < 0.99).any()


def test_a_margin_gives_room_for_whole_shifts():
    # Kept at 9 pixels for views of 6: a shift of a pixel and a half is two, and one stays on the longer side.
    assert kept_size((6, 8), 1.5) == (9, 12)
    column = np.arange(9, dtype=np.uint8)
    pictures = of_arrays(np.broadcast_to(column[None, None, :, None], (4, 9, 9, 3)).copy(), np.zeros(4, int), "set")
    starts = {
        int(image[0, 0, 0])
        for images, _ in training(pictures, data({"shift": 0.167}, margin=1.5), steps=10)
        for image in images
    }
    assert starts == {0, 1, 2}


def test_evaluation_goes_once_through_all_pictures_in_order_without_any_chance():
    batches = list(evaluation_batches(numbered(10, (9, 9)), 3, (6, 6), 3, data(STRONG, margin=1.5)))
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    assert order_of([tuple(part.numpy() for part in batch) for batch in batches]) == list(range(10))
    shares = np.concatenate([shares.numpy() for _, shares in batches])
    np.testing.assert_array_equal(shares, np.eye(3)[np.arange(10) % 3])


def test_evaluation_shows_the_middle_of_what_is_kept():
    pictures = noise(2, (9, 9))
    images = next(iter(evaluation_batches(pictures, 3, (6, 6), 3, data(margin=1.5))))[0].numpy()
    np.testing.assert_array_equal(images[1], pictures.load(1)[1:7, 1:7])


def photo(size_hw=(40, 60), channels=3):
    image = np.random.default_rng(3).uniform(0, 255, (*size_hw, channels)).astype(np.float32)
    return cv2.GaussianBlur(image, (0, 0), 2).reshape(*size_hw, channels).astype(np.uint8)


def test_a_picture_of_the_right_size_is_not_touched():
    for how in ("crop", "stretch", "letterbox"):
        np.testing.assert_array_equal(resized(photo(), (40, 60), how, 3), photo())


def test_crop_fills_the_size_and_cuts_both_ends_alike():
    # Of 40 x 60 the middle 40 x 40, columns 10 to 50, comes to 20 x 20.
    wanted = cv2.resize(photo()[:, 10:50], (20, 20), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resized(photo(), (20, 20), "crop", 3), wanted)


def test_stretch_shows_everything_out_of_proportion():
    wanted = cv2.resize(photo(), (20, 20), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resized(photo(), (20, 20), "stretch", 3), wanted)


def test_letterbox_shows_everything_in_proportion_on_grey():
    # 40 x 60 to 30 x 30: 20 x 30 with five rows of grey above and below.
    result = resized(photo(), (30, 30), "letterbox", 3)
    np.testing.assert_array_equal(result[5:25], cv2.resize(photo(), (30, 20), interpolation=cv2.INTER_LINEAR))
    assert (result[:5] == 114).all() and (result[25:] == 114).all()


@pytest.mark.parametrize("how", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 300), (300, 1), (7, 5), (33, 200)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_comes_to_any_size(how, size_hw, channels):
    for wanted in ((1, 1), (7, 5), (32, 32), (5, 64)):
        result = resized(photo(size_hw, channels), wanted, how, channels)
        assert result.shape == (*wanted, channels) and result.dtype == np.uint8


def test_grey_becomes_rgb_of_three_equal_channels_and_rgb_becomes_luma():
    grey = photo(channels=1)
    np.testing.assert_array_equal(resized(grey, (40, 60), "crop", 3), grey.repeat(3, axis=2))
    luma = photo() @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(resized(photo(), (40, 60), "crop", 1)[..., 0], luma, atol=1)
    np.testing.assert_array_equal(resized(grey.repeat(3, axis=2), (40, 60), "crop", 1), grey)


def test_pictures_of_different_sizes_and_kinds_share_a_batch():
    kinds = [photo((20, 30)), photo((9, 9), 1), photo((6, 8))]
    pictures = LabelledPictures(["a", "b", "c"], np.array([0, 1, 2], np.int32), kinds.__getitem__, lambda i: b"")
    for cache in ("memory", "none"):
        images = gatherer(pictures, (6, 8), data(cache=cache), 3)(tf.constant([2, 0, 1, 2]))
        assert images.shape == (4, 6, 8, 3) and images.dtype == tf.uint8
        np.testing.assert_array_equal(images[0], kinds[2])
        np.testing.assert_array_equal(images[1], resized(kinds[0], (6, 8), "crop", 3))


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_grey_networks_get_one_channel(cache):
    for images, _ in training(noise(), data({"mirror": 0.5, "contrast": 0.2}, cache=cache), channels=1):
        assert images.shape == (4, 6, 6, 1)
    for images, _ in evaluation_batches(noise(), 3, (6, 6), 1, data(cache=cache)):
        assert images.shape[1:] == (6, 6, 1)
