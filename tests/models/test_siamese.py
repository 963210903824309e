"""The siamese network: one encoder for two pictures, three heads, learning, saving."""

import keras
import numpy as np
import pytest

from cnn_suite.models.siamese import siamese


def encoder(seed=0, activation=None):
    keras.utils.set_random_seed(seed)
    picture = keras.Input((4, 5, 3), name="image")
    x = keras.layers.Dense(8, activation, name="dense")(keras.layers.Flatten()(picture))
    return keras.Model(picture, keras.layers.UnitNormalization(name="unit")(x), name="encoder")


def pictures(count=6, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(count, 4, 5, 3)).astype(np.float32) for _ in range(2)]


def test_the_distance_is_the_squared_length_of_the_encodings_difference():
    one, pair = encoder(), pictures()
    first, second = (np.asarray(one(side)) for side in pair)
    found = siamese(one)(pair)
    assert found.shape == (6, 1)
    np.testing.assert_allclose(found[:, 0], ((first - second) ** 2).sum(axis=1), rtol=1e-5)
    root = siamese(one, measure="euclidean")(pair)
    np.testing.assert_allclose(np.square(root), found, rtol=1e-5)


def test_an_encoder_may_be_a_sequential_with_an_input():
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, name="dense")]
    one, pair = keras.Sequential([keras.Input((4, 5, 3)), *layers]), pictures()
    first, second = (np.asarray(one(side)) for side in pair)
    np.testing.assert_allclose(siamese(one)(pair)[:, 0], ((first - second) ** 2).sum(axis=1), rtol=1e-4)
    with pytest.raises(ValueError, match="`encoder` must have one input .* Received 0 inputs"):
        siamese(keras.Sequential(layers))


def test_a_threshold_adds_the_decision_same_below_it():
    pair = pictures()
    distance = np.asarray(siamese(encoder())(pair))
    threshold = float(distance[2, 0])  # an equal distance is not below
    found = siamese(encoder(), threshold=threshold)(pair)
    assert sorted(found) == ["distance", "same"]
    np.testing.assert_array_equal(found["distance"], distance)
    np.testing.assert_array_equal(found["same"], (distance < threshold).astype(np.float32))
    assert 0 < found["same"].numpy().sum() < 6 and found["same"][2, 0] == 0


# The notes' formula: sigmoid(sum_k w_k |f(x1)_k - f(x2)_k| + b).
@pytest.mark.parametrize("head", ["absolute", "chi_square"])
def test_a_logistic_head_is_the_sigmoid_of_weighted_differences(head):
    one, pair = encoder(activation="relu"), pictures()
    model = siamese(one, head)
    weights, bias = np.linspace(-3, 1, 8)[:, None].astype(np.float32), np.array([0.7], np.float32)
    model.get_layer("same").set_weights([weights, bias])
    f1, f2 = (np.asarray(one(side), np.float64) for side in pair)
    difference = np.abs(f1 - f2)
    if head == "chi_square":
        difference = (f1 - f2) ** 2 / (f1 + f2 + 1e-6)
    np.testing.assert_allclose(model(pair), 1 / (1 + np.exp(-(difference @ weights + bias))), rtol=1e-4)


@pytest.mark.parametrize("head", ["distance", "absolute", "chi_square"])
def test_both_sides_share_their_weights_and_may_be_swapped(head):
    one = encoder()
    model, (first, second) = siamese(one, head), pictures()
    assert model.get_layer("encoder") is one
    assert model.count_params() == one.count_params() + (0 if head == "distance" else 9)
    np.testing.assert_allclose(model([first, second]), model([second, first]), rtol=1e-5)
    assert [side.name for side in model.inputs] == ["first", "second"]


@pytest.mark.parametrize("head", ["absolute", "chi_square"])
def test_a_logistic_head_learns_pairs_in_plain_fit(head):
    generator = np.random.default_rng(1)
    faces = generator.normal(size=(8, 4, 5, 3)) * 2
    people = generator.integers(0, 8, (2, 128))
    people[1, ::2] = people[0, ::2]
    pair = [(faces[side] + 0.3 * generator.normal(size=(128, 4, 5, 3))).astype(np.float32) for side in people]
    same = (people[0] == people[1]).astype(np.float32)[:, None]
    model = siamese(encoder(), head)
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    model.fit(pair, same, epochs=15, verbose=0)
    assert model.evaluate(pair, same, verbose=0, return_dict=True)["accuracy"] > 0.9


@pytest.mark.parametrize("options", [{"head": "distance", "threshold": 0.5}, {"head": "chi_square"}])
def test_a_saved_network_comes_back_equal(options, tmp_path):
    model, pair = siamese(encoder(), name="twins", **options), pictures()
    model.save(tmp_path / "twins.keras")
    again = keras.saving.load_model(tmp_path / "twins.keras")
    assert again.name == "twins"
    found, expected = again(pair), model(pair)
    for key in expected if isinstance(expected, dict) else [slice(None)]:
        np.testing.assert_array_equal(found[key], expected[key])


def test_half_precision_answers_in_32_bits():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        for head in ("distance", "absolute", "chi_square"):
            found = siamese(encoder(), head)(pictures())
            assert found.dtype == "float32" and np.isfinite(found).all()
    finally:
        keras.config.set_dtype_policy(before)


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`head` must be one of distance, absolute, chi_square. Received 'cosine'"):
        siamese(encoder(), "cosine")
    with pytest.raises(
        ValueError, match="apply to the head 'distance' only. Received head 'absolute', whose output is"
    ):
        siamese(encoder(), "absolute", threshold=0.5)
    with pytest.raises(ValueError, match="apply to the head 'distance' only"):
        siamese(encoder(), "chi_square", measure="cosine")
    with pytest.raises(ValueError, match="`measure` must be one of squared, euclidean, cosine. Received 'l1'"):
        siamese(encoder(), measure="l1")


def test_an_encoder_that_gives_no_encodings_is_refused():
    picture = keras.Input((4, 5, 3))
    with pytest.raises(ValueError, match=r"one output of shape \(batch, size\), such as .* \[\(None, 4, 5, 2\)\]"):
        siamese(keras.Model(picture, keras.layers.Conv2D(2, 1)(picture)))
