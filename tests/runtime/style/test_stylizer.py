from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from cnn_suite.runtime.style.stylizer import Stylizer, load_stylizer, parse_mixture
from tests.style_model import CARD, write_style_model

LABELS = ("wave", "the_scream", "shipwreck")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_style_model(tmp_path_factory.mktemp("models") / "two_styles")


@pytest.fixture(scope="module")
def stylizer(folder):
    return load_stylizer(folder)


class Model:
    """A graph that answers with its function of the pictures, and remembers what it was asked."""

    def __init__(self, answer=lambda images: {"images": images}):
        self.answer, self.calls = answer, []

    def run(self, signature, images, **more):
        self.calls.append((signature, images.shape, more))
        return self.answer(images)


def picture(value=100, size_hw=(9, 12)):
    return np.full((*size_hw, 3), value, np.uint8)


def test_the_first_style_is_painted_and_mixtures_are_weighted_sums(stylizer):
    # negative of 100 is 155, dark is 50; half and half 102.5; three to one 128.75
    assert stylizer.labels == ("negative", "dark")
    for mixture, value in [(None, 155), ((1, 0), 155), ((0, 1), 50), ((0.5, 0.5), 102), ((3, 1), 128)]:
        painted = stylizer(picture(), mixture)
        assert (painted.dtype, painted.shape) == (np.uint8, (9, 12, 3))
        assert (painted == value).all(), mixture


@pytest.mark.parametrize("size_hw", [(8, 8), (33, 77), (8, 200), (33, 77)])
def test_pictures_of_any_size_follow_each_other(stylizer, size_hw):
    image = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), np.uint8)
    np.testing.assert_array_equal(stylizer(image), 255 - image)
    np.testing.assert_array_equal(stylizer(image[:, ::-1], [1, 0]), 255 - image[:, ::-1])  # not contiguous


@pytest.mark.slow
def test_the_saved_model_paints_the_same(folder, stylizer):
    other = load_stylizer(folder, runtime="saved_model")
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(other(image), stylizer(image))
    np.testing.assert_array_equal(other(image, (0.3, 0.7)), stylizer(image, (0.3, 0.7)))


def test_it_runs_without_tensorflow_and_keras(folder):
    code = (
        "import sys, numpy as np; from cnn_suite.runtime.style.stylizer import load_stylizer; "
        f"load_stylizer({str(folder)!r})(np.full((8, 8, 3), 9, np.uint8), (1, 1)); "
        "print([m for m in ('tensorflow', 'keras', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_model_of_one_style_is_asked_for_its_first_whatever_the_mixture():
    model = Model()
    one = Stylizer(model, dataclasses.replace(CARD, labels=("wave",)))
    one(picture(), (7.0,))
    one(picture())
    assert [(signature, more) for signature, _, more in model.calls] == [("serving_default", {})] * 2


def test_the_mixture_reaches_the_graph_as_shares():
    model = Model()
    Stylizer(model, CARD)(picture(), np.array([1, 3]))
    [(signature, _, more)] = model.calls
    assert signature == "mixed" and more["mixture"].dtype == np.float32
    np.testing.assert_array_equal(more["mixture"], [0.25, 0.75])


@pytest.mark.parametrize(
    ("size_hw", "longest_side", "seen_hw"),
    [
        ((40, 80), 32, (16, 32)),
        ((40, 80), 200, (40, 80)),  # never enlarged
        ((80, 40), 33, (33, 16)),
        ((10, 400), 100, (8, 100)),  # sides of 8 at least
    ],
)
def test_a_reduced_picture_comes_back_as_large_as_it_was(size_hw, longest_side, seen_hw):
    model = Model()
    painted = Stylizer(model, CARD)(picture(77, size_hw), longest_side=longest_side)
    assert model.calls[0][1] == (1, *seen_hw, 3)
    assert painted.shape == (*size_hw, 3) and (painted == 77).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((9, 9, 3), np.float32), "must be uint8.*Received float32"),
        (np.zeros((9, 9), np.uint8), r"of shape \(height, width, 3\).*\(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), r"Received uint8 of shape \(9, 9, 4\)"),
        (np.zeros((9, 9, 3), np.uint16), "Received uint16"),
        (np.zeros((1, 1, 3), np.uint8), "sides of at least 8 pixels. Received 1 x 1 pixels. Enlarge it first"),
        (np.zeros((7, 300, 3), np.uint8), "Received 300 x 7 pixels"),
    ],
)
def test_what_cannot_be_painted_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        Stylizer(Model(), CARD)(image)


@pytest.mark.parametrize("mixture", [(1,), (1, 1, 1), (0, 0), (-1, 2), (np.nan, 1), (np.inf, 1), [[1, 1]]])
def test_a_mixture_that_is_none_is_refused(mixture):
    with pytest.raises(ValueError, match="one weight for each of the 2 styles, none negative and not all 0. Received"):
        Stylizer(Model(), CARD)(picture(), mixture)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda images: {"boxes": images}, "Model 'two_styles' is not a style network: its graph returns no images"),
        (
            lambda images: {"images": images[:, :8]},
            r"must return uint8 images of the input's shape, \(1, 9, 12, 3\).*uint8 \(1, 8, 12, 3\)",
        ),
        (lambda images: {"images": images.astype(np.float32)}, "Received float32"),
    ],
)
def test_an_answer_that_is_no_painted_picture_is_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        Stylizer(Model(answer), CARD)(picture())


def test_a_model_of_another_task_is_refused(tmp_path):
    dataclasses.replace(CARD, task="detection").write(tmp_path)
    with pytest.raises(ValueError, match="is for detection, not for style. Choose a model for style"):
        load_stylizer(tmp_path)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("wave", (1, 0, 0)),
        ("shipwreck", (0, 0, 1)),
        ("wave,the_scream", (0.5, 0.5, 0)),
        (" wave = 3 , shipwreck=1 ", (0.75, 0, 0.25)),  # 3 of 4 and 1 of 4
        ("wave,the_scream=0.25", (0.8, 0.2, 0)),  # a name alone weighs 1
        ("wave=0,the_scream=2", (0, 1, 0)),
    ],
)
def test_a_mixture_is_read_from_names_and_weights(text, weights):
    assert parse_mixture(text, LABELS) == weights


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wawe", "no style 'wawe'. Its styles: wave, the_scream, shipwreck. Did you mean 'wave'?"),
        ("monet", "Its styles: wave, the_scream, shipwreck.$"),
        ("wave,", "no style ''"),
        ("wave,wave=2", "Style 'wave' occurs twice"),
        ("wave=lots", "must be a number of at least 0. Received 'lots' in 'wave=lots'"),
        ("wave=-1", "Received '-1'"),
        ("wave=nan", "Received 'nan'"),
        ("wave=inf", "Received 'inf'"),
        ("wave=0", "At least one style must have a positive weight. Received 'wave=0'"),
    ],
)
def test_a_text_that_is_no_mixture_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_mixture(text, LABELS)
