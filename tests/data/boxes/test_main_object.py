"""The one object of a picture that a localizer is to find, and the target made of it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.boxes.localization_targets import main_object_targets
from cnn_suite.data.boxes.main_object import with_main_object_alone
from cnn_suite.ops.localization import encode_localization

BOXES = np.array([[0, 0, 0.2, 0.2], [0.1, 0.1, 0.9, 0.5], [0, 0, 1, 1]], np.float32)


def picture(boxes=BOXES, crowd=(False, False, False), **more):
    class_ids = np.arange(len(boxes), dtype=np.int32)
    return AnnotatedPicture(Path("a.png"), (40, 80), boxes, class_ids, np.array(crowd, bool), "a.xml", **more)


def test_the_largest_object_stays():
    kept = with_main_object_alone(picture(BOXES[:2], (False, False)))
    assert kept.class_ids.tolist() == [1]
    np.testing.assert_array_equal(kept.boxes, BOXES[1:2])
    assert kept.area_px.tolist() == pytest.approx([0.8 * 80 * 0.4 * 40])


def test_crowds_and_difficult_objects_are_no_object():
    assert with_main_object_alone(picture(crowd=(False, False, True))).class_ids.tolist() == [1]
    difficult = np.array([True, True, True])
    nothing = with_main_object_alone(picture(difficult=difficult))
    assert nothing.boxes.shape == (0, 4) and nothing.ignored.shape == nothing.area_px.shape == (0,)


def test_a_picture_without_objects_is_left_as_it_is():
    assert len(with_main_object_alone(picture(BOXES[:0], ())).class_ids) == 0


def test_targets_are_those_of_the_course_for_the_largest_object_in_view():
    truths = np.full((4, 3, 5), -1, np.float32)
    truths[0, :2] = [[0, 0, 0.2, 0.2, 0], [0.1, 0.1, 0.9, 0.5, 1]]
    truths[1, 1] = [0.5, 0.5, 0.6, 0.9, 2]
    truths[2, 0] = [0, 0, 1, 1, -2]  # a crowd
    made = main_object_targets(tf.constant(truths), 3)
    boxes, class_ids = np.stack([truths[0, 1, :4], truths[1, 1, :4], BOXES[0], BOXES[0]]), np.array([1, 2, -1, -1])
    np.testing.assert_allclose(made, encode_localization(boxes, class_ids, 3), atol=1e-6)


def test_a_batch_without_any_truth_has_targets_too():
    assert np.asarray(main_object_targets(tf.zeros((2, 0, 5)), 3)).tolist() == [[0.0] * 8] * 2
