"""Whether two answers are the same: what counts as a difference, and what is only another choice among equals."""

import numpy as np
import pytest

from cnn_suite.config_detection import Export
from cnn_suite.parity import ParityError
from cnn_suite.tasks.detection_parity import agreement, check, parity

PICTURE = np.zeros((40, 60, 3), np.uint8)
SETTINGS = Export(iou=0.45, max_detections=4)

# Two objects of class 0 with a runner-up each, and one of class 1 in the same place as the first.
BOXES = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [20, 20, 40, 30], [21, 20, 41, 30], [0, 0, 10, 12]], np.float32)
CLASSES = np.array([0, 0, 0, 0, 1], np.int32)
SCORES = np.array([0.9, 0.899999, 0.8, 0.5, 0.3], np.float32)


def answer(indices, *, boxes=BOXES, scores=SCORES, n=SETTINGS.max_detections):
    """The outputs of `serving_default` when the suppression keeps the candidates at `indices`."""
    indices = np.array(indices, int)
    full = np.zeros((1, n, 4), np.float32), np.zeros((1, n), np.float32), np.zeros((1, n), np.int32)
    for to, values in zip(full, (boxes, scores, CLASSES), strict=True):
        to[0, : len(indices)] = values[indices]
    return dict(zip(("boxes", "scores", "classes"), full, strict=True)) | {"count": np.array([len(indices)], np.int32)}


def candidates(boxes=BOXES, scores=SCORES):
    probabilities = np.eye(2, dtype=np.float32)[CLASSES]
    return {"boxes": boxes[None], "objectness": scores[None], "class_probabilities": probabilities[None]}


def runtime(serving_default, all_candidates=None):
    def run(signature, images):
        assert images.shape == (1, 40, 60, 3)
        return serving_default if signature == "serving_default" else all_candidates

    return run


NETWORK = runtime(answer([0, 2, 4]), candidates())


def differences(*other, network=NETWORK, settings=SETTINGS):
    return parity(network, {"other": runtime(*other)}, [PICTURE], settings)["other"]


def test_the_same_answers_do_not_differ():
    found = parity(NETWORK, {"one": NETWORK, "two": NETWORK}, [PICTURE, PICTURE], SETTINGS)
    assert found["one"] == found["two"] == {"box_px": 0, "score": 0, "wrong": 0, "boxes": 6, "candidates": 10}
    check(found)


def test_a_runtime_without_candidates_is_compared_by_its_boxes():
    assert differences(answer([0, 2, 4])) == {"box_px": 0, "score": 0, "wrong": 0, "boxes": 3, "candidates": 0}


def test_the_largest_differences_of_all_pictures_are_reported():
    moved, paler = BOXES.copy(), SCORES.copy()
    moved[2, 0] += 0.25
    paler[4] -= 0.0005
    found = differences(answer([0, 2, 4], boxes=moved, scores=paler), candidates(moved, paler))
    assert found["box_px"] == pytest.approx(0.25)
    assert found["score"] == pytest.approx(0.0005, rel=1e-3)
    assert found["wrong"] == 0


def test_of_two_boxes_of_one_object_with_the_same_score_either_may_be_kept():
    assert differences(answer([1, 2, 4]))["wrong"] == 0


def test_a_runner_up_in_place_of_a_clearly_better_box_is_wrong():
    # 2 is missing: 3 scores 0.3 less.
    assert differences(answer([0, 3, 4]))["wrong"] == 1


@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        ([0, 2], 1),  # the box of class 1 is missing: one of class 0 in the same place is no substitute
        ([], 3),
        ([0, 1, 2, 4], 1),  # 1 is a double of 0
        ([0, 0, 2, 4], 1),
    ],
)
def test_missing_and_double_boxes_are_wrong(kept, wrong):
    assert differences(answer(kept))["wrong"] == wrong


def test_a_box_that_the_network_does_not_have_is_wrong():
    moved = BOXES + np.float32(1)
    found = differences(answer([0, 2, 4], boxes=moved))
    assert found["wrong"] >= 2
    assert found["box_px"] >= 1


def test_a_shift_of_less_than_a_pixel_is_seen_where_nothing_is_found():
    nothing = answer([])
    found = differences(nothing, candidates(BOXES + np.float32(0.75)), network=runtime(nothing, candidates()))
    assert found == {"box_px": 0.75, "score": 0, "wrong": 0, "boxes": 0, "candidates": 5}


@pytest.mark.parametrize("place", ["boxes", "scores"])
def test_what_is_no_number_is_refused(place):
    broken = answer([0, 2, 4])
    broken[place][0, 1] = np.nan
    with pytest.raises(ParityError, match="Do not deploy"):
        check({"other": differences(broken)})
    broken = candidates(**{place: np.full_like(BOXES if place == "boxes" else SCORES, np.nan)})
    with pytest.raises(ParityError, match="Do not deploy"):
        check({"other": differences(answer([0, 2, 4]), broken)})


def test_what_falls_off_a_full_list_is_not_missing():
    # Two places: rounding lets the box with 0.8 in here and out there.
    scores = np.array([0.9, 0.1, 0.8, 0.1, 0.8], np.float32)
    network = runtime(answer([0, 2], scores=scores, n=2), candidates(scores=scores))
    assert differences(answer([0, 4], scores=scores, n=2), network=network)["wrong"] == 0
    assert differences(answer([2, 4], scores=scores, n=2), network=network)["wrong"] == 1


def test_boxes_at_the_lowest_score_of_the_graph_may_come_and_go():
    settings = Export(iou=0.45, max_detections=4, score_floor=0.2995)
    assert differences(answer([0, 2]), settings=settings)["wrong"] == 0
    assert differences(answer([0, 4]), settings=settings)["wrong"] == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"box_px": 0.51}, "boxes by 0.510 px (at most 0.5)"),
        ({"score": 0.0011}, "scores by 0.00110 (at most 0.001)"),
        ({"wrong": 2}, "2 boxes foreign, double or missing among 7"),
    ],
)
def test_a_refusal_names_the_file_and_what_differs(changed, says):
    fine = {"box_px": 0.5, "score": 0.001, "wrong": 0, "boxes": 7, "candidates": 9}
    check({"litert": fine})
    with pytest.raises(ParityError) as error:
        check({"saved_model": fine, "litert": fine | changed})
    assert str(error.value).startswith("The litert file differs from the network: ")
    assert says in str(error.value)


def test_agreement_counts_the_boxes_that_two_forms_share():
    moved = BOXES.copy()
    moved[2] += (2, 0, 2, 0)  # IoU 9/11 with itself
    scores = np.array([0.7, 0.1, 0.8, 0.5, 0.1], np.float32)
    found = agreement(NETWORK, runtime(answer([0, 2, 4], boxes=moved, scores=scores)), [PICTURE], 0.25)
    assert found == {
        "boxes": 3,
        "missing": 0,
        "extra": 0,
        "mean_box_px": pytest.approx(2 / 3),
        "box_px": 2,
        "mean_score": pytest.approx(0.4 / 3),
        "score": pytest.approx(0.2),
        "confidence": 0.25,
    }


def test_agreement_counts_what_one_form_alone_is_sure_of():
    found = agreement(NETWORK, runtime(answer([0, 2])), [PICTURE, PICTURE], 0.25)
    assert (found["boxes"], found["missing"], found["extra"]) == (6, 2, 0)
    found = agreement(runtime(answer([0, 2])), NETWORK, [PICTURE], 0.25)
    assert (found["boxes"], found["missing"], found["extra"]) == (2, 0, 1)
    assert agreement(NETWORK, runtime(answer([])), [PICTURE], 0.85)["missing"] == 1


def test_agreement_of_nothing_is_no_difference():
    nothing = runtime(answer([]))
    found = agreement(nothing, nothing, [PICTURE], 0.25)
    assert found["boxes"] == found["missing"] == found["extra"] == found["box_px"] == found["mean_score"] == 0
