"""The style wanted: Gram matrices of paintings, blends of several, paintings at another size."""

import numpy as np
import pytest

from cnn_suite.style_transfer.targets import blended_grams, painting_grams, resized_painting
from tests.small_perception import small_perception


def painting(seed=0, size_hw=(20, 26)):
    return np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)


@pytest.fixture(scope="module")
def seen():
    return small_perception()


def test_grams_are_the_mean_products_of_the_paintings_features(seen):
    found = painting_grams(seen, painting())
    features = seen.features(painting()[None].astype(np.float32))
    assert list(found) == ["conv1", "last"]
    for name, gram in found.items():
        flat = np.asarray(features[name]).reshape(-1, features[name].shape[-1])
        np.testing.assert_allclose(gram[0], flat.T @ flat / len(flat), rtol=1e-4, atol=1e-5)


def test_bytes_and_floats_are_the_same_painting(seen):
    found, again = painting_grams(seen, painting()), painting_grams(seen, painting().astype(np.float32))
    np.testing.assert_array_equal(found["last"], again["last"])


# 1 and 3 of 4.
def test_a_blend_is_the_weighted_mean(seen):
    both, alone = [painting(0), painting(1, (33, 19))], [painting_grams(seen, painting(0))]
    alone.append(painting_grams(seen, both[1]))
    found = blended_grams(seen, both, [1.0, 3.0])
    for name in seen.style:
        np.testing.assert_allclose(found[name], alone[0][name] / 4 + 3 * alone[1][name] / 4, rtol=1e-5)
    np.testing.assert_allclose(blended_grams(seen, both, [2, 0])["last"], alone[0]["last"], rtol=1e-6)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -0.5], [0.0, 0.0], []])
def test_weights_that_do_not_fit_are_refused(seen, weights):
    with pytest.raises(ValueError, match="non-negative weight for each of the 2 paintings, not all 0. Received"):
        blended_grams(seen, [painting(0), painting(1)], weights)


def test_no_painting_is_refused(seen):
    with pytest.raises(ValueError, match=r"for each of the 0 paintings, not all 0\. Received \[\]"):
        blended_grams(seen, [], [])


def test_a_painting_too_small_to_see_is_refused(seen):
    assert painting_grams(seen, painting(size_hw=(12, 12)))
    with pytest.raises(ValueError, match="sides of at least 12 pixels for small_valid. Received 40 x 11"):
        painting_grams(seen, painting(size_hw=(11, 40)))


@pytest.mark.parametrize(("size_hw", "longest", "expected"), [
    ((20, 40), 20, (10, 20)), ((40, 20), 60, (60, 30)), ((33, 100), 50, (16, 50)), ((1, 500), 50, (1, 50)),
])  # fmt: skip
def test_a_resized_painting_keeps_its_proportions(size_hw, longest, expected):
    found = resized_painting(painting(size_hw=size_hw), longest)
    assert found.shape == (*expected, 3) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 255


def test_a_smaller_painting_is_the_mean_of_areas_and_the_same_size_changes_nothing():
    original = painting(size_hw=(20, 40))
    means = original.reshape(10, 2, 20, 2, 3).astype(np.float32).mean((1, 3))
    np.testing.assert_allclose(resized_painting(original, 20), means, atol=1e-3)
    np.testing.assert_array_equal(resized_painting(original, 40), original)
