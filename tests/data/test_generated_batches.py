"""Batches made on the fly: every example once a pass, the same after an interruption."""

import numpy as np

from cnn_suite.data.generated_batches import evaluation_batches, in_passes, training_batches


class Numbers:
    """Examples whose picture is their number and whose target is what chance gave them."""

    def __len__(self):
        return 5

    def still(self, number):
        return np.full((2, 2, 3), number, np.uint8), np.array([number], np.float32)

    def random(self, number, generator, settings):
        return self.still(number)[0], np.array([settings * generator.random()], np.float32)


def drawn(first, last):
    batches = training_batches(Numbers(), 2.0, 2, seed=3, first=first, last=last)
    return [(images[:, 0, 0, 0].tolist(), targets.ravel().tolist()) for images, targets in batches.as_numpy_iterator()]


def test_a_pass_has_every_number_once_and_the_next_in_another_order():
    number_of = in_passes(5, seed=1)
    passes = [[number_of(index) for index in range(start, start + 5)] for start in (0, 5, 10)]
    assert all(sorted(numbers) == list(range(5)) for numbers in passes)
    assert len({tuple(numbers) for numbers in passes}) > 1


def test_an_interrupted_training_goes_on_as_it_would_have():
    assert drawn(0, 12) == drawn(0, 4) + drawn(4, 12)


def test_pictures_are_floats_and_a_given_order_is_kept():
    batches = training_batches(Numbers(), 1.0, 3, seed=0, first=0, last=3, number_of=lambda index: 4 - index)
    ((images, _),) = batches.as_numpy_iterator()
    assert images.dtype == np.float32 and images[:, 0, 0, 0].tolist() == [4, 3, 2]


def test_evaluation_gives_all_in_order():
    found = [images[:, 0, 0, 0].tolist() for images, _ in evaluation_batches(Numbers(), 2).as_numpy_iterator()]
    assert found == [[0, 1], [2, 3], [4]]
