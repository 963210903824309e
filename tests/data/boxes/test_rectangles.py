"""Random rectangles as masks."""

import numpy as np
import tensorflow as tf

from cnn_suite.data.boxes.rectangles import rectangle_masks


def masks(sides, place, size_hw=(4, 5), whole=True):
    sides, place = (tf.constant(values, tf.float32) for values in (sides, place))
    return rectangle_masks(sides, place, size_hw, whole=whole).numpy()[..., 0].astype(int)


def test_a_rectangle_inside_by_hand():
    # Two of four rows leave three places, three of five columns leave three: 0.5 is the second of each.
    assert masks([[2, 3]], [[0.5, 0.5]])[0].tolist() == [[0] * 5, [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0] * 5]


def test_a_rectangle_about_its_middle_is_cut_off_at_the_border_by_hand():
    # Its middle is pixel (3, 0): rows 2 and 3, columns -1 to 1.
    result = masks([[2, 3]], [[0.9, 0.1]], whole=False)[0]
    assert result.tolist() == [[0] * 5, [0] * 5, [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]]


def test_none_all_and_more_than_all():
    assert masks([[0, 3]], [[0.5, 0.5]]).sum() == 0
    assert masks([[4, 5]], [[0.99, 0.99]]).all() and masks([[40, 50]], [[0.99, 0.0]]).all()


def test_whole_rectangles_are_everywhere_and_always_whole():
    place = np.random.default_rng(0).random((2000, 2))
    result = masks(np.full((2000, 2), 2), place)
    assert (result.sum(axis=(1, 2)) == 4).all()
    corners = {(int(m.any(1).argmax()), int(m.any(0).argmax())) for m in result}
    assert corners == {(row, column) for row in range(3) for column in range(4)}
