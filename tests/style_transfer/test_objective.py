"""J of a picture: against NumPy, its gradient by finite differences, windows against the whole, masks, refusals."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnn_suite.layers.inception import InceptionModule
from cnn_suite.style_transfer.objective import CostWeights, Objective
from cnn_suite.style_transfer.perception import Perception
from cnn_suite.style_transfer.targets import Region
from tests.small_perception import FORMS, small_network, small_perception

SIZE_HW = (61, 83)


def noise(size_hw=SIZE_HW, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (*size_hw, 3)).astype(np.float32)


def tensor(picture):
    return tf.constant(picture[None], tf.float32)


def plain(seed=1):
    return Region([noise((40, 50), seed)], [1.0])


def halves(size_hw=SIZE_HW):
    """Two regions with soft borders, one of them of two paintings."""
    mask = np.tile(np.clip(np.linspace(-0.5, 1.5, size_hw[1]), 0, 1), (size_hw[0], 1)).astype(np.float32)
    several = Region([noise((40, 50), 1), noise((30, 64), 2)], [1.0, 3.0], mask)
    return [several, Region([noise((35, 35), 3)], [2.0], 1 - mask)]


@pytest.fixture(scope="module")
def seen():
    return {form: small_perception(form) for form in FORMS}


@pytest.fixture(scope="module")
def smooth():
    """A network whose slopes do not jump, for finite differences."""
    return small_perception("same", activation="tanh", pooling=layers.AveragePooling2D)


def at_once(objective, picture):
    assert not objective.tiled
    return objective.value_and_gradient(tensor(picture))


def assert_close(found, expected):
    """Equal but for the rounding of sums in another order."""
    assert found.shape == expected.shape
    apart = np.abs(np.asarray(found) - np.asarray(expected))
    assert apart.max() <= 1e-5 * np.abs(expected).max() and np.linalg.norm(apart) <= 1e-5 * np.linalg.norm(expected)


# The value


def by_numpy(seen, picture, photo, painting, normalisation):
    """Content and style: shares of the energy and their mean over lambdas 1 and 1/2, or the notes' sums."""
    in_shares = normalisation == "energy"

    def gram(picture, name):
        features = np.asarray(seen.features(tensor(picture))[name], np.float64)
        flat = features.reshape(-1, features.shape[-1])
        return flat.T @ flat / len(flat)

    found, wanted = (np.asarray(seen.features(tensor(x))["last"], np.float64) for x in (picture, photo))
    content = ((found - wanted) ** 2).sum() / ((wanted**2).sum() if in_shares else 1)
    style = {}
    for name in ("conv1", "last"):
        target = gram(painting, name)
        energy = (target**2).sum() if in_shares else 4 * len(target) ** 2
        style[name] = ((gram(picture, name) - target) ** 2).sum() / energy
    return content, (style["conv1"] + 0.5 * style["last"]) / (1.5 if in_shares else 1)


@pytest.mark.parametrize("normalisation", ["energy", "notes"])
def test_j_is_what_numpy_makes_of_the_features(seen, normalisation):
    weights = CostWeights(2.0, 30.0, 0.5, normalisation)
    objective = Objective(seen["valid"], noise(), [plain()], weights)
    picture = noise(seed=5)
    costs, gradient = at_once(objective, picture)
    content, style = by_numpy(seen["valid"], picture, noise(), plain().paintings[0], normalisation)
    unit = picture / 255
    variation = ((np.diff(unit, axis=0) ** 2).mean() + (np.diff(unit, axis=1) ** 2).mean()) / 2
    np.testing.assert_allclose([costs.content, costs.style, costs.variation], [content, style, variation], rtol=1e-4)
    assert float(costs.total) == pytest.approx(2 * content + 30 * style + 0.5 * variation, rel=1e-4)
    assert gradient.shape == (1, *SIZE_HW, 3) and objective.size_hw == SIZE_HW


def test_the_photograph_has_no_content_cost_and_the_painting_no_style_cost(seen):
    photo, painting = noise(), noise(seed=4)
    objective = Objective(seen["valid"], photo, [Region([painting], [1.0])], CostWeights(tv=0.0))
    assert float(at_once(objective, photo)[0].content) == 0
    assert float(at_once(objective, painting)[0].style) == pytest.approx(0, abs=1e-9)


def test_bytes_are_as_good_as_floats(seen):
    photo = noise().astype(np.uint8)
    region = Region([noise((40, 50)).astype(np.uint8)], [1.0])
    floats = Region([region.paintings[0].astype(np.float32)], [1.0])
    found, expected = (
        at_once(Objective(seen["valid"], *each), noise(seed=5))[0].total
        for each in ((photo, [region]), (photo.astype(np.float32), [floats]))
    )
    assert float(found) == float(expected)


# The gradient


@pytest.mark.parametrize("normalisation", ["energy", "notes"])
def test_its_gradient_is_the_slope_of_finite_differences(smooth, normalisation):
    weights = CostWeights(1.0, 5.0, 0.3, normalisation)
    size_hw = (29, 34)
    objective = Objective(smooth, noise(size_hw), halves(size_hw), weights)
    value = tf.function(objective.value_and_gradient)
    picture = noise(size_hw, 5)
    gradient = value(tensor(picture))[1].numpy()[0]
    steepest = np.argsort(np.abs(gradient), axis=None)[-1::-40][:5]  # rounding hides the slope of the flattest
    for place in (np.unravel_index(index, gradient.shape) for index in steepest):
        ahead, behind = picture.copy(), picture.copy()
        ahead[place] += 1.5
        behind[place] -= 1.5
        slope = (float(value(tensor(ahead))[0].total) - float(value(tensor(behind))[0].total)) / 3
        assert gradient[place] == pytest.approx(slope, rel=0.02)


def test_alpha_beta_and_tv_weigh_the_parts_of_the_gradient(seen):
    def gradient(**weights):
        objective = Objective(seen["valid"], noise(), [plain()], CostWeights(**weights))
        return at_once(objective, noise(seed=5))[1].numpy()

    nothing = {"alpha": 0.0, "beta": 0.0, "tv": 0.0}
    parts = [gradient(**(nothing | {name: 1.0})) for name in nothing]
    together = gradient(alpha=2.0, beta=3.0, tv=4.0)
    np.testing.assert_allclose(together, np.tensordot([2.0, 3.0, 4.0], parts, 1), rtol=1e-4, atol=1e-9)


# Windows


CASES = [
    ("valid", (96, 83), "plain", "energy", 16),
    ("valid", (61, 130), "halves", "energy", 16),
    ("same", (75, 98), "halves", "energy", 12),
    ("same", (101, 66), "both", "notes", 8),
]


@pytest.mark.parametrize(("form", "size_hw", "kind", "normalisation", "tile"), CASES)
def test_window_by_window_value_and_gradient_are_those_of_the_whole(seen, form, size_hw, kind, normalisation, tile):
    regions = {"plain": [plain()], "halves": halves(size_hw), "both": [plain(7), *halves(size_hw)]}[kind]
    weights = CostWeights(1.0, 20.0 if normalisation == "energy" else 1e3, 0.3, normalisation)
    whole = Objective(seen[form], noise(size_hw), regions, weights)
    tiled = Objective(seen[form], noise(size_hw), regions, weights, tile=tile)
    picture = noise(size_hw, 5)
    expected, slope = at_once(whole, picture)
    assert tiled.tiled
    costs, gradient = tiled.value_and_gradient(tensor(picture))
    np.testing.assert_allclose(costs, expected, rtol=1e-5)
    assert_close(gradient, slope)


def test_a_tile_as_large_as_the_picture_is_no_tiling(seen):
    assert not Objective(seen["valid"], noise(), [plain()], tile=500).tiled


@pytest.mark.parametrize("tile", [0, 16])
def test_another_photograph_of_the_same_size_compiles_nothing_anew(tile, monkeypatch):
    traced, seen = [], small_perception()
    objective = Objective(seen, noise(), [plain()], tile=tile)
    value = objective.value_and_gradient if objective.tiled else tf.function(objective.value_and_gradient)
    picture = tensor(noise(seed=5))
    value(picture)
    with monkeypatch.context() as patch:
        patch.setattr(seen, "features", lambda *args, **more: traced.append(args))
        objective.look_at(noise(seed=8))
        costs, gradient = value(picture)
    assert not traced and objective.tiled == bool(tile)
    expected, slope = at_once(Objective(seen, noise(seed=8), [plain()]), picture[0].numpy())
    np.testing.assert_allclose(costs, expected, rtol=1e-5)
    assert_close(gradient, slope)


# Masks


@pytest.mark.parametrize("level", [1.0, 0.25])
def test_a_mask_of_one_value_is_no_mask(seen, level):
    mask = np.full(SIZE_HW, level, np.float32)
    masked, whole = (Objective(seen["valid"], noise(), [plain()._replace(mask=each)]) for each in (mask, None))
    found, expected = at_once(masked, noise(seed=5)), at_once(whole, noise(seed=5))
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-3, atol=1e-8)


def test_a_region_pulls_at_its_own_pixels_alone_and_counts_by_its_area(seen):
    left = np.zeros(SIZE_HW, np.float32)
    left[:, :24] = 1
    style_alone = CostWeights(alpha=0.0, beta=1.0, tv=0.0)

    def valued(*regions):
        return at_once(Objective(seen["valid"], noise(), regions, style_alone), noise(seed=5))

    one, other = plain(1)._replace(mask=left), plain(2)._replace(mask=1 - left)
    _, gradient = valued(one)
    assert np.abs(gradient[0, :, :24]).max() > 0
    assert np.abs(gradient[0, :, 24 + 16 :]).max() == 0  # a position of the last map looks 15 pixels wide
    both, alone = float(valued(one, other)[0].style), [float(valued(region)[0].style) for region in (one, other)]
    assert both == pytest.approx((24 * alone[0] + 59 * alone[1]) / 83, rel=1e-5)


def test_several_paintings_are_blended(seen):
    paintings = [noise((40, 50), seed) for seed in (1, 2)]
    style_alone = CostWeights(alpha=0.0, beta=1.0, tv=0.0)

    def style(weights):
        objective = Objective(seen["valid"], noise(), [Region(paintings, weights)], style_alone)
        return float(at_once(objective, noise())[0].style)

    assert style([1.0, 0.0]) != style([0.0, 1.0])
    assert style([2.0, 2.0]) == style([1.0, 1.0])


# Refusals


def test_a_mask_of_another_size_is_refused_with_both_sizes(seen):
    mask = np.ones((60, 83), np.float32)
    with pytest.raises(ValueError, match="A mask must have the size of the picture, 83 x 61. Received 83 x 60"):
        Objective(seen["valid"], noise(), [plain()._replace(mask=mask)])


def test_an_empty_mask_is_refused(seen):
    with pytest.raises(ValueError, match="A mask must not be completely black: its painting would have no effect"):
        Objective(seen["valid"], noise(), [plain()._replace(mask=np.zeros(SIZE_HW, np.float32))])


def test_no_painting_and_a_photograph_too_small_to_see_are_refused(seen):
    with pytest.raises(ValueError, match="`regions` must contain at least one painting. Received none"):
        Objective(seen["valid"], noise(), [])
    with pytest.raises(ValueError, match="sides of at least 12 pixels for small_valid. Received 60 x 11"):
        Objective(seen["valid"], noise((11, 60)), [plain()])


def test_another_photograph_of_another_size_is_refused(seen):
    objective = Objective(seen["valid"], noise(), [plain()])
    with pytest.raises(ValueError, match=r"`photo` must have the size \(61, 83\). Received \(61, 84\)"):
        objective.look_at(noise((61, 84)))


def test_a_network_whose_receptive_field_is_not_known_works_at_once_but_not_in_windows():
    model = small_network()
    block = InceptionModule(2, None, 2, None, 2, None, name="block")(model.get_layer("pool1").output)
    seen = Perception(type(model)(model.input, block), {"block": 1.0}, {"conv1": 1.0}, smallest=12)
    Objective(seen, noise(), [plain()])
    with pytest.raises(ValueError, match=r"The receptive field behind block \(InceptionModule\) is not known"):
        Objective(seen, noise(), [plain()], tile=16)
