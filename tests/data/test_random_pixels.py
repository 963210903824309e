"""Random light, sharpness and loss of colour: off it changes nothing, on it stays within its ranges."""

import numpy as np

from cnn_suite.config_landmarks import Augmentation
from cnn_suite.data.random_pixels import random_pixels


def picture(seed=0):
    return np.random.default_rng(seed).integers(100, 156, (20, 30, 3), np.uint8)


def test_no_ranges_leave_the_picture_alone():
    settings = Augmentation(brightness=0, contrast=0, blur=0, grey=0)
    np.testing.assert_array_equal(random_pixels(picture(), np.random.default_rng(0), settings), picture())


def test_light_moves_the_mean_by_no_more_than_its_share():
    settings = Augmentation(brightness=0.2, contrast=0, blur=0, grey=0)
    means = [random_pixels(picture(), np.random.default_rng(seed), settings).mean() for seed in range(40)]
    shifts = np.array(means) - picture().mean()
    assert abs(shifts).max() <= 52 and shifts.min() < -25 and shifts.max() > 25


def test_contrast_keeps_the_mean():
    settings = Augmentation(brightness=0, contrast=0.5, blur=0, grey=0)
    found = [random_pixels(picture(), np.random.default_rng(seed), settings).astype(float) for seed in range(40)]
    assert max(abs(image.mean() - picture().mean()) for image in found) < 1
    deviations = [image.std() / picture().std() for image in found]
    assert min(deviations) < 0.7 and max(deviations) > 1.3


def test_blur_takes_detail_and_keeps_the_size():
    blurred = random_pixels(picture(), np.random.default_rng(0), Augmentation(brightness=0, contrast=0, blur=1, grey=0))
    assert blurred.shape == picture().shape and blurred.std() < picture().std()


def test_grey_takes_the_colours_and_keeps_the_light():
    red = np.full((4, 5, 3), (200, 0, 0), np.uint8)
    settings = Augmentation(brightness=0, contrast=0, blur=0, grey=1)
    np.testing.assert_array_equal(random_pixels(red, np.random.default_rng(0), settings), 60)  # 0.299 of red
    half = settings.model_copy(update={"grey": 0.5})
    greys = [np.ptp(random_pixels(red, np.random.default_rng(seed), half), axis=2).max() == 0 for seed in range(100)]
    assert 30 < sum(greys) < 70
