"""Anchors by k-means: clusters that are plain to see, then properties on random shapes."""

import numpy as np
import pytest

from cnn_suite.ops import boxes as box_ops
from cnn_suite.ops.anchors import anchor_fit, kmeans_anchors, shape_iou


def random_shapes(seed, n=300):
    return np.exp(np.random.default_rng(seed).normal(3, 0.7, (n, 2)))


def test_three_plain_clusters_give_their_medians_smallest_area_first():
    wh = [[10, 20], [11, 20], [12, 20], [60, 30], [60, 33], [60, 36], [200, 180], [210, 180], [220, 180]]
    np.testing.assert_allclose(kmeans_anchors(np.array(wh), 3), [[11, 20], [60, 33], [210, 180]])


def test_a_tall_pedestrian_and_a_wide_car_give_a_tall_and_a_wide_anchor():
    pedestrians, cars = [[20, 61], [21, 62], [22, 63]], [[80, 30], [82, 31], [84, 32]]
    anchors = kmeans_anchors(np.array(pedestrians + cars), 2)
    assert (anchors[:, 1] > anchors[:, 0]).tolist() == [True, False]


def test_one_anchor_is_the_median_shape():
    wh = random_shapes(0, 31)
    np.testing.assert_allclose(kmeans_anchors(wh, 1), np.median(wh, axis=0)[None])


def test_as_many_anchors_as_shapes_fit_perfectly():
    wh = np.repeat([[5.0, 9.0], [9.0, 5.0], [30.0, 30.0], [7.0, 70.0]], 3, axis=0)
    anchors = kmeans_anchors(wh, 4)
    np.testing.assert_allclose(anchor_fit(wh, anchors), 1)
    assert sorted(map(tuple, anchors)) == sorted(set(map(tuple, wh)))


def test_result_does_not_depend_on_the_unit_nor_on_the_order_within_one_seed():
    wh = random_shapes(1)
    np.testing.assert_allclose(kmeans_anchors(wh / 416, 5) * 416, kmeans_anchors(wh, 5), rtol=1e-6)
    np.testing.assert_array_equal(kmeans_anchors(wh, 5, seed=3), kmeans_anchors(wh, 5, seed=3))


def test_more_anchors_fit_better_and_beat_random_shapes_of_the_data():
    wh = random_shapes(2)
    fits = [anchor_fit(wh, kmeans_anchors(wh, k)).mean() for k in (1, 3, 6, 9)]
    assert fits == sorted(fits)
    generator = np.random.default_rng(0)
    drawn = [anchor_fit(wh, wh[generator.choice(len(wh), 6, replace=False)]).mean() for _ in range(20)]
    assert fits[2] > max(drawn)


def test_every_anchor_is_the_median_of_the_boxes_that_choose_it():
    wh = random_shapes(3)
    anchors = kmeans_anchors(wh, 4)
    nearest = shape_iou(wh, anchors).argmax(axis=1)
    np.testing.assert_allclose(anchors, [np.median(wh[nearest == j], axis=0) for j in range(4)])


def test_shape_iou_equals_the_one_of_tensors():
    wh, anchors = random_shapes(4, 20), random_shapes(5, 6)
    np.testing.assert_allclose(shape_iou(wh, anchors), box_ops.shape_iou(wh, anchors), rtol=1e-5)


def test_anchor_fit_is_the_best_overlap_worked_by_hand():
    # 2 x 4 against 4 x 2: 4 / 12; against 2 x 2: 4 / 8.
    np.testing.assert_allclose(anchor_fit(np.array([[2, 4]]), np.array([[4, 2], [2, 2]])), [0.5])


def test_a_side_of_0_is_refused():
    with pytest.raises(ValueError, match="must contain positive widths and heights.*minimum of 0.0.*cnn-suite doctor"):
        kmeans_anchors(np.array([[3.0, 0.0], [2.0, 2.0]]), 1)


def test_more_anchors_than_shapes_are_refused():
    with pytest.raises(ValueError, match="Received k=3 and 2 shapes. Request fewer anchors"):
        kmeans_anchors(np.array([[3, 4], [3, 4], [5, 5]]), 3)


@pytest.mark.parametrize("wh", [np.zeros((0, 2)), []])
def test_no_boxes_at_all_are_refused(wh):
    with pytest.raises(ValueError, match="Received k=1 and 0 shapes"):
        kmeans_anchors(wh, 1)


def test_less_than_one_anchor_is_refused():
    with pytest.raises(ValueError, match="`k` must be at least 1. Received 0."):
        kmeans_anchors(random_shapes(0), 0)
