from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from cnn_suite.runtime.style.kept_colours import painting_in_colours_of, with_colours_of

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def one_colour(*colour, size_hw=(4, 5)):
    return np.full((*size_hw, 3), colour, np.uint8)


def picture(seed, size_hw=(40, 50), low=90, high=166):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(3, 3))
    values = rng.uniform(-1, 1, (*size_hw, 3)) @ mixing
    return ((values - values.min()) / np.ptp(values) * (high - low) + low).astype(np.uint8)


def moments(image):
    colours = image.reshape(-1, 3).astype(float)
    return colours.mean(0), np.cov(colours.T, bias=True)


def test_luma_comes_from_the_painting_and_colour_from_the_photograph():
    # grey 150 on (130, 100, 70), whose luma is 105.55: every channel rises by 44.45
    assert with_colours_of(one_colour(150, 150, 150), one_colour(130, 100, 70))[0, 0].tolist() == [174, 144, 114]
    assert with_colours_of(one_colour(200, 200, 200), one_colour(9, 9, 9))[0, 0].tolist() == [200, 200, 200]


def test_luma_and_chroma_are_those_of_the_two_pictures():
    painted, photo = picture(0), picture(1)
    result = with_colours_of(painted, photo, "luma").astype(float)
    np.testing.assert_allclose(result @ LUMA, painted @ LUMA, atol=1.1)
    np.testing.assert_allclose(result - (result @ LUMA)[..., None], photo - (photo @ LUMA)[..., None], atol=1.6)


def test_a_painted_picture_that_is_its_photograph_stays_as_it_is():
    photo = picture(2, low=0, high=255)
    assert np.abs(with_colours_of(photo, photo).astype(int) - photo).max() <= 1


def test_each_channel_gets_the_photographs_histogram():
    # levels 0 < 1 < 2 < 3, once each, take the places of 10 < 40 < 90 < 200
    painting = np.stack([np.array([[3, 0], [2, 1]], np.uint8)] * 3, -1)
    photo = np.stack([np.array([[10, 90], [200, 40]], np.uint8)] * 3, -1)
    matched = painting_in_colours_of(painting, photo, "histogram")
    assert matched[..., 0].tolist() == [[200, 10], [90, 40]]


def test_histogram_matching_equals_exchanging_sorted_values():
    rng = np.random.default_rng(4)
    painting = np.stack([rng.permutation(256).reshape(16, 16) for _ in range(3)], -1).astype(np.uint8)
    photo = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    matched = painting_in_colours_of(painting, photo, "histogram")
    for i in range(3):
        expected = np.empty(256)
        expected[np.argsort(painting[..., i].ravel())] = np.sort(photo[..., i].ravel())
        apart = np.abs(matched[..., i].ravel() - expected)
        assert apart.mean() < 1 and apart.max() <= 6  # several pixels of one level have one middle rank


def test_the_covariance_mode_gives_the_photographs_mean_and_covariance():
    painting, photo = picture(5), picture(6, size_hw=(30, 31))
    mean, covariance = moments(painting_in_colours_of(painting, photo, "covariance"))
    np.testing.assert_allclose(mean, moments(photo)[0], atol=0.5)
    np.testing.assert_allclose(covariance, moments(photo)[1], atol=0.02 * moments(photo)[1].max())


def test_the_covariance_transform_equals_scipys_roots():
    painting, photo = picture(7), picture(8)
    (mean_p, cov_p), (mean_c, cov_c) = moments(painting), moments(photo)
    matrix = np.real(sqrtm(cov_c) @ np.linalg.inv(sqrtm(cov_p)))
    expected = (painting.astype(float) - mean_p) @ matrix.T + mean_c
    np.testing.assert_allclose(painting_in_colours_of(painting, photo, "covariance"), expected.clip(0, 255), atol=0.51)


@pytest.mark.parametrize("mode", ["histogram", "covariance"])
def test_a_photographs_own_colours_change_nothing(mode):
    photo = picture(9)
    assert np.abs(painting_in_colours_of(photo, photo, mode).astype(int) - photo).max() <= 1


@pytest.mark.parametrize(("mode", "colour"), [("histogram", 60), ("covariance", 80)])
def test_a_painting_of_one_colour_gets_the_middle_of_the_photographs(mode, colour):
    photo = np.stack([np.array([[40, 50, 60, 70, 180]], np.uint8)] * 3, -1)  # median 60, mean 80
    assert (painting_in_colours_of(one_colour(7, 8, 9), photo, mode) == colour).all()


@pytest.mark.parametrize("mode", ["histogram", "covariance"])
def test_one_colour_and_grey_pictures_give_pictures(mode):
    grey = np.repeat(picture(10)[..., :1], 3, -1)
    for painting, photo in [(picture(0), one_colour(3, 200, 90)), (grey, picture(1)), (picture(1), grey)]:
        result = painting_in_colours_of(painting, photo, mode)
        assert result.shape == painting.shape and result.dtype == np.uint8
        np.testing.assert_allclose(moments(result)[0], moments(photo)[0], atol=1.5)
    assert (painting_in_colours_of(picture(0), one_colour(3, 200, 90), mode) == (3, 200, 90)).all()
    assert painting_in_colours_of(one_colour(1, 2, 3, size_hw=(1, 1)), picture(3), mode).shape == (1, 1, 3)


def test_what_does_not_fit_is_refused():
    photo = picture(0)
    with pytest.raises(
        ValueError, match=r"must have the same size\. Received \(4, 5\) and \(40, 50\). Resize the photo"
    ):
        with_colours_of(one_colour(1, 2, 3), photo)
    with pytest.raises(ValueError, match="must be 'luma' for a painted picture. Received 'histogram'.*painting_in_col"):
        with_colours_of(photo, photo, "histogram")
    with pytest.raises(ValueError, match="`mode` must be 'histogram' or 'covariance' for a painting. Received 'luma'"):
        painting_in_colours_of(photo, photo, "luma")
    with pytest.raises(ValueError, match="must be uint8"):
        painting_in_colours_of(photo.astype(float), photo, "histogram")
