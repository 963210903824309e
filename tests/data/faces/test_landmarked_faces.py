"""Faces with points from a CSV: five of the 68, people and splits."""

import numpy as np
import pytest

from cnn_suite.data.faces.landmarked_faces import FIVE_MIRRORED, five_points, read_landmarked_faces
from cnn_suite.runtime.faces.face_alignment import FIVE
from tests.drawn_faces import people_of, sixty_eight, write_faces


def test_the_five_points_are_the_eyes_the_nose_and_the_corners_of_the_mouth():
    by_hand = [[0.33, 0.36], [0.67, 0.36], [0.5, 0.58], [0.35, 0.75], [0.65, 0.75]]
    np.testing.assert_allclose(five_points(sixty_eight()), by_hand, atol=1e-9)


def test_the_mirror_changes_eyes_and_corners():
    assert [FIVE[number] for number in FIVE_MIRRORED] == [
        "left eye", "right eye", "nose", "left corner of the mouth", "right corner of the mouth",
    ]  # fmt: skip
    assert [FIVE_MIRRORED[number] for number in FIVE_MIRRORED] == list(range(5))


def test_every_face_comes_with_its_person_and_split(tmp_path):
    people = [*people_of("train", 2), *people_of("test", 1)]
    faces = read_landmarked_faces(write_faces(tmp_path / "faces", people, 2))
    assert [face.person for face in faces] == [person for person in people for _ in range(2)]
    assert [face.split for face in faces] == ["train"] * 4 + ["test"] * 2
    assert all(face.path.is_file() and face.points_px.shape == (68, 2) for face in faces)


def test_a_face_in_dispute_or_without_its_picture_is_left_out(tmp_path):
    folder = write_faces(tmp_path / "faces", people_of("train", 3), 1)
    lines = (folder / "landmarks.csv").read_text().splitlines()
    name, person, *numbers = lines[1].split(",")
    elsewhere = [str(float(number) + 500) for number in numbers]
    (folder / "landmarks.csv").write_text("\n".join([*lines, ",".join([name, person, *elsewhere])]) + "\n")
    (folder / "images" / lines[2].split(",")[0]).unlink()
    assert [face.path.name for face in read_landmarked_faces(folder)] == [lines[3].split(",")[0]]


def test_a_folder_without_a_csv_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="contains no landmarks CSV"):
        read_landmarked_faces(tmp_path)


def test_other_numbers_of_points_are_refused():
    with pytest.raises(ValueError, match=r"must be the 68 points of a face, \(68, 2\). Received shape \(5, 2\)"):
        five_points(np.zeros((5, 2)))
