from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter, parse_points, points_in_polygon

SIZE_HW = (100, 200)


def at(*points, ids=None):
    """Objects of 4 x 4 pixels whose centres are at these pixels."""
    boxes = np.array([[x - 2, y - 2, x + 2, y + 2] for x, y in points], float).reshape(-1, 4)
    ids = np.arange(1, len(points) + 1) if ids is None else np.array(ids)
    return Detections(boxes, np.ones(len(boxes)), np.zeros(len(boxes), int), ("a",), ids)


def counts_after(path, line):
    for point in path:
        line.update(at(point), SIZE_HW)
    return line.to_right, line.to_left


def test_the_right_side_is_that_of_a_walker_from_start_to_end():
    # up the middle, from bottom to top: the walker's right is the picture's right
    up = LineCounter((0.5, 1), (0.5, 0))
    assert counts_after([(80, 50), (120, 50)], up) == (1, 0)
    assert counts_after([(80, 50)], up) == (1, 1)


def test_an_object_that_stops_on_the_line_is_counted_once_when_it_leaves():
    line = LineCounter((0.5, 1), (0.5, 0))
    assert counts_after([(90, 50), (100, 50), (100, 50), (110, 50)], line) == (1, 0)


def test_turning_back_on_the_line_counts_nothing():
    assert counts_after([(90, 50), (100, 50), (90, 50)], LineCounter((0.5, 1), (0.5, 0))) == (0, 0)


def test_passing_beyond_the_end_of_the_line_counts_nothing():
    line = LineCounter((0.5, 0.5), (0.5, 0))
    assert counts_after([(80, 90), (120, 90)], line) == (0, 0)


def test_objects_without_an_id_are_not_counted_and_ids_are_kept_apart():
    line = LineCounter((0.5, 1), (0.5, 0))
    line.update(at((80, 50), (120, 50), (80, 20), ids=[-1, 3, 4]), SIZE_HW)
    line.update(at((120, 50), (80, 50), (120, 20), ids=[-1, 3, 4]), SIZE_HW)
    assert (line.to_right, line.to_left) == (1, 1)
    assert line.as_dict() == {"line": [0.5, 1.0, 0.5, 0.0], "to_right": 1, "to_left": 1}


def test_a_line_asks_for_a_tracker():
    with pytest.raises(ValueError, match="A line counts tracked objects"):
        LineCounter((0, 0), (1, 1)).update(Detections.empty(), SIZE_HW)


def test_a_zone_counts_who_is_inside_now_and_who_ever_was():
    zone = ZoneCounter([(0, 0), (0.5, 0), (0.5, 1), (0, 1)])
    zone.update(at((10, 10), (90, 90), (150, 50)), SIZE_HW)
    assert (zone.inside, zone.visitors) == (2, 2)
    zone.update(at((150, 10), (150, 90), (50, 50)), SIZE_HW)
    assert (zone.inside, zone.most, zone.visitors) == (1, 2, 3)
    assert zone.as_dict() == {"zone": [0, 0, 0.5, 0, 0.5, 1, 0, 1], "inside": 1, "visitors": 3}


def test_a_zone_needs_no_tracker_and_may_be_empty():
    zone = ZoneCounter([(0, 0), (1, 0), (1, 1)])
    zone.update(Detections.empty(), SIZE_HW)
    assert (zone.inside, zone.visitors) == (0, 0)


def test_without_a_tracker_a_zone_says_nothing_of_visitors():
    zone = ZoneCounter([(0, 0), (0.5, 0), (0.5, 1), (0, 1)])
    zone.update(dataclasses.replace(at((10, 10), (90, 90), (150, 50)), track_id=None), SIZE_HW)
    assert zone.as_dict() == {"zone": [0, 0, 0.5, 0, 0.5, 1, 0, 1], "inside": 2}


def test_points_in_a_bent_polygon_equal_opencv():
    random = np.random.default_rng(4)
    corners = [(0.1, 0.1), (0.9, 0.2), (0.5, 0.5), (0.8, 0.9), (0.2, 0.8)]
    points = random.uniform(0, 1, (500, 2))
    outline = np.float32(corners)[:, None]
    expected = [cv2.pointPolygonTest(outline, point, False) > 0 for point in points.tolist()]
    np.testing.assert_array_equal(points_in_polygon(points, corners), expected)


def test_points_are_read_from_text():
    assert parse_points("0,0.5, 1,1", "--line") == [(0, 0.5), (1, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,0,1", "--line needs pairs of numbers x0,y0.*Received '0,0,1'"),
        ("a,b", "--line needs pairs"),
        ("", "--line needs pairs"),
        ("320,0,320,480", r"--line: Points must be in unit coordinates.*Received \(320, 0\)"),
        ("nan,0,1,1", "--line: Points must be in unit"),
    ],
)
def test_what_is_no_point_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_points(text, "--line")


def test_lines_and_zones_need_enough_points():
    with pytest.raises(ValueError, match="A line needs two different endpoints"):
        LineCounter((0.5, 0.5), (0.5, 0.5))
    with pytest.raises(ValueError, match="A zone needs at least three corners. Received 2"):
        ZoneCounter([(0, 0), (1, 1)])
