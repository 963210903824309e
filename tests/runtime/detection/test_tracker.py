from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.tracker import IouTracker, best_pairs


def found(*boxes, class_id=None):
    count = len(boxes)
    class_id = np.zeros(count, int) if class_id is None else class_id
    return Detections(
        np.reshape(boxes, (count, 4)).astype(float), np.full(count, 0.9), np.asarray(class_id), ("a", "b")
    )


def box_at(x, y=0, size=10):
    return [x, y, x + size, y + size]


def test_ids_stay_while_objects_move_and_change_places_in_the_list():
    tracker = IouTracker(min_hits=1)
    for step in range(10):
        boxes = [box_at(step), box_at(100 - step)]
        order = [0, 1] if step % 2 == 0 else [1, 0]
        ids = tracker(found(*(boxes[i] for i in order))).track_id
        assert ids[order.index(0)] == 1 and ids[order.index(1)] == 2


def test_an_id_is_given_after_min_hits_sightings_in_a_row():
    tracker = IouTracker(min_hits=3)
    assert [tracker(found(box_at(0))).track_id.tolist() for _ in range(4)] == [[-1], [-1], [1], [1]]


def test_a_flicker_never_gets_an_id():
    tracker = IouTracker(min_hits=2)
    for step in range(8):
        ids = tracker(found(box_at(0)) if step % 2 else found()).track_id
        assert (ids == -1).all()


def test_a_track_survives_max_age_missed_frames_and_no_more():
    for missed, expected in ((2, 1), (3, 2)):
        tracker = IouTracker(min_hits=1, max_age=2)
        tracker(found(box_at(0)))
        for _ in range(missed):
            tracker(found())
        assert tracker(found(box_at(1))).track_id.tolist() == [expected]


def test_objects_of_different_classes_never_take_each_others_id():
    tracker = IouTracker(min_hits=1)
    tracker(found(box_at(0), class_id=[0]))
    assert tracker(found(box_at(0), class_id=[1])).track_id.tolist() == [2]


def test_two_that_compete_are_paired_for_the_best_total():
    # overlaps 0.9 + 0.1 against 0.8 + 0.7: the greedy choice would be worse
    rows, columns = best_pairs(np.array([[0.9, 0.8], [0.7, 0.1]]))
    assert list(zip(rows, columns, strict=True)) == [(0, 1), (1, 0)]


def test_pairs_equal_a_search_through_all_of_them():
    random = np.random.default_rng(3)
    for _ in range(30):
        overlap = random.uniform(0, 1, (4, 5)) * (random.uniform(0, 1, (4, 5)) < 0.6)
        rows, columns = best_pairs(overlap)
        best = max(sum(overlap[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(5), 4))
        assert overlap[rows, columns].sum() == pytest.approx(best) and (overlap[rows, columns] > 0).all()


def test_no_objects_and_no_tracks_are_fine():
    tracker = IouTracker()
    assert tracker(found()).track_id.tolist() == [] and tracker(found()).labels == ("a", "b")


@pytest.mark.parametrize("arguments", [{"min_iou": 0}, {"max_age": -1}, {"min_hits": 0}])
def test_impossible_settings_are_refused(arguments):
    with pytest.raises(ValueError, match="`min_iou` must be in"):
        IouTracker(**arguments)
