"""Random brightness, contrast and sharpness of a small picture, imitating different cameras."""

from typing import Protocol

import cv2
import numpy as np


class PixelRanges(Protocol):
    """The augmentation settings."""

    @property
    def brightness(self) -> float:
        """Largest change of light, as a fraction of white."""

    @property
    def contrast(self) -> float:
        """Largest change of contrast, as a share."""

    @property
    def blur(self) -> float:
        """Probability of a loss of sharpness."""


def random_pixels(image: np.ndarray, generator: np.random.Generator, settings: PixelRanges) -> np.ndarray:
    """The picture, uint8 `(height, width, 3)`, with other light and contrast, and with probability `blur` less sharp.

    Args:
        image: Uint8 `(height, width, 3)`.
        generator: Source of randomness.
        settings: Largest changes of brightness and contrast, as fractions, and the probability of blur.
    """
    if generator.random() < settings.blur:
        height, width = image.shape[:2]
        share = generator.uniform(0.35, 0.9)
        small = max(8, round(width * share)), max(8, round(height * share))
        image = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
    gain = 1 + generator.uniform(-settings.contrast, settings.contrast)
    light = 255 * generator.uniform(-settings.brightness, settings.brightness)
    mean = image.mean()
    return np.clip((image - mean) * gain + mean + light, 0, 255).astype(np.uint8)
