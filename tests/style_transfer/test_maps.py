"""Windows in feature maps: put together, what the windows own is what the whole picture has."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.style_transfer.maps import Maps
from tests.small_perception import FORMS, small_perception

SIZE_HW = (75, 98)
PHOTO = np.random.default_rng(0).uniform(0, 255, (*SIZE_HW, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=FORMS)
def seen(request):
    return small_perception(request.param)


def together(maps, parts):
    """Parts of windows `(1, height, width, ...)`, row by row of windows."""
    rows = {}
    for window, part in zip(maps.windows, parts):
        rows.setdefault(window.rows.own_start, []).append(np.asarray(part))
    return np.concatenate([np.concatenate(row, 2) for row in rows.values()], 1)


def test_a_picture_in_one_piece_owns_all_positions(seen):
    maps = Maps(seen, SIZE_HW)
    features = seen.features(tf.constant(PHOTO[None]))
    assert len(maps.windows) == 1
    for name, bounds in maps.bounds[0].items():
        assert bounds.numpy().tolist() == [0, features[name].shape[1], 0, features[name].shape[2]]
    np.testing.assert_array_equal(maps.cut(PHOTO[None], maps.windows[0]), PHOTO[None])


def test_the_windows_features_are_those_of_the_whole_picture(seen):
    maps, picture = Maps(seen, SIZE_HW, 12), tf.constant(PHOTO[None])
    whole = seen.features(picture)
    assert len(maps.windows) > 3
    own = [maps.own(maps.cut(picture, window), bounds) for window, bounds in zip(maps.windows, maps.bounds)]
    for name, expected in whole.items():
        np.testing.assert_allclose(together(maps, [each[name] for each in own]), expected, atol=1e-5)
    contents = maps.contents(PHOTO)
    assert all(set(each) == {"last"} for each in contents)
    np.testing.assert_allclose(together(maps, [each["last"] for each in contents]), whole["last"], atol=1e-5)


@pytest.mark.parametrize("tile", [0, 12])
def test_the_windows_masks_are_that_of_the_whole_picture(seen, tile):
    mask = np.random.default_rng(1).uniform(0, 1, SIZE_HW).astype(np.float32)
    maps = Maps(seen, SIZE_HW, tile)
    areas, parts = maps.masks(mask)
    for name, features in seen.features(tf.constant(PHOTO[None])).items():
        expected = cv2.resize(mask, features.shape[2:0:-1], interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(together(maps, [part[name] for part in parts])[0], expected)
        assert areas[name] == pytest.approx(expected.sum(), rel=1e-5)


def test_without_a_mask_the_area_is_the_number_of_positions(seen):
    areas, parts = Maps(seen, SIZE_HW, 12).masks(None)
    features = seen.features(tf.constant(PHOTO[None]))
    assert areas == {name: x.shape[1] * x.shape[2] for name, x in features.items()}
    assert not any(parts)


def test_what_does_not_fit_is_refused(seen):
    with pytest.raises(ValueError, match="sides of at least 12 pixels for small_.*. Received 60 x 11"):
        Maps(seen, (11, 60))
    maps = Maps(seen, SIZE_HW)
    with pytest.raises(ValueError, match="A mask must have the size of the picture, 98 x 75. Received 97 x 75"):
        maps.masks(np.ones((75, 97), np.float32))
    with pytest.raises(ValueError, match="A mask must not be completely black"):
        maps.masks(np.zeros(SIZE_HW, np.float32))
