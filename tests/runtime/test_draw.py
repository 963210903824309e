from __future__ import annotations

import numpy as np
import pytest

from cnn_suite.results import Detections
from cnn_suite.runtime.detection.counting import LineCounter, ZoneCounter
from cnn_suite.runtime.draw import annotated, class_colour, draw_overlay, draw_text, plain_text

GREY = np.full((120, 160, 3), 128, np.uint8)


def one(box=(30, 40, 90, 100), class_id=1, track_id=None):
    ids = None if track_id is None else np.array([track_id])
    return Detections([box], [0.5], [class_id], ("a", "b"), ids)


def test_colours_are_the_same_every_time_and_differ_between_classes():
    class_colour.cache_clear()
    first = [class_colour(i) for i in range(80)]
    class_colour.cache_clear()
    assert [class_colour(i) for i in range(80)] == first and len(set(first)) == 80


def test_the_box_has_the_colour_of_its_class_and_the_original_stays_as_it_was():
    image = GREY.copy()
    drawn = annotated(image, one())
    assert tuple(drawn[70, 30].tolist()) == class_colour(1)
    np.testing.assert_array_equal(image, GREY)
    np.testing.assert_array_equal(drawn[60:90, 45:80], GREY[60:90, 45:80])  # nothing is drawn inside the box


def test_nothing_found_draws_nothing():
    np.testing.assert_array_equal(annotated(GREY, Detections.empty()), GREY)


@pytest.mark.parametrize("corner", [(0, 0), (150, 2), (-20, -20), (155, 118), (400, 400)])
@pytest.mark.parametrize("above", [True, False])
def test_a_text_stays_inside_the_picture(corner, above):
    image = GREY.copy()
    top, bottom = draw_text(image, "face 0.97", corner, (255, 255, 0), above=above)
    assert 0 <= top < bottom <= 120
    plate = (image == (255, 255, 0)).all(axis=-1)
    assert plate.sum() > 300  # the plate was drawn whole, with letters on it
    assert not plate[:top].any() and not plate[bottom + 1 :].any()


@pytest.mark.parametrize(("background", "letters"), [((250, 250, 250), 0), ((10, 10, 10), 255)])
def test_letters_are_dark_on_light_and_light_on_dark(background, letters):
    image = GREY.copy()
    draw_text(image, "MMM", (5, 5), background)
    assert (np.abs(image.astype(int) - letters) < 60).all(axis=-1).sum() > 20


def test_a_track_number_makes_the_label_longer():
    def plate(found):
        return (annotated(GREY, found) == class_colour(1)).all(axis=-1).sum()

    assert plate(one(track_id=123)) > plate(one(track_id=-1)) == plate(one())


@pytest.mark.parametrize(("text", "plain"), [("face", "face"), ("Plättchen", "Plattchen"), ("日本", "??")])
def test_letters_the_font_lacks_are_replaced(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize("size_hw", [(1, 1), (7, 300), (1080, 1920)])
def test_pictures_of_any_size_can_be_drawn_on(size_hw):
    found = Detections([[0, 0, size_hw[1], size_hw[0]]], [1], [0], ("a",), np.array([3]))
    line, zone = LineCounter((0, 0), (1, 1)), ZoneCounter([(0, 0), (1, 0), (0.5, 1)])
    drawn = annotated(np.zeros((*size_hw, 3), np.uint8), found, lines=[line], zones=[zone], overlay=["30 frames/s"])
    assert drawn.shape == (*size_hw, 3) and drawn.any()


def test_lines_and_zones_are_drawn():
    line, zone = LineCounter((0, 0.5), (1, 0.5)), ZoneCounter([(0, 0.6), (1, 0.6), (1, 1), (0, 1)])
    drawn = annotated(GREY, Detections.empty(), lines=[line], zones=[zone])
    assert (drawn[60, 100:] != GREY[60, 100:]).any() and (drawn[110, 80] != GREY[110, 80]).any()


def test_the_overlay_grows_from_its_corner():
    low, high = GREY.copy(), GREY.copy()
    draw_overlay(low, ["one", "two"])
    draw_overlay(high, ["one", "two"], at_top=True)
    assert (low[70:] != 128).any() and not (low[:60] != 128).any()
    assert (high[:50] != 128).any() and not (high[60:] != 128).any()
