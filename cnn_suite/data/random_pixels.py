"""Random brightness, contrast, sharpness and loss of colour of a small picture, imitating different cameras."""

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

    @property
    def grey(self) -> float:
        """Probability of a picture without colours."""


def random_pixels(image: np.ndarray, generator: np.random.Generator, settings: PixelRanges) -> np.ndarray:
    """The picture, uint8 `(height, width, 3)`, with other light and contrast, less sharp or grey.

    Args:
        image: Uint8 `(height, width, 3)`.
        generator: Source of randomness.
        settings: Largest changes of brightness and contrast, as fractions, and the probabilities of blur and grey.
    """
    if generator.random() < settings.grey:
        image = np.repeat(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if generator.random() < settings.blur:
        height, width = image.shape[:2]
        share = generator.uniform(0.35, 0.9)
        small = max(8, round(width * share)), max(8, round(height * share))
        image = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
    gain = 1 + generator.uniform(-settings.contrast, settings.contrast)
    light = 255 * generator.uniform(-settings.brightness, settings.brightness)
    mean = image.mean()
    return np.clip((image - mean) * gain + mean + light, 0, 255).astype(np.uint8)
