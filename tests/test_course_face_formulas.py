"""The formulas of the course's face chapters, from one-shot learning to binary classification, as worked examples."""

import math

import keras
import numpy as np
import pytest

from cnn_suite.layers.pair_difference import PairDifference
from cnn_suite.losses.triplet import TripletLoss
from cnn_suite.models.siamese import siamese
from cnn_suite.ops.embeddings import paired_distances, pairwise_distances
from cnn_suite.ops.triplets import RULES, choose_triplets, triplet_costs

# Encodings of unit length: A, P of the same person, N of another one.
ANCHOR, POSITIVE, NEGATIVE = np.array([[1.0, 0.0]]), np.array([[0.8, 0.6]]), np.array([[0.6, 0.8]])


def named(value):
    """A network f whose encoding of a picture is the picture itself."""
    picture = keras.Input((value,), name="image")
    return keras.Model(picture, keras.layers.Identity()(picture), name="f")


# One-shot learning: "if this degree is lower than some defined threshold" it is the person. A database of three, one
# picture each; a fourth person joins without any training.
def test_one_picture_a_person_is_enough_for_the_similarity_function_d():
    database = {"ann": [1.0, 0.0], "bob": [0.0, 1.0], "cem": [-1.0, 0.0]}

    def who(encoding, threshold=0.5):
        distances = np.asarray(pairwise_distances(np.array([encoding]), np.array(list(database.values()))))[0]
        return list(database)[distances.argmin()] if distances.min() < threshold else "not recognized"

    assert who([0.8, 0.6]) == "ann"  # 0.2^2 + 0.6^2 = 0.4
    assert who([0.0, -1.0]) == "not recognized"  # 2 from Ann and from Cem
    database["dot"] = [0.0, -1.0]
    assert who([0.0, -1.0]) == "dot"


# d(x1, x2) = ||f(x1) - f(x2)||^2: 0.2^2 + 0.6^2 = 0.4; 0.4^2 + 0.8^2 = 0.8.
def test_d_is_the_squared_length_of_the_difference_of_two_encodings():
    assert float(paired_distances(ANCHOR, POSITIVE)[0]) == pytest.approx(0.4)
    assert float(paired_distances(ANCHOR, NEGATIVE)[0]) == pytest.approx(0.8)
    assert float(siamese(named(2))([ANCHOR, NEGATIVE])[0, 0]) == pytest.approx(0.8)


# ||f(x1) - f(x2)||^2 = 2 - 2 cos for encodings of unit length: 2 - 2 * 0.8.
def test_d_of_unit_length_is_2_minus_twice_the_cosine():
    assert float(paired_distances(ANCHOR, POSITIVE)[0]) == pytest.approx(2 - 2 * (ANCHOR @ POSITIVE.T).item())


# L(A, P, N) = max(d(A, P) - d(A, N) + alpha, 0): 0.4 - 0.8 + 0.5 = 0.1; with alpha = 0.2 it is -0.2, so 0.
@pytest.mark.parametrize(("alpha", "expected"), [(0.5, 0.1), (0.2, 0.0)])
def test_the_triplet_loss_of_one_triplet(alpha, expected):
    distances = pairwise_distances(np.concatenate([ANCHOR, POSITIVE, NEGATIVE]))
    costs = triplet_costs(choose_triplets(distances, np.array([0, 0, 1]), rule="all"), margin=alpha)
    assert float(costs[0, 1, 2]) == pytest.approx(expected, abs=1e-6)


# J is the sum of L over the training set; ours is its mean. The other triplet's anchor is P: d(P, A) = 0.4 and
# d(P, N) = 0.2^2 + 0.2^2 = 0.08, so 0.4 - 0.08 + 0.5 = 0.82. J = 0.1 + 0.82.
def test_the_cost_is_the_sum_over_triplets_of_which_the_loss_is_the_mean():
    encodings = np.concatenate([ANCHOR, POSITIVE, NEGATIVE])
    loss = TripletLoss("all", 0.5, average="chosen")
    assert 2 * float(loss(np.array([0, 0, 1]), encodings)) == pytest.approx(0.1 + 0.82, rel=1e-5)


# "If f always outputs 0, these two norms are 0 - 0 = 0, and we can trivially satisfy" d(A, P) <= d(A, N); the margin
# makes it cost exactly alpha, and so for any constant f.
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("constant", [0.0, 0.5])
def test_the_trivial_solution_costs_exactly_the_margin(constant, rule):
    people, encodings = np.array([0, 0, 1, 1, 2]), np.full((5, 3), constant)
    distances = np.asarray(pairwise_distances(encodings))
    assert (distances <= distances.T).all()  # d(A, P) <= d(A, N) holds for all
    assert float(TripletLoss(rule, 0.25)(people, encodings)) == 0.25


# "We need to make sure that our training set has some pairs of different images of the same person."
def test_one_picture_of_everybody_makes_no_triplet():
    assert float(TripletLoss("all")(np.arange(3), np.eye(3))) == 0


# "If A, P and N are chosen randomly, d(A, P) + alpha <= d(A, N) is easily satisfied": of people far apart but for two
# who look alike, random triplets teach little and hard ones a lot.
def test_hard_triplets_teach_where_random_ones_are_satisfied():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(10), 4)
    centres = 3 * np.eye(10)
    centres[1] = centres[0] + 0.1
    encodings = centres[people] + 0.1 * generator.normal(size=(40, 10))
    random, hard = (float(TripletLoss(rule, 0.5)(people, encodings)) for rule in ("random", "batch_hard"))
    assert hard > 3 * random


# y = sigmoid(sum_k w_k |f(x1)_k - f(x2)_k| + b): w = (-2, -1), b = 1: |1 - 0.8| and |0 - 0.6| give -0.4 - 0.6 + 1 = 0
# and y = 1/2; for A and N -0.8 - 0.8 + 1 = -0.6.
def test_verification_as_binary_classification_on_absolute_differences():
    model = siamese(named(2), "absolute")
    model.get_layer("same").set_weights([np.array([[-2.0], [-1.0]]), np.array([1.0])])
    assert float(model([ANCHOR, POSITIVE])[0, 0]) == pytest.approx(0.5)
    assert float(model([ANCHOR, NEGATIVE])[0, 0]) == pytest.approx(1 / (1 + math.exp(0.6)))


# (f1 - f2)^2 / (f1 + f2): 0.2^2 / 1.8 and 0.6^2 / 0.6 = 0.6.
def test_the_chi_square_of_two_encodings():
    found = np.asarray(PairDifference("chi_square")([ANCHOR, POSITIVE]))[0]
    np.testing.assert_allclose(found, [0.04 / 1.8, 0.6], rtol=1e-4)
    model = siamese(named(2), "chi_square")
    model.get_layer("same").set_weights([np.array([[-9.0], [-1.0]]), np.array([0.8])])
    assert float(model([ANCHOR, POSITIVE])[0, 0]) == pytest.approx(0.5, abs=1e-5)  # -0.2 - 0.6 + 0.8 = 0


def test_encodings_are_of_128_numbers_and_both_branches_have_the_same_parameters():
    from cnn_suite.models.face_embedding import face_embedding

    f = face_embedding((32, 32, 3))
    assert f.output_shape == (None, 128)
    assert siamese(f).count_params() == f.count_params()
