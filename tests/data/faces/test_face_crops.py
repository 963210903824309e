"""Crops of faces: the targets lie on the drawn points, whatever chance does."""

import numpy as np
import pytest

from cnn_suite.config_landmarks import Augmentation
from cnn_suite.data.faces.face_crops import FaceCrops
from cnn_suite.data.faces.landmarked_faces import read_landmarked_faces
from tests.drawn_faces import people_of, write_faces

STILL = Augmentation(
    mirror=0, scale=(1, 1), shift=0, rotation_deg=0, brightness=0, contrast=0, blur=0, grey=0, no_face=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder = write_faces(tmp_path_factory.mktemp("crops") / "faces", people_of("train", 3), 2)
    return FaceCrops(read_landmarked_faces(folder), 64)


def colour_at(image, point):
    x, y = np.clip(np.rint(point * 64 - 0.5).astype(int), 0, 63)
    return image[y, x].astype(int)


def test_a_still_crop_has_its_points_on_eyes_and_mouth(crops):
    for number in range(len(crops)):
        image, target = crops.still(number)
        assert image.shape == (64, 64, 3) and target.shape == (11,) and target[0] == 1
        right, left = (colour_at(image, target[1 + 2 * i : 3 + 2 * i]) for i in (0, 1))
        assert abs(right - left).max() < 25  # one person's eyes are of one colour


def test_without_chance_a_random_crop_is_the_still_one(crops):
    image, target = crops.random(1, np.random.default_rng(0), STILL)
    np.testing.assert_array_equal(image, crops.still(1)[0])
    np.testing.assert_allclose(target, crops.still(1)[1], atol=1e-6)


def test_a_mirrored_crop_has_its_points_mirrored_and_exchanged(crops):
    image, target = crops.random(1, np.random.default_rng(0), STILL.model_copy(update={"mirror": 1.0}))
    still, points = crops.still(1)
    np.testing.assert_array_equal(image, still[:, ::-1])
    np.testing.assert_allclose(target[1:3], [1 - points[3], points[4]], atol=1e-6)  # its right eye was the left one
    assert target[1] < target[3]


@pytest.mark.parametrize("seed", range(8))
def test_points_move_with_the_pixels(crops, seed):
    moving = STILL.model_copy(update={"scale": (0.8, 1.25), "shift": 0.1, "rotation_deg": 30.0, "mirror": 0.5})
    image, target = crops.random(2, np.random.default_rng(seed), moving)
    still, points = crops.still(2)
    for i in (0, 1):
        there, here = colour_at(still, points[1 + 2 * i : 3 + 2 * i]), colour_at(image, target[1 + 2 * i : 3 + 2 * i])
        assert abs(there - here).max() < 40


def test_a_crop_beside_the_face_loses_its_colours_as_a_face_does(crops):
    image, _ = crops.random(0, np.random.default_rng(0), STILL.model_copy(update={"no_face": 1.0, "grey": 1.0}))
    assert np.ptp(image, axis=2).max() == 0 < image.std()  # or colours would tell what is a face


def test_a_crop_beside_the_face_says_so(crops):
    targets = [crops.random(0, np.random.default_rng(seed), Augmentation(no_face=0.5))[1] for seed in range(40)]
    shares = np.mean([target[0] for target in targets])
    assert 0.25 < shares < 0.75
    assert all((target[1:] == 0).all() for target in targets if not target[0])


def test_the_same_chance_gives_the_same_crop(crops):
    first, again = (crops.random(0, np.random.default_rng(7), Augmentation()) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
