"""The pipeline: every picture, every box, the same again for the same seed, and no chance in validation."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.config_detection import Augmentation, Data, Training
from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.pipeline import (
    CROWD,
    evaluation_batches,
    examples,
    training_batches,
    truths_of,
)
from cnn_suite.data.boxes.synthetic import shape_pictures

STILL = Augmentation(
    mirror=0, scale=(1, 1), aspect=1, shift=0, mosaic=0, brightness=0, contrast=0, saturation=0, hue=0, keep_visible=0,
    close_mosaic_epochs=0,
)  # fmt: skip
JITTER = Augmentation(mosaic=0)
WILD = Augmentation(transpose=0.5, flip=0.5, mosaic=0.5, close_mosaic_epochs=0)


def picture_of(number=0, boxes=(), size_hw=(32, 32), crowd=None):
    """A picture of one grey level, which is its number."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return AnnotatedPicture(
        path=Path(f"{number}"),
        size_hw=size_hw,
        boxes=boxes,
        class_ids=np.arange(len(boxes), dtype=np.int32),
        crowd=np.zeros(len(boxes), bool) if crowd is None else np.array(crowd),
        source="test",
        pixels=np.full((*size_hw, 3), number, np.uint8),
    )


def numbered(count):
    return [picture_of(number, [[0.2, 0.2, 0.8, 0.8]]) for number in range(count)]


def boxes_of(count):
    """So many boxes, all different, none small."""
    x = np.linspace(0.05, 0.5, count)
    return np.stack([x, x, x + 0.4, x + 0.4], axis=1)


def batches(
    pictures,
    size_hw=(32, 32),
    *,
    epochs=1,
    first_epoch=0,
    seed=1,
    batch_size=4,
    augmentation=STILL,
    cache="memory",
    multi_scale=0.0,
    **training,
):
    data = Data(format="shapes", batch_size=batch_size, augmentation=augmentation, cache=cache)
    settings = Training(epochs=epochs, **training)
    options = {"seed": seed, "first_epoch": first_epoch, "multi_scale": multi_scale}
    made = training_batches(pictures, size_hw, data, settings, **options)
    return list(made.as_numpy_iterator())


def levels(made):
    """Number of every picture in the batches, in order."""
    return [int(round(image[16, 16, 0])) for images, _ in made for image in images]


# Truths


def test_truths_by_hand():
    picture = picture_of(0, [[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]], crowd=[False, True])
    np.testing.assert_allclose(truths_of(picture), [[0.1, 0.2, 0.3, 0.4, 0], [0, 0, 1, 1, CROWD]])
    difficult = replace(picture, crowd=np.zeros(2, bool), difficult=np.array([True, False]))
    assert truths_of(difficult)[:, 4].tolist() == [CROWD, 1]
    assert truths_of(picture_of()).shape == (0, 5)


def test_examples_come_in_order_from_memory_and_from_files(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    path = tmp_path / "a picture, with ä.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    on_disk = AnnotatedPicture(
        path, (20, 30), np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, bool), "a"
    )
    pictures = [picture_of(3, boxes_of(2)), on_disk, picture_of(4, boxes_of(40), (8, 50))]
    for cache in ("memory", "none"):
        found = list(examples(pictures, cache).as_numpy_iterator())
        np.testing.assert_array_equal(found[1][0], pixels)
        for picture, (image, truths) in zip(pictures, found):
            assert image.dtype == np.uint8 and image.shape == (*picture.size_hw, 3)
            np.testing.assert_array_equal(truths, truths_of(picture))


def test_no_pictures_are_refused():
    with pytest.raises(
        ValueError, match="`pictures` must contain at least one picture. Received none. Check the split names"
    ):
        examples([])


# Any number of boxes


@pytest.mark.parametrize("make", ["training", "evaluation"])
def test_a_batch_is_padded_to_its_own_largest_number_and_nothing_is_cut(make):
    pictures = [picture_of(k, boxes_of(count)) for k, count in enumerate((1, 40, 0, 7))]
    if make == "training":
        (images, truths), *rest = batches(pictures)
    else:
        (images, truths), *rest = evaluation_batches(examples(pictures), (32, 32), 4).as_numpy_iterator()
    assert not rest
    assert images.shape == (4, 32, 32, 3) and images.dtype == np.float32
    assert truths.shape == (4, 40, 5)
    for image, rows in zip(images, truths):
        picture = pictures[int(round(image[16, 16, 0]))]
        count = len(picture.boxes)
        np.testing.assert_allclose(rows[:count], truths_of(picture), atol=1e-5)
        assert (rows[count:] == -1).all()


def test_stretched_batches_fill_the_input_and_truths_keep_their_fractions():
    picture = picture_of(3, boxes_of(2), size_hw=(20, 60))
    ((images, truths),) = evaluation_batches(examples([picture]), (32, 32), 1, "stretch").as_numpy_iterator()
    assert (images == images[0, 0, 0]).all()  # of one colour, without grey
    np.testing.assert_allclose(truths[0], truths_of(picture), atol=1e-6)


@pytest.mark.parametrize("resize, shown", [("stretch", 1.0), ("letterbox", 0.5)])
def test_training_pictures_come_to_their_size_as_the_configuration_says(resize, shown):
    picture = picture_of(3, boxes_of(1), size_hw=(32, 64))
    data = Data(path="unused", resize=resize, batch_size=1, augmentation=STILL)
    training = Training(epochs=1, steps_per_epoch=1)
    ((images, truths),) = training_batches([picture], (64, 64), data, training, seed=0).as_numpy_iterator()
    np.testing.assert_allclose((images == 3).mean(), shown, atol=0.04)  # the rest is grey
    scale = truths[0, 0, 3] - truths[0, 0, 1], truths[0, 0, 2] - truths[0, 0, 0]
    box = picture.boxes[0]
    np.testing.assert_allclose(scale, [(box[3] - box[1]) * shown, box[2] - box[0]], atol=1e-5)


def test_two_hundred_boxes_of_one_picture_all_arrive():
    ((_, truths),) = batches([picture_of(0, boxes_of(200))], batch_size=1)
    assert truths.shape == (1, 200, 5)
    assert len(np.unique(truths[0, :, 0])) == 200


@pytest.mark.parametrize("augmentation", [STILL, WILD])
def test_pictures_without_boxes_make_batches_without_boxes(augmentation):
    for images, truths in batches([picture_of(k) for k in range(4)], epochs=2, augmentation=augmentation):
        assert images.shape == (4, 32, 32, 3)
        assert truths.shape == (4, 0, 5)


def test_crowds_go_through_as_crowds():
    ((_, truths),) = batches([picture_of(0, [[0.1, 0.1, 0.9, 0.9]], crowd=[True])], batch_size=1)
    np.testing.assert_allclose(truths, [[[0.1, 0.1, 0.9, 0.9, CROWD]]], atol=1e-6)


# Order


@pytest.mark.parametrize("augmentation", [STILL, STILL.model_copy(update={"mosaic": 1e-9})])
def test_every_pass_holds_every_picture_exactly_once(augmentation):
    # 10 pictures, batches of 4: an epoch has 2 batches, and 5 epochs are 4 passes over the pictures.
    seen = levels(batches(numbered(10), epochs=5, augmentation=augmentation))
    assert len(seen) == 40
    passes = [seen[k : k + 10] for k in range(0, 40, 10)]
    for one in passes:
        assert sorted(one) == list(range(10))
    assert len({tuple(one) for one in passes}) == 4  # each in an order of its own


@pytest.mark.parametrize(
    ("count", "batch_size", "steps", "expected"), [(10, 4, None, 2), (8, 4, None, 2), (3, 4, None, 1), (10, 4, 7, 7)]
)
def test_an_epoch_has_as_many_batches_as_it_should(count, batch_size, steps, expected):
    data, training = Data(format="shapes", batch_size=batch_size), Training(epochs=3, steps_per_epoch=steps)
    assert training.steps(count, data.batch_size) == expected
    made = batches(numbered(count), epochs=3, batch_size=batch_size, steps_per_epoch=steps)
    assert [len(images) for images, _ in made] == [batch_size] * 3 * expected


@pytest.mark.parametrize(("first_epoch", "steps", "augmentation"), [(1, None, WILD), (2, 3, JITTER), (3, 1, JITTER)])
def test_a_resumed_training_sees_the_batches_of_the_whole_one(first_epoch, steps, augmentation):
    pictures = shape_pictures(10, (40, 48))
    options = dict(epochs=4, augmentation=augmentation, multi_scale=0.4, steps_per_epoch=steps)
    whole = batches(pictures, (64, 96), **options)
    rest = batches(pictures, (64, 96), first_epoch=first_epoch, **options)
    assert len(whole) == 4 * (steps or 2)
    assert len(rest) == len(whole) - first_epoch * (steps or 2)
    for (images, truths), (again, truths_again) in zip(whole[-len(rest) :], rest):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(truths, truths_again)


def test_another_seed_gives_another_order_and_other_pictures():
    pictures = shape_pictures(8, (32, 32))
    first, again, other = (batches(pictures, seed=seed, augmentation=JITTER) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0][0], again[0][0])
    assert abs(first[0][0] - other[0][0]).mean() > 5
    assert levels(batches(numbered(8), seed=1)) != levels(batches(numbered(8), seed=2))


@pytest.mark.parametrize("global_seed", [0, 1, 99])
def test_the_order_follows_from_its_own_seed_whatever_the_global_one(global_seed):
    # A seed of 0 is the default of a configuration, and TensorFlow's shuffle fails under it if its own is a tensor.
    wanted = levels(batches(numbered(8), epochs=2))
    tf.random.set_seed(global_seed)
    before = float(tf.random.uniform([]))
    tf.random.set_seed(global_seed)
    assert levels(batches(numbered(8), epochs=2)) == wanted
    assert float(tf.random.uniform([])) == before  # and it leaves the global one alone


def test_no_two_pictures_of_an_epoch_are_augmented_alike():
    pictures = [picture_of(0, [[0.2, 0.2, 0.8, 0.8]])] * 8
    augmentation = STILL.model_copy(update={"scale": (0.5, 0.9)})
    truths = np.concatenate([truths[:, 0, 0] for _, truths in batches(pictures, epochs=2, augmentation=augmentation)])
    assert len(np.unique(truths)) == 16


@pytest.mark.parametrize("augmentation", [JITTER, WILD])
def test_pictures_that_are_not_kept_in_memory_make_the_same_batches(augmentation):
    kept, fresh = (batches(numbered(6), epochs=2, augmentation=augmentation, cache=c) for c in ("memory", "none"))
    for (images, truths), (others, other_truths) in zip(kept, fresh, strict=True):
        np.testing.assert_array_equal(images, others)
        np.testing.assert_array_equal(truths, other_truths)


# Mosaic and multi-scale


def test_mosaics_end_before_the_last_epochs():
    # Sharp pictures of one level each: a mosaic shows several levels, a single one shows one.
    augmentation = STILL.model_copy(update={"mosaic": 1.0, "close_mosaic_epochs": 2})
    made = batches(numbered(8), epochs=4, augmentation=augmentation, steps_per_epoch=3)
    single = [len(np.unique(image)) == 1 for images, _ in made for image in images]
    assert np.mean(single[:24]) < 0.3
    assert all(single[24:])


def test_multi_scale_sizes_are_multiples_of_32_and_one_for_each_batch():
    made = batches(shape_pictures(6), (128, 160), epochs=30, multi_scale=0.5, augmentation=JITTER, batch_size=4)
    sizes = [images.shape[1:3] for images, _ in made]
    assert all(side % 32 == 0 for size in sizes for side in size)
    assert all(64 <= height <= 192 and 80 - 16 <= width <= 240 + 16 for height, width in sizes)
    assert len(set(sizes)) >= 4
    # Every picture fills the canvas of its batch: padding would be black all over, which no shapes picture is.
    for images, truths in made:
        assert (images[:, -4:].reshape(len(images), -1).max(axis=1) > 0).all()
        assert truths[..., :4].max() <= 1


def test_multi_scale_never_falls_below_one_cell():
    made = batches(numbered(4), (32, 32), epochs=5, multi_scale=0.9)
    assert min(min(images.shape[1:3]) for images, _ in made) == 32


def test_without_multi_scale_every_batch_has_the_size_asked_for():
    assert {images.shape for images, _ in batches(numbered(4), (64, 96), epochs=3)} == {(4, 64, 96, 3)}


# Validation


def test_validation_has_no_chance_in_it():
    pictures = shape_pictures(7, (50, 70))
    made = [list(evaluation_batches(examples(pictures), (64, 64), 3).as_numpy_iterator()) for _ in range(2)]
    assert [len(images) for images, _ in made[0]] == [3, 3, 1]
    tf.random.set_seed(99)
    made.append(list(evaluation_batches(examples(pictures), (64, 64), 3).as_numpy_iterator()))
    for one, two, three in zip(*made):
        for a, b, c in zip(one, two, three):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(a, c)


def test_validation_keeps_order_and_letterboxes_pictures_and_boxes():
    # 32 x 64 on 64 x 64: grey above and below, boxes squeezed into the middle half.
    pictures = [picture_of(k, [[0.0, 0.0, 0.5, 1.0]], (32, 64)) for k in range(5)]
    found = list(evaluation_batches(examples(pictures), (64, 64), 2).as_numpy_iterator())
    images = np.concatenate([images for images, _ in found])
    assert images[:, 32, 32, 0].tolist() == [0, 1, 2, 3, 4]
    assert (images[:, :16] == 114).all() and (images[:, 48:] == 114).all()
    for _, truths in found:
        np.testing.assert_allclose(truths[:, 0], [[0, 0.25, 0.5, 0.75, 0]] * len(truths), atol=1e-6)
