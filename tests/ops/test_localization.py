"""The worked examples of the course notes on localization, each by name, then what holds for any boxes."""

import numpy as np
import pytest

from cnn_suite.ops.localization import (
    decode_grid,
    decode_localization,
    encode_anchor_grid,
    encode_grid,
    encode_landmarks,
    encode_localization,
    localized,
)

PEDESTRIAN, CAR, MOTORCYCLE = 0, 1, 2
TALL, WIDE = [0.6, 1.8], [1.8, 0.6]  # anchor 1 and anchor 2, width and height in cells


def centred(x, y, w, h):
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_car_of_the_notes_is_the_target_1_5_7_3_4_and_class_2():
    # Midpoint (.5, .7), height .3, width .4: the height stands before the width.
    close(encode_localization(centred(0.5, 0.7, 0.4, 0.3), CAR, 3), [1, 0.5, 0.7, 0.3, 0.4, 0, 1, 0])


def test_background_is_the_target_of_zeros_whatever_its_box():
    close(encode_localization(centred(0.5, 0.7, 0.4, 0.3), -1, 3), np.zeros(8))


def test_corners_of_the_picture_are_0_0_and_1_1():
    close(encode_localization([0, 0, 1, 1], PEDESTRIAN, 3), [1, 0.5, 0.5, 1, 1, 1, 0, 0])
    close(decode_localization(np.array([1, 0.5, 0.5, 1, 1, 1, 0, 0])).boxes, [0, 0, 1, 1])


def test_three_by_three_grid_on_100_by_100_with_cars_in_the_fourth_and_sixth_cell():
    # Cells of 33.3 px. Left car: midpoint (20, 55), 36 wide, 20 high. Right car: (80, 50), 40 wide, 30 high.
    # Both reach into the fifth cell, the centre of the picture, which stays empty all the same.
    left, right = centred(20, 55, 36, 20), centred(80, 50, 40, 30)
    truths = np.array([[[*left, 100 * CAR], [*right, 100 * CAR]]]) / 100
    grid = np.asarray(encode_grid(truths, (3, 3), 3))
    assert grid.shape == (1, 3, 3, 8)
    cells = grid[0].reshape(9, 8)
    assert cells[:, 0].tolist() == [0, 0, 0, 1, 0, 1, 0, 0, 0]
    close(cells[3], [1, 0.6, 0.65, 0.6, 1.08, 0, 1, 0])
    close(cells[5], [1, 0.4, 0.5, 0.9, 1.2, 0, 1, 0])
    assert left[2] > 100 / 3 and right[0] < 200 / 3
    close(cells[[0, 1, 2, 4, 6, 7, 8]], 0)


def test_box_relative_to_its_cell_is_4_3_and_9_high_and_8_wide():
    # In the sixth cell of 3 x 3: midpoint .4 and .3 of the cell, .9 cells high, .8 cells wide.
    x, y, w, h = (2 + 0.4) / 3, (1 + 0.3) / 3, 0.8 / 3, 0.9 / 3
    grid = np.asarray(encode_grid([[[*centred(x, y, w, h), CAR]]], (3, 3), 3))
    close(grid[0, 1, 2], [1, 0.4, 0.3, 0.9, 0.8, 0, 1, 0])


def test_box_larger_than_its_cell_has_height_and_width_above_1_and_its_midpoint_below_1():
    grid = np.asarray(encode_grid([[[0.1, 0.0, 0.9, 1.0, MOTORCYCLE]]], (3, 3), 3))
    close(grid[0, 1, 1], [1, 0.5, 0.5, 3, 2.4, 0, 0, 1])
    generator = np.random.default_rng(0)
    corners = np.sort(generator.uniform(0, 1, (1, 30, 2, 2)), axis=2).reshape(1, 30, 4)
    many = np.asarray(encode_grid(np.concatenate([corners, np.zeros((1, 30, 1))], axis=-1), (3, 3), 3))
    assert ((many[..., 1:3] >= 0) & (many[..., 1:3] <= 1)).all()
    assert many[..., 3:5].max() > 1


def test_two_objects_of_one_cell_on_a_grid_without_anchors_leave_the_last_one():
    pedestrian, car = [*centred(0.5, 0.5, 0.1, 0.5), PEDESTRIAN], [*centred(0.52, 0.5, 0.6, 0.2), CAR]
    both = encode_grid([[pedestrian, car]], (3, 3), 3)
    close(both, encode_grid([[car]], (3, 3), 3))


def test_pedestrian_and_car_with_midpoints_in_one_cell_go_to_the_tall_and_the_wide_anchor():
    # Both midpoints in the eighth cell; anchor 1 is tall, anchor 2 is wide: nothing is lost.
    pedestrian, car = centred(0.5, 0.8, 0.2, 0.6), centred(0.55, 0.8, 0.6, 0.2)
    truths = np.array([[[*car, CAR], [*pedestrian, PEDESTRIAN]]])
    grid = np.asarray(encode_anchor_grid(truths, (3, 3), [TALL, WIDE], 3))
    assert grid.shape == (1, 3, 3, 2, 8)
    close(grid[0, 2, 1, 0], [1, 0.5, 0.4, 1.8, 0.6, 1, 0, 0])
    close(grid[0, 2, 1, 1], [1, 0.65, 0.4, 0.6, 1.8, 0, 1, 0])
    assert grid[..., 0].sum() == 2
    as_one_row = grid.reshape(1, 3, 3, 16)  # the notes' 3 x 3 x 16
    assert as_one_row[0, 2, 1].tolist() == [*grid[0, 2, 1, 0], *grid[0, 2, 1, 1]]


def test_first_cell_is_empty_and_eighth_holds_the_car_in_the_second_anchor():
    # The analysis of the notes: 3 x 3 x 2 x 8 for one car at the bottom of the picture.
    grid = np.asarray(encode_anchor_grid([[[*centred(0.5, 0.8, 0.6, 0.2), CAR]]], (3, 3), [TALL, WIDE], 3))
    close(grid[0, 0, 0].reshape(16), np.zeros(16))
    close(grid[0, 2, 1].reshape(16), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0.5, 0.4, 0.6, 1.8, 0, 1, 0])


def test_two_objects_of_one_cell_and_one_anchor_leave_the_last_one():
    first, last = [*centred(0.5, 0.5, 0.6, 0.2), CAR], [*centred(0.55, 0.5, 0.5, 0.2), MOTORCYCLE]
    both = encode_anchor_grid([[first, last]], (3, 3), [TALL, WIDE], 3)
    close(both, encode_anchor_grid([[last]], (3, 3), [TALL, WIDE], 3))


def test_a_19_by_19_grid_keeps_apart_what_a_3_by_3_grid_merges():
    first, last = [*centred(0.5, 0.5, 0.1, 0.1), CAR], [*centred(0.58, 0.5, 0.1, 0.1), CAR]
    assert float(encode_grid([[first, last]], (3, 3), 3)[..., 0].numpy().sum()) == 1
    assert float(encode_grid([[first, last]], (19, 19), 3)[..., 0].numpy().sum()) == 2


def test_face_with_64_landmarks_is_a_target_of_129_numbers():
    points = np.random.default_rng(0).uniform(size=(2, 64, 2))
    target = np.asarray(encode_landmarks(points, [True, False]))
    assert target.shape == (2, 129)
    close(target[0], [1, *points[0].reshape(-1)])
    close(target[1], np.zeros(129))


def test_pose_of_32_landmarks_is_a_target_of_65_numbers():
    assert encode_landmarks(np.zeros((32, 2)), True).shape == (65,)


def test_decoding_a_target_returns_boxes_classes_and_presence():
    generator = np.random.default_rng(1)
    boxes = np.sort(generator.uniform(size=(4, 3, 2, 2)), axis=2).reshape(4, 3, 4)
    class_ids = generator.integers(-1, 5, (4, 3))
    found = decode_localization(encode_localization(boxes, class_ids, 5))
    present = class_ids >= 0
    close(found.objectness, present)
    close(np.asarray(found.boxes)[present], boxes[present])
    np.testing.assert_array_equal(np.argmax(found.classes, axis=-1)[present], class_ids[present])


def test_decoding_logits_gives_probabilities():
    found = decode_localization(np.array([[0.0, 0.5, 0.5, 1, 1, 2, 2]]), from_logits=True)
    close(found.objectness, [0.5])
    close(found.classes, [[0.5, 0.5]])


@pytest.mark.parametrize("grid_hw", [(3, 3), (4, 7), (19, 19)])
def test_decoding_a_grid_returns_every_box_it_took(grid_hw):
    generator = np.random.default_rng(2)
    boxes = np.sort(generator.uniform(size=(2, 5, 2, 2)), axis=2).reshape(2, 5, 4)
    truths = np.concatenate([boxes, generator.integers(0, 3, (2, 5, 1))], axis=-1)
    truths[1, 3:] = -1
    anchors = [TALL, WIDE, [3.0, 3.0]]
    for grid in (encode_grid(truths, grid_hw, 3), encode_anchor_grid(truths, grid_hw, anchors, 3)):
        found = decode_grid(grid)
        for picture in range(2):
            positive = np.asarray(found.objectness[picture]) == 1
            assert positive.any()
            got = np.asarray(found.boxes[picture])[positive]
            distance = np.abs(got[:, None] - truths[picture, None, :, :4]).max(axis=-1)
            assert distance.min(axis=1).max() < 1e-5
            class_ids = truths[picture, distance.argmin(axis=1), 4]
            np.testing.assert_array_equal(np.argmax(found.classes[picture], axis=-1)[positive], class_ids)


def test_encoding_what_was_decoded_gives_the_same_grid():
    generator = np.random.default_rng(3)
    boxes = np.sort(generator.uniform(size=(1, 6, 2, 2)), axis=2).reshape(1, 6, 4)
    grid = np.asarray(encode_grid(np.concatenate([boxes, np.ones((1, 6, 1))], axis=-1), (4, 5), 2))
    found = decode_grid(grid)
    positive = np.asarray(found.objectness) == 1
    rows = np.concatenate([np.asarray(found.boxes)[positive], np.ones((positive.sum(), 1))], axis=-1)[None]
    close(encode_grid(rows, (4, 5), 2), grid)


def test_a_grid_without_objects_or_with_padding_alone_is_all_zero():
    close(encode_grid(np.zeros((2, 0, 5)), (3, 4), 3), np.zeros((2, 3, 4, 8)))
    close(encode_anchor_grid(np.full((1, 3, 5), -1.0), (3, 4), [TALL, WIDE], 1), np.zeros((1, 3, 4, 2, 6)))


def test_an_object_in_the_last_corner_belongs_to_the_last_cell():
    grid = np.asarray(encode_grid([[[0.9, 0.9, 1.1, 1.1, 0]]], (2, 3), 1))
    assert grid[0, 1, 2, 0] == 1 and grid[..., 0].sum() == 1


def test_a_grid_without_its_batch_axis_is_refused():
    with pytest.raises(ValueError, match=r"Received shape \(3, 3, 8\). A single picture needs a batch axis"):
        decode_grid(np.zeros((3, 3, 8)))


SURE, UNSURE = 9.0, -9.0  # logits


@pytest.mark.parametrize(("truth", "answer", "right"), [
    (CAR, [SURE, 0.5, 0.7, 0.3, 0.4, UNSURE, SURE, UNSURE], True),
    (CAR, [SURE, 0.5, 0.7, 0.16, 0.4, UNSURE, SURE, UNSURE], True),  # IoU .16 / .3
    (CAR, [SURE, 0.5, 0.7, 0.14, 0.4, UNSURE, SURE, UNSURE], False),
    (CAR, [SURE, 0.5, 0.7, -0.3, 0.4, UNSURE, SURE, UNSURE], False),  # a box turned inside out
    (CAR, [SURE, 0.5, 0.7, 0.3, 0.4, SURE, UNSURE, UNSURE], False),
    (CAR, [UNSURE, 0.5, 0.7, 0.3, 0.4, UNSURE, SURE, UNSURE], False),
    (CAR, [SURE, 0.5, 0.7, 0.3, 0.4, 0, 0, 0], False),  # 1/3 for each class
    (-1, [UNSURE, 0.5, 0.7, 0.3, 0.4, UNSURE, SURE, UNSURE], True),
    (-1, [SURE, 0.5, 0.7, 0.3, 0.4, UNSURE, SURE, UNSURE], False),
])  # fmt: skip
def test_an_answer_is_right_if_class_place_and_presence_are(truth, answer, right):
    target = encode_localization(centred(0.5, 0.7, 0.4, 0.3), truth, 3)
    assert bool(localized(target, np.array(answer))) is right
    assert np.asarray(localized(np.stack([target] * 2), np.array([answer] * 2))).tolist() == [right] * 2
