"""The gate before the gallery: drawn faces with one fault each, figures by hand, and each message."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cnn_suite.runtime.faces.enrolment import EnrolmentLimits, Quality, check_enrolment, quality, quality_problems
from cnn_suite.runtime.faces.face_alignment import ARCFACE_TEMPLATE
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_pose import face_pose

SIZE = 224


def drawn(scale=1.0, seed=0):
    """A picture of texture as sharp as a good photograph's where the face is, and the face's points."""
    texture = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    texture = cv2.GaussianBlur(texture, (0, 0), 1.5) + 6 * cv2.GaussianBlur(texture, (0, 0), 8)
    grey = np.clip(128 + 35 * texture / texture.std(), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), ARCFACE_TEMPLATE * scale + 60


def found(*points, sizes=None):
    """What a detector would give for faces with these points."""
    points = np.array(points, np.float32).reshape(-1, 5, 2)
    sizes = [90.0] * len(points) if sizes is None else sizes
    corners = points.mean(axis=1, dtype=np.float32) if len(points) else np.zeros((0, 2), np.float32)
    boxes = np.concatenate([corners, corners + np.array(sizes, np.float32)[:, None]], axis=1)
    return Faces(boxes, np.full(len(points), 0.9, np.float32), points)


def kinds(*arguments, **more):
    return [problem.kind for problem in check_enrolment(*arguments, **more)]


def text_of(*arguments, **more):
    (problem,) = check_enrolment(*arguments, **more)
    return str(problem)


# Eyes 4 apart, middle (0, 0), mouth's middle (0, 4). Nose (1, 2): 1 / 4 of the eyes across, 2 / 4 down.
POINTS = np.array([[-2, 0], [2, 0], [1, 2], [-1, 4], [1, 4]])


def test_pose_by_hand():
    pose = face_pose(POINTS)
    assert (pose.across, pose.down, pose.tilt_deg, pose.eye_distance_px) == (0.25, 0.5, 0.0, 4.0)


@pytest.mark.parametrize("seed", range(5))
def test_no_move_of_a_flat_picture_changes_the_pose(seed):
    rng = np.random.default_rng(seed)
    moved = POINTS @ (np.eye(2) + rng.uniform(-0.4, 0.4, (2, 2))).T * rng.uniform(1, 50) + rng.uniform(-99, 99, 2)
    pose = face_pose(moved)
    np.testing.assert_allclose([pose.across, pose.down], [0.25, 0.5], atol=1e-9)


def test_the_template_looks_straight_ahead():
    pose = face_pose(ARCFACE_TEMPLATE)
    assert abs(pose.across) < 0.02 and abs(pose.down - 0.5) < 0.02 and abs(pose.tilt_deg) < 1


def test_a_tilted_head_is_measured():
    turn = np.deg2rad(30)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert face_pose(POINTS @ matrix.T).tilt_deg == pytest.approx(30)


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (np.zeros((4, 2)), r"must be five finite points.* Received shape \(4, 2\)\."),
        (np.full((5, 2), np.nan), r"Received shape \(5, 2\) with a value that is not finite"),
        (np.zeros((5, 2)), "do not form a face: eyes and mouth are on one line"),
        (np.stack([np.arange(5), np.arange(5)], axis=1), "do not form a face"),
    ],
)
def test_points_without_a_pose_are_refused(points, text):
    with pytest.raises(ValueError, match=text):
        face_pose(points)


def test_a_good_picture_has_no_problem():
    picture, points = drawn()
    assert check_enrolment(picture, found(points)) == []
    seen = quality(picture, found(points))
    assert seen.eye_distance_px == pytest.approx(35.2, abs=0.1) and seen.rival == 0
    assert seen.confidence == pytest.approx(0.9) and seen.figures["sharpness"] == seen.sharpness


# Grey 100 on the left half and 200 on the right, by columns 24 to 88 with the border at 56: mean 150, deviation 50.
def test_brightness_and_contrast_by_hand():
    picture = np.full((112, 112, 3), 100, np.uint8)
    picture[:, 56:] = 200
    seen = quality(picture, found(ARCFACE_TEMPLATE))
    assert seen.brightness == pytest.approx(150, abs=1) and seen.contrast == pytest.approx(50, abs=1)
    assert seen.dark == 0 and seen.bright == 0


def test_sharpness_does_not_depend_on_contrast_or_size_and_falls_with_blur():
    picture, points = drawn()
    sharp = quality(picture, found(points)).sharpness
    dull = (64 + picture // 2).astype(np.uint8)
    assert quality(dull, found(points)).sharpness == pytest.approx(sharp, rel=0.1)
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert quality(large, found(points * 2 + 0.5)).sharpness == pytest.approx(sharp, rel=0.35)
    blurred = [quality(cv2.GaussianBlur(picture, (0, 0), s), found(points)).sharpness for s in (1, 2, 3)]
    assert sharp > blurred[0] > blurred[1] > blurred[2]


def test_a_flat_grey_picture_is_blurred_and_flat():
    assert kinds(np.full((SIZE, SIZE, 3), 128, np.uint8), found(drawn()[1])) == ["blurred", "flat"]


def test_no_face():
    assert text_of(drawn()[0], found()) == (
        "There is no face in the picture. Look into the camera, with more light or closer."
    )


def test_several_faces_of_like_size_and_small_ones_behind():
    picture, points = drawn()
    assert "the second is 90% as large as the largest (less than 75% is allowed)" in text_of(
        picture, found(points, points, sizes=[100, 90])
    )
    assert kinds(picture, found(points, points, points, sizes=[30, 100, 50])) == []
    assert kinds(picture, found(points, points, points, sizes=[100, 100, 100])) == ["several faces"]


def test_the_largest_face_is_looked_at():
    picture, points = drawn()
    turned = points.copy()
    turned[2, 0] += 25
    assert kinds(picture, found(turned, points, sizes=[30, 90])) == []
    assert kinds(picture, found(points, turned, sizes=[30, 90])) == ["turned"]


def test_a_small_face_is_told_in_pixels():
    picture, points = drawn(scale=0.5)
    problems = check_enrolment(picture, found(points), limits=EnrolmentLimits(sharpness=0))
    assert [str(problem) for problem in problems] == [
        "The face is too small: 18 pixels between the eyes, at least 24 are needed. "
        "Come closer or use a larger picture."
    ]


def test_a_blurred_face():
    picture, points = drawn()
    assert "The face is blurred: sharpness 0.00" in text_of(cv2.GaussianBlur(picture, (0, 0), 4), found(points))


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (lambda p: p * 0.2, "dark", "too dark: brightness 2. with"),
        (lambda p: np.clip(p * 1.0 - 118, 0, 255), "dark", "too dark"),
        (lambda p: np.clip(p * 1.0 + 112, 0, 255), "bright", "too bright: brightness 2"),
        (lambda p: 128 + (p * 1.0 - 128) * 0.15, "flat", r"hardly any contrast: [45]\.\d, at least 10.0 is needed"),
    ],
)
def test_light_that_is_too_little_too_much_or_too_flat(change, kind, text):
    picture, points = drawn()
    limits = EnrolmentLimits(sharpness=0, contrast=10 if kind == "flat" else 0)
    (problem,) = check_enrolment(np.asarray(change(picture)).astype(np.uint8), found(points), limits=limits)
    assert problem.kind == kind
    assert re.search(text, problem.text), problem.text


@pytest.mark.parametrize(
    ("shift", "kind", "text"),
    [
        ((20, 0), "turned", "turned too far to the person's left: 0.5"),
        ((-20, 0), "turned", "turned too far to the person's right: 0.5"),
        ((0, -15), "nodded", "The head is raised too far: 0.1"),
        ((0, 15), "nodded", "The head is lowered too far: 0.8"),
    ],
)
def test_a_head_that_is_turned_or_nodded(shift, kind, text):
    picture, points = drawn()
    points[2] += shift
    (problem,) = check_enrolment(picture, found(points))
    assert problem.kind == kind and text in problem.text


def test_points_on_a_line_are_told_as_a_problem():
    picture, points = drawn()
    points[:, 1] = 100
    assert kinds(picture, found(points)) == ["no pose"]
    assert "cannot be told apart" in text_of(picture, found(points))


def test_all_faults_are_told_at_once():
    seen = Quality(0.9, 10, 0.001, 20, 5, 0.9, 0.0, -0.9, 0.1, 1.0)
    assert [problem.kind for problem in quality_problems(seen, EnrolmentLimits())] == [
        "several faces", "too small", "blurred", "dark", "flat", "turned", "nodded",
    ]  # fmt: skip
    assert quality_problems(replace(seen, brightness=230, dark=0, bright=0.3), EnrolmentLimits())[3].kind == "bright"


def test_pictures_that_are_none_and_no_face_at_all():
    with pytest.raises(ValueError, match="`image_rgb` must be uint8 of shape"):
        check_enrolment(np.zeros((4, 4)), found())
    with pytest.raises(ValueError, match="There is no face to measure"):
        quality(drawn()[0], found())


def test_a_face_over_the_edge_of_a_tiny_picture_is_judged():
    assert "blurred" in kinds(np.full((3, 5, 3), 90, np.uint8), found(ARCFACE_TEMPLATE))
