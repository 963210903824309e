"""Tests of cnn_suite.style_transfer.settings: what may be asked for, and that asking costs no TensorFlow."""

import subprocess
import sys

import pytest

from cnn_suite.ops.style import NORMALISATIONS as KNOWN_NORMALISATIONS
from cnn_suite.style_transfer.settings import NORMALISATIONS, TransferSettings


def test_the_names_of_normalisations_are_those_of_the_costs() -> None:
    assert NORMALISATIONS == KNOWN_NORMALISATIONS


def test_the_settings_import_nothing_heavy() -> None:
    program = (
        "import sys, cnn_suite.style_transfer.settings\n"
        "sys.exit(str([name for name in ('tensorflow', 'keras', 'cv2', 'numpy') if name in sys.modules] or '') or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_only_the_time_limits_the_iterations_where_there_is_a_time() -> None:
    assert TransferSettings().most_iterations == 300
    assert TransferSettings(iterations=20).most_iterations == 20
    assert TransferSettings(seconds=10).most_iterations is None
    assert TransferSettings(seconds=10, iterations=20).most_iterations == 20


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"start": "picture"}, "`start` must be one of content, style_mean, noise. Received 'picture'"),
        ({"optimizer": "sgd"}, "`optimizer` must be one of adam, lbfgs"),
        ({"colours": "hue"}, "`colours` must be one of none, luma, histogram, covariance"),
        ({"normalisation": "l2"}, "`normalisation` must be one of energy, gatys, notes"),
        ({"beta": -1}, "`beta` must be at least 0. Received -1"),
        ({"tv": float("nan")}, "`tv` must be at least 0. Received nan"),
        ({"strength": float("inf")}, "`strength` must be at least 0. Received inf"),
        ({"alpha": 0, "strength": 0}, "must not both be 0"),
        ({"size": 15}, "`size` must be at least 16. Received 15"),
        ({"iterations": 0}, "`iterations` must be at least 1"),
        ({"scales": 0}, "`scales` must be at least 1"),
        ({"tile": -1}, "`tile` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"seconds": 0.5}, "`seconds` must be at least 1"),
        ({"learning_rate": 300}, "`learning_rate` must be between 1e-06 and 255"),
        ({"painting_scale": 0}, "`painting_scale` must be between 0.05 and 20"),
    ],
)
def test_a_setting_out_of_its_range_is_named(wrong: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TransferSettings(**wrong)
