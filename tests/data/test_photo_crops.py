"""Random squares of photographs: where they lie, how large they are, what chance may do, and what is refused."""

import importlib.util
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cnn_suite.data.generated_batches import evaluation_batches, training_batches
from cnn_suite.data.photo_crops import PhotoCrops, read_photos
from cnn_suite.runtime.media.frames import SourceError

WHOLE = SimpleNamespace(scale=(1.0, 1.0), mosaic=False, collage=0.0)
MOSAIC = SimpleNamespace(scale=(1.0, 1.0), mosaic=True, collage=0.0)


def slope(size_hw=(40, 60), blue=0):
    """A photograph whose red is the row and whose green the column."""
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]]
    return np.stack([rows, columns, np.full(size_hw, blue)], axis=-1).astype(np.uint8)


def scaled(*scale):
    return SimpleNamespace(scale=scale, mosaic=False, collage=0.0)


def collage(share):
    return SimpleNamespace(scale=(1.0, 1.0), mosaic=False, collage=share)


def drawn(crops, count=200, settings=WHOLE):
    return [crops.random(0, np.random.default_rng(seed), settings)[0] for seed in range(count)]


def write(folder, name, photo):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))


# 40 x 60: rows all, columns 10 to 49.
def test_a_still_square_is_the_middle():
    square, target = PhotoCrops([[slope()]], 40).still(0)
    assert square.shape == (40, 40, 3) and square.dtype == np.uint8 and target == 0
    np.testing.assert_array_equal(square, slope()[:, 10:50])


def test_squares_have_the_size_asked_for_whatever_the_photograph():
    crops = PhotoCrops([[slope((17, 90)), slope((200, 33)), slope((24, 24))]], 24)
    assert len(crops) == 3
    assert {crops.still(number)[0].shape for number in range(3)} == {(24, 24, 3)}
    assert {square.shape for square in drawn(crops, 20, scaled(0.3, 1.0))} == {(24, 24, 3)}


def test_random_squares_are_parts_of_the_photograph_mirrored_half_of_the_time():
    mirrored, starts = [], set()
    for square in drawn(PhotoCrops([[slope()]], 40)):
        columns = square[0, :, 1].astype(int)
        mirrored.append(columns[0] > columns[-1])
        upright = square[:, ::-1] if mirrored[-1] else square
        left = int(upright[0, 0, 1])
        starts.add(left)
        np.testing.assert_array_equal(upright, slope()[:, left : left + 40])
    assert 0.35 < np.mean(mirrored) < 0.65
    assert min(starts) == 0 and max(starts) == 20 and len(starts) > 15


# A square of half the side has half the rows: of 0..39 it spans about 20.
def test_the_scale_is_the_side_in_smaller_sides():
    squares = drawn(PhotoCrops([[slope()]], 20), 50, scaled(0.5, 0.5))
    assert {int(np.ptp(square[:, 0, 0])) for square in squares} == {19}
    spans = [np.ptp(s[:, 0, 0]) for s in drawn(PhotoCrops([[slope()]], 64), 100, scaled(0.25, 1.0))]
    assert min(spans) < 14 and max(spans) > 34


def test_every_folder_is_drawn_from_equally_often_and_empty_ones_are_left_out():
    many, one = [slope(blue=1)] * 9, [slope(blue=200)]
    crops = PhotoCrops([many, [], one], 16)
    assert len(crops) == 10
    share = np.mean([square[0, 0, 2] > 100 for square in drawn(crops)])
    assert 0.4 < share < 0.6


def test_a_folder_that_is_given_twice_is_drawn_from_twice_as_often_and_counted_once():
    dark, bright = [slope(blue=1)] * 3, [slope(blue=200)]
    crops = PhotoCrops([bright, dark, bright], 16)
    assert len(crops) == 4
    share = np.mean([square[0, 0, 2] > 100 for square in drawn(crops, 300)])
    assert 0.57 < share < 0.77


# 40 pixels of 20 are two squares a side, of which each is a photograph whole: its red is the row within it.
def test_small_photographs_of_one_folder_are_joined_instead_of_enlarged():
    crops = PhotoCrops([[slope((20, 20), blue) for blue in range(40)], [slope((20, 20), blue=200)]], 40)
    seen = set()
    for square in drawn(crops, 40, MOSAIC):
        cells = [square[top : top + 20, left : left + 20] for top in (0, 20) for left in (0, 20)]
        for cell in cells:
            np.testing.assert_array_equal(cell[..., 0], np.arange(20)[:, None].repeat(20, axis=1))
        blues = {int(cell[0, 0, 2]) for cell in cells}
        assert blues == {200} or max(blues) < 40
        seen |= blues
    assert len(seen) > 20 and 200 in seen


# 41 pixels of 20 are three squares a side, of 14 pixels, of which the last ones are cut by one.
def test_squares_that_do_not_fill_the_crop_exactly_are_cut_and_large_photographs_stay_alone():
    small, large = (drawn(PhotoCrops([[slope(size)]], 41), 3, MOSAIC) for size in ((20, 30), (41, 50)))
    for square in small:
        assert square.shape == (41, 41, 3)
        for top, rows in ((0, 14), (14, 14), (28, 13)):
            part = square[top : top + rows, :, 0].astype(int)
            assert np.ptp(part) > 15 and (np.diff(part, axis=0) >= 0).all()
    for square in large:
        np.testing.assert_array_equal(square[:, 0, 0], np.arange(41))


def test_a_part_of_the_squares_gets_pieces_of_all_folders_glued_on():
    crops = PhotoCrops([[slope(blue=blue)] for blue in (50, 100, 200)], 40)
    blues = [set(np.unique(s[..., 2])) & {50, 100, 200} for s in drawn(crops, 100, collage(0.6))]
    assert 0.4 < np.mean([len(found) > 1 for found in blues]) < 0.8
    assert {50, 100, 200} in blues
    alone, with_pieces = (crops.random(0, np.random.default_rng(0), settings)[0] for settings in (WHOLE, collage(1.0)))
    assert 0.05 < np.mean(alone == with_pieces) < 1  # the same square lies below
    assert {len(set(np.unique(s[..., 2]))) for s in drawn(crops, 20, collage(0.0))} == {1}


def test_the_same_chance_gives_the_same_square():
    crops = PhotoCrops([[slope()]], 16)
    first, again = (crops.random(n, np.random.default_rng(3), scaled(0.2, 1.0))[0] for n in (0, 7))
    np.testing.assert_array_equal(first, again)


def test_batches_of_them_are_what_fit_takes():
    crops = PhotoCrops([[slope(), slope((50, 50))]], 16)
    batches = list(training_batches(crops, WHOLE, 4, seed=0, first=0, last=8))
    assert [images.shape for images, _ in batches] == [(4, 16, 16, 3)] * 2
    assert batches[0][0].dtype == "float32"
    assert [images.shape for images, _ in evaluation_batches(crops, 1)] == [(1, 16, 16, 3)] * 2


def test_photographs_are_read_from_sub_folders_and_small_ones_left_out(tmp_path):
    write(tmp_path, "a/one.png", slope((40, 60), 5))
    write(tmp_path, "b/two.png", slope((39, 60), 6))
    write(tmp_path, "three.png", slope((41, 40), 7))
    (tmp_path / "notes.txt").write_text("no picture")
    found = read_photos(str(tmp_path), 40)
    assert [photo[0, 0, 2] for photo in found] == [5, 7]
    np.testing.assert_array_equal(found[0], slope((40, 60), 5))


def test_what_is_no_folder_of_photographs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"The folder of photographs {tmp_path}/none does not exist"):
        read_photos(str(tmp_path / "none"), 16)
    with pytest.raises(FileNotFoundError, match="contains no photographs with sides of at least 16 pixels"):
        read_photos(str(tmp_path), 16)
    write(tmp_path, "small.png", slope((15, 60)))
    with pytest.raises(FileNotFoundError, match=f"{tmp_path} contains no photographs with sides of at least 16 pixels"):
        read_photos(str(tmp_path), 16)


def test_scikit_images_photographs_are_found_without_importing_it():
    pytest.importorskip("skimage", reason="scikit-image is not installed: pip install 'cnn_suite[demo]'")
    found = read_photos("scikit-image", 96)
    assert len(found) == 12
    assert all(photo.ndim == 3 and photo.dtype == np.uint8 and min(photo.shape[:2]) >= 96 for photo in found)


def test_without_scikit_image_the_line_to_type_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"scikit-image, which is not installed. Run: pip install"):
        read_photos("scikit-image", 96)
