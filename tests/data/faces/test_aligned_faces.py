"""Aligned faces: points lie on the template, people have numbers, splits are by person."""

import cv2
import numpy as np
import pytest

from cnn_suite.config_embedding import Augmentation
from cnn_suite.data.faces.aligned_faces import read_aligned_faces
from cnn_suite.runtime.faces.face_alignment import ARCFACE_TEMPLATE
from tests.drawn_faces import people_of, write_faces


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    people = [*people_of("train", 3), *people_of("val", 1)]
    return write_faces(tmp_path_factory.mktemp("aligned") / "faces", people, 2)


def test_people_of_a_split_come_with_numbers(folder):
    faces = read_aligned_faces(folder, ("train",), 112)
    assert len(faces) == 6 and faces.person_ids.tolist() == [0, 0, 1, 1, 2, 2]
    assert faces.people == tuple(name for name in people_of("train", 3) for _ in range(2))
    assert len(read_aligned_faces(folder, ("val",), 112)) == 2


def test_eyes_of_aligned_faces_lie_where_the_template_has_them(folder):
    faces = read_aligned_faces(folder, ("train",), 112)
    for number in range(len(faces)):
        image, target = faces.still(number)
        assert image.shape == (112, 112, 3) and target.tolist() == [faces.person_ids[number]]
        eyes = [image[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].mean(axis=(0, 1)) for x, y in
                ARCFACE_TEMPLATE[:2]]  # fmt: skip
        assert abs(eyes[0] - eyes[1]).max() < 40


def test_chance_keeps_size_and_person_and_is_the_same_for_the_same_seed(folder):
    faces = read_aligned_faces(folder, ("train",), 64)
    first, again = (faces.random(3, np.random.default_rng(5), Augmentation()) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    assert first[0].shape == (64, 64, 3) and first[1].tolist() == [1]
    assert not np.array_equal(first[0], faces.still(3)[0])


def test_a_face_without_colours_is_grey(folder):
    settings = Augmentation(grey=1.0, erase=0.0)
    image = read_aligned_faces(folder, ("train",), 64).random(0, np.random.default_rng(0), settings)[0]
    assert (image == image[..., :1]).all()


def test_folders_of_people_hold_faces_that_are_aligned_already(tmp_path):
    for name in (*people_of("train", 2), *people_of("test", 1)):
        (tmp_path / name).mkdir()
        for number in range(2):
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), np.full((50, 50, 3), 40 * number, np.uint8))
    faces = read_aligned_faces(tmp_path, ("train",), 112)
    assert len(faces) == 4 and sorted(set(faces.people)) == sorted(people_of("train", 2))
    assert faces.still(1)[0].shape == (112, 112, 3) and (faces.still(1)[0] == 40).mean() > 0.9
