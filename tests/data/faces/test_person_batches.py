"""P people with K pictures each in every batch."""

from collections import Counter

import numpy as np
import pytest

from cnn_suite.data.faces.person_batches import people_and_pictures

IDS = np.repeat([0, 1, 2, 3, 4], [6, 3, 2, 1, 8])  # person 3 has a single picture


@pytest.mark.parametrize("people, pictures", [(2, 2), (4, 2), (3, 4)])
def test_every_batch_has_its_people_with_their_pictures(people, pictures):
    number_of = people_and_pictures(IDS, people, pictures, seed=1)
    for batch in range(6):
        size = people * pictures
        numbers = [number_of(index) for index in range(batch * size, (batch + 1) * size)]
        found = Counter(IDS[numbers].tolist())
        assert len(found) == people and set(found.values()) == {pictures} and 3 not in found


def test_pictures_of_a_batch_differ_while_there_are_enough():
    number_of = people_and_pictures(IDS, 2, 2, seed=1)
    for start in range(0, 40, 4):
        numbers = [number_of(index) for index in range(start, start + 4)]
        assert len(set(numbers)) == 4


def test_everybody_has_a_turn():
    number_of = people_and_pictures(IDS, 2, 2, seed=0)
    assert set(IDS[[number_of(index) for index in range(400)]]) == {0, 1, 2, 4}


@pytest.mark.parametrize("people, pictures", [(5, 2), (2, 1)])
def test_too_few_people_or_pictures_are_refused(people, pictures):
    with pytest.raises(ValueError, match="Received 4 such people. Use fewer people per batch"):
        people_and_pictures(IDS, people, pictures, seed=0)
