"""Batches of P people with K pictures each, so that every batch has several pictures of the same person."""

from collections.abc import Callable

import numpy as np


def people_and_pictures(
    person_ids: np.ndarray, people: int, pictures: int, seed: int
) -> Callable[[int], int]:
    """From the place in an endless training to the number of a picture, so that every batch has P people with K each.

    Pictures of a person with fewer than K are repeated; people with a single picture are omitted.

    Args:
        person_ids: Person of every picture, int `(n,)`.
        people: P.
        pictures: K, at least 2.
        seed: Seed of the choice.

    Returns:
        Function of the place; places b * P * K up to (b + 1) * P * K are batch b.

    Raises:
        ValueError: If fewer than P people have two pictures, or K is less than 2.

    Source: Hermans et al. 2017, In Defense of the Triplet Loss, section 2.
    """
    of_person = [np.flatnonzero(person_ids == person) for person in np.unique(person_ids)]
    usable = [numbers for numbers in of_person if len(numbers) > 1]
    if pictures < 2 or len(usable) < people:
        raise ValueError(
            f"A batch of {people} people with {pictures} pictures each needs at least 2 pictures per person and that "
            f"many people with 2. Received {len(usable)} such people. Use fewer people per batch."
        )
    size = people * pictures

    def number_of(index: int) -> int:
        batch, place = divmod(index, size)
        chosen = np.random.default_rng((seed, batch)).permutation(len(usable))[:people]
        numbers = usable[chosen[place // pictures]]
        order = np.random.default_rng((seed, batch, place // pictures)).permutation(len(numbers))
        return int(numbers[order[place % pictures % len(numbers)]])

    return number_of
