"""A calibration goes through JSON and comes back the same; what is none is refused by its entry."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cnn_suite.metrics.distance_probability import LogisticCurve
from cnn_suite.metrics.verification_calibration import Calibration, HeldOut

FOUND = Calibration(
    threshold=0.8,
    requested_far=1e-3,
    proven=False,
    confidence=0.95,
    measure="squared",
    far=9e-4,
    far_interval=(8e-4, 1e-3),
    far_interval_people=(5e-4, 2e-3),
    tar=0.9,
    tar_interval=(0.88, 0.92),
    tar_interval_people=(0.8, 0.95),
    eer=0.02,
    eer_threshold=1.1,
    people=30,
    pictures=90,
    genuine=90,
    impostors=3_915,
    independent_genuine=30,
    independent_impostors=435,
    held_out=HeldOut(5, (0.8, 0.7, 0.9, 0.8, 0.8), 1e-3, (5e-4, 3e-3), 700, 0.9, (0.8, 0.95), 90),
    curve=LogisticCurve(intercept=5.0, slope=4.0),
)


def test_a_calibration_comes_back_from_json_the_same():
    text = json.dumps(FOUND.as_dict(), allow_nan=False)
    assert Calibration.from_dict(json.loads(text)) == FOUND
    chosen_pairs = replace(FOUND, pictures=None)
    assert Calibration.from_dict(json.loads(json.dumps(chosen_pairs.as_dict()))) == chosen_pairs


def test_its_probability_is_that_of_its_curve():
    np.testing.assert_array_equal(FOUND.probability([1.0, 1.25], prior=0.1), FOUND.curve([1.0, 1.25], prior=0.1))


def without(name):
    return {key: value for key, value in FOUND.as_dict().items() if key != name}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, "Calibration must have the entries threshold, requested_far, .* Received None"),
        (without("tar"), "Calibration must have the entries"),
        (FOUND.as_dict() | {"more": 1}, "Calibration must have the entries .*'more'"),
        (FOUND.as_dict() | {"threshold": "0.8"}, "Calibration: `threshold` must be float. Received '0.8'"),
        (FOUND.as_dict() | {"threshold": float("nan")}, "`threshold` must be float. Received nan"),
        (FOUND.as_dict() | {"threshold": True}, "`threshold` must be float. Received True"),
        (FOUND.as_dict() | {"people": 2.5}, "`people` must be int. Received 2.5"),
        (FOUND.as_dict() | {"people": -1}, "`people` must be int. Received -1"),
        (FOUND.as_dict() | {"pictures": "90"}, r"`pictures` must be int \| None. Received '90'"),
        (FOUND.as_dict() | {"proven": 1}, "`proven` must be bool. Received 1"),
        (FOUND.as_dict() | {"measure": 2}, "`measure` must be str. Received 2"),
        (
            FOUND.as_dict() | {"far_interval": [1e-3]},
            r"`far_interval` must be tuple\[float, float\]. Received \[0.001\]",
        ),
        (FOUND.as_dict() | {"held_out": [1]}, r"HeldOut must have the entries folds, .* Received"),
        (
            FOUND.as_dict() | {"held_out": FOUND.as_dict()["held_out"] | {"thresholds": ["a"]}},
            r"HeldOut: `thresholds` must be tuple\[float, ...\]. Received \['a'\]",
        ),
        (FOUND.as_dict() | {"curve": {"slope": 1.0}}, "LogisticCurve must have the entries intercept, slope"),
    ],
)
def test_what_is_no_calibration_is_refused_by_its_entry(values, said):
    with pytest.raises(ValueError, match=said):
        Calibration.from_dict(values)
