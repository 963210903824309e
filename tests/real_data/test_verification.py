"""The published embeddings of OpenFace nn4.small2.v1 on Labeled Faces in the Wild: 1,000 rows of 410 people."""

import os
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.metrics.verification import all_pairs, equal_error_rate, tar_at_far
from cnn_suite.metrics.verification_threshold import TooFewPairsError, calibrate

FOLDER = Path(os.environ.get("CNN_SUITE_TEST_DATA", "")) / "faces" / "openface_lfw"

pytestmark = pytest.mark.skipif(
    "CNN_SUITE_TEST_DATA" not in os.environ
    or not all((FOLDER / name).is_file() for name in ("reps.csv", "labels.csv")),
    reason="CNN_SUITE_TEST_DATA does not name a folder that holds faces/openface_lfw",
)


@pytest.fixture(scope="module")
def faces():
    with open(FOLDER / "reps.csv", newline=None) as file:  # lines end in a carriage return alone
        encodings = np.loadtxt(file, delimiter=",")
    return encodings, [line.split(",")[0] for line in (FOLDER / "labels.csv").read_text().split()]


@pytest.fixture(scope="module")
def pairs(faces):
    return all_pairs(*faces)


def test_there_are_as_many_pairs_as_were_counted_elsewhere(pairs):
    assert (int(pairs.same.sum()), int((~pairs.same).sum())) == (7_234, 492_266)


def test_the_rates_meet_at_7_2_per_cent(pairs):
    found = equal_error_rate(*pairs)
    assert found.rate == pytest.approx(0.0722, abs=5e-4)
    assert found.threshold == pytest.approx(1.03, abs=5e-3)
    # What is given elsewhere as 7.1 % is the share refused wrongly at 1.03.
    assert np.mean(pairs.distances[pairs.same] >= 1.03) == pytest.approx(0.0715, abs=1e-4)


@pytest.mark.parametrize(("far", "tar"), [(1e-2, 0.736), (1e-3, 0.462)])
def test_true_accepts_at_few_false_ones_are_those_measured_elsewhere(pairs, far, tar):
    point = tar_at_far(*pairs, far)
    assert point.tar == pytest.approx(tar, abs=1e-3)
    assert far - 1e-5 < point.far <= far


@pytest.mark.parametrize(("far", "tar", "threshold"), [(1e-2, 0.736, 0.666), (1e-3, 0.462, 0.433)])
def test_a_calibration_gives_the_same_and_how_little_is_sure_of_it(faces, far, tar, threshold):
    found = calibrate(*faces, far=far)
    assert (found.people, found.pictures, found.genuine, found.impostors) == (410, 1_000, 7_234, 492_266)
    assert (found.independent_genuine, found.independent_impostors) == (127, 83_845)
    assert found.eer == pytest.approx(0.0722, abs=5e-4) and found.eer_threshold == pytest.approx(1.03, abs=5e-3)
    assert found.tar == pytest.approx(tar, abs=5e-3) and found.threshold == pytest.approx(threshold, abs=1e-3)
    assert far - 1e-5 < found.far <= far
    # Half a million independent pairs would leave a tenth open. Of 410 people, it is a factor of 2 to 6.
    assert found.far_interval == pytest.approx((far, far), rel=0.1)
    low, high = found.far_interval_people
    assert low < far / 3 and 2 * far < high < 4 * far
    # One person's 77 pictures make 2,926 of the 7,234 pairs.
    low, high = found.tar_interval_people
    assert low < tar - 0.3 and high > tar + 0.2
    # The rates of people who had no part in the threshold lie in the intervals of those who had.
    assert found.far_interval_people[0] < found.held_out.far < found.far_interval_people[1]
    assert found.held_out.genuine == 7_234 and found.held_out.folds == 5


def test_probabilities_are_those_with_which_such_pairs_are_of_one_person(faces, pairs):
    found = calibrate(*faces, far=1e-2)
    assert found.curve(found.curve.intercept / found.curve.slope) == pytest.approx(0.5)
    probability = found.curve(pairs.distances)
    weight = np.where(pairs.same, 1 / pairs.same.sum(), 1 / (~pairs.same).sum())
    for low in np.arange(0.1, 0.9, 0.2):
        chosen = (probability >= low) & (probability < low + 0.2)
        share = weight[chosen & pairs.same].sum() / weight[chosen].sum()
        assert share == pytest.approx(low + 0.1, abs=0.12)


def test_a_rate_that_half_a_million_pairs_cannot_show_is_refused(faces):
    with pytest.raises(TooFewPairsError, match="1e-06, at least 2,995,731 pairs .* Received 492,266"):
        calibrate(*faces, far=1e-6)
