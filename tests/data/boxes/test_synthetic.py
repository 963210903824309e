"""The shapes set: exact boxes, seeds, limits."""

import numpy as np
import pytest

from cnn_suite.data.boxes import synthetic
from cnn_suite.data.boxes.statistics import class_histogram
from cnn_suite.data.boxes.synthetic import SHAPES, shape_pictures, shapes_data
from cnn_suite.data.picture_files import load_pixels


@pytest.fixture(scope="module")
def pictures():
    return shape_pictures(60, (72, 96), seed=5, objects=(0, 5))


def test_pictures_have_pixels_of_their_size_and_valid_boxes(pictures):
    for picture in pictures:
        assert load_pixels(picture) is picture.pixels
        assert picture.size_hw == (72, 96) and picture.pixels.shape == (72, 96, 3)
        assert picture.boxes.dtype == np.float32 and picture.class_ids.dtype == np.int32
        assert (picture.boxes >= 0).all() and (picture.boxes <= 1).all()
        assert ((picture.boxes[:, 2:] - picture.boxes[:, :2]) > 0.05).all()
        assert not picture.crowd.any()
        assert len(picture.boxes) <= 5
        np.testing.assert_allclose(picture.boxes_px, np.round(picture.boxes_px), atol=1e-4)  # whole pixels


def test_all_classes_occur_and_pictures_without_a_shape_as_well(pictures):
    counts = class_histogram({"train": pictures}, SHAPES)["train"]
    assert min(counts.values()) > 20
    assert any(len(picture.boxes) == 0 for picture in pictures)


def test_boxes_are_exact(monkeypatch):
    # Shapes painted in pure white on black, without noise: the box is the extent of the white pixels.
    monkeypatch.setattr(synthetic, "_background", lambda size_hw, generator: np.zeros((*size_hw, 3), np.float32))
    monkeypatch.setattr(synthetic, "_paint", lambda image, mask, generator: image.__setitem__(mask, 255))
    for picture in shape_pictures(40, (64, 80), seed=2, objects=(1, 1)):
        white = picture.pixels.mean(axis=-1) > 127
        rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
        extent = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(picture.boxes_px[0], extent, atol=1e-4)


def test_shapes_hide_little_of_one_another(monkeypatch):
    # Each shape is painted in a grey of its own, so that what is left of it can be counted.
    painted = []

    def paint(image, mask, generator):
        painted.append(mask)
        image[mask] = 20 * len(painted)

    monkeypatch.setattr(synthetic, "_paint", paint)
    for number in range(20):
        painted.clear()
        shape_pictures(1, (64, 64), seed=number, objects=(6, 6))
        assert painted
        for index, mask in enumerate(painted):
            later = np.logical_or.reduce([np.zeros_like(mask), *painted[index + 1 :]])
            assert (mask & later).sum() <= 0.2 * mask.sum()


def test_shapes_stand_out_from_what_is_behind_them(pictures):
    for picture in pictures:
        for box in picture.boxes_px.astype(int):
            inside = picture.pixels[box[1] : box[3], box[0] : box[2]].reshape(-1, 3).astype(float)
            assert inside.std(axis=0).max() > 5


def test_the_same_seed_gives_the_same_pictures_and_another_one_others(pictures):
    again = shape_pictures(60, (72, 96), seed=5, objects=(0, 5))
    for first, second in zip(pictures, again):
        np.testing.assert_array_equal(first.pixels, second.pixels)
        np.testing.assert_array_equal(first.boxes, second.boxes)
    other = shape_pictures(1, (72, 96), seed=6, objects=(0, 5))[0]
    assert (other.pixels != pictures[0].pixels).mean() > 0.5


def test_more_pictures_leave_the_first_ones_as_they_were(pictures):
    np.testing.assert_array_equal(shape_pictures(3, (72, 96), seed=5, objects=(0, 5))[2].pixels, pictures[2].pixels)


def test_splits_share_neither_pictures_nor_paths():
    data = shapes_data({"train": 4, "val": 3, "test": 0}, (64, 64), seed=1)
    assert data.labels == ("circle", "rectangle", "triangle")
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [4, 3, 0]
    assert data.checked() is data
    everything = data.pictures(("train", "val"))
    assert len({picture.path for picture in everything}) == 7
    assert len({picture.pixels.tobytes() for picture in everything}) == 7


def test_a_small_picture_asked_for_many_shapes_takes_what_fits():
    picture = shape_pictures(1, (32, 32), objects=(40, 40))[0]
    assert 1 <= len(picture.boxes) < 40


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"count": -1}, "`count` must be at least 0. Received -1."),
        ({"count": 1, "size_hw": (31, 64)}, r"`size_hw` must be at least 32 per side\. Received \(31, 64\)."),
        ({"count": 1, "objects": (3, 2)}, r"minimum and maximum number, in this order\. Received \(3, 2\)."),
        ({"count": 1, "objects": (-1, 2)}, r"Received \(-1, 2\)."),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        shape_pictures(**arguments)
