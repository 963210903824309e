"""An image preprocessed for the input of a trained network."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from cnn_suite.config import RunConfig
from cnn_suite.data.picture_resize import resized
from cnn_suite.tasks.choice import task_of


def picture_for(model: keras.Model, config: RunConfig) -> Callable[[np.ndarray], np.ndarray]:
    """The function from a picture, uint8 RGB `(height, width, 3)`, to one of the network's size and channels, uint8.

    Args:
        model: A network of one input.
        config: What it was trained with.
    """
    serving = task_of(config.task).serving_model(model, config)
    shape = model.inputs[0].shape[1:]
    return lambda picture: _middle(serving.on_input(picture), shape)


def _middle(picture: np.ndarray, shape: Sequence[int | None]) -> np.ndarray:
    height, width, channels = (wanted or found for wanted, found in zip(shape, picture.shape))
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return resized(picture[top : top + height, left : left + width], (height, width), "crop", channels)
