"""Images of a trained network's feature maps and of its predictions for every window of an image."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

import cv2
import keras
import numpy as np
import tensorflow as tf

from cnn_suite.models.fully_convolutional import fully_convolutional
from cnn_suite.models.stylizer import styles_of
from cnn_suite.models.surgery import features_at

MOSAIC_PX = 640
MOST_CHANNELS = 64
GAP_PX = 2
AMBER = (255, 190, 0)


def map_layers(model: keras.Model) -> list[str]:
    """Names of the layers that give a map of features, `(batch, height, width, channels)`, in order."""
    return [
        layer.name
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
        and isinstance(layer.output, keras.KerasTensor)
        and len(layer.output.shape) == 4
    ]


def feature_maps(
    model: keras.Model, layer: str, picture_for: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """A view of a layer's channels beside one another, each from its least to its largest value.

    Args:
        model: A functional model of one picture; of a style network's styles, the first is looked at.
        layer: Name of a layer with a map of features.
        picture_for: From a picture, uint8 RGB, to one as it lies on the network's input.

    Returns:
        From uint8 RGB `(height, width, 3)` to a mosaic of up to 64 channels, uint8 RGB.
    """
    network = tf.function(features_at(model, [layer]), reduce_retracing=True)
    styles = styles_of(model)

    def draw(image_rgb: np.ndarray) -> np.ndarray:
        picture = tf.constant(picture_for(image_rgb)[None], tf.float32)
        inputs = picture if styles == 1 else [picture, tf.one_hot([0], styles)]
        return _mosaic(network(inputs)[layer].numpy()[0, ..., :MOST_CHANNELS])

    return draw


def _mosaic(maps: np.ndarray) -> np.ndarray:
    columns = ceil(sqrt(maps.shape[2]))
    rows = ceil(maps.shape[2] / columns)
    width = MOSAIC_PX // columns - GAP_PX
    height = max(1, round(width * maps.shape[0] / maps.shape[1]))
    least = maps.min(axis=(0, 1))
    grey = (255 * (maps - least) / np.maximum(maps.max(axis=(0, 1)) - least, 1e-12)).astype(np.uint8)
    sheet = np.zeros((rows * (height + GAP_PX), columns * (width + GAP_PX)), np.uint8)
    for channel in range(maps.shape[2]):
        top, left = (height + GAP_PX) * (channel // columns), (width + GAP_PX) * (channel % columns)
        tile = cv2.resize(grey[..., channel], (width, height), interpolation=cv2.INTER_NEAREST)
        sheet[top : top + height, left : left + width] = tile
    return cv2.cvtColor(sheet, cv2.COLOR_GRAY2RGB)


class ClassWindows:
    """A classifier on every window of a picture at once.

    Args:
        model: A classifier of pictures of known size.
        labels: Its classes.
        windows: How many windows, side by side, the picture's smaller side holds: more find smaller objects.

    Raises:
        ValueError: If the network cannot be made convolutional; see `fully_convolutional`.
    """

    def __init__(self, model: keras.Model, labels: Sequence[str], *, windows: int = 3):
        self.labels = tuple(labels)
        self._window_hw = model.inputs[0].shape[1:3]
        self._channels = model.inputs[0].shape[-1]
        self._windows = windows
        self._network = tf.function(fully_convolutional(model), reduce_retracing=True)

    def __call__(self, image_rgb: np.ndarray) -> np.ndarray:
        """Class probabilities of the windows, `(rows, columns, classes)`, of a picture, uint8 RGB."""
        scale = self._windows * max(self._window_hw) / min(image_rgb.shape[:2])
        sides = zip(image_rgb.shape[1::-1], self._window_hw[::-1])
        size_wh = [max(window, round(side * scale)) for side, window in sides]
        picture = cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_AREA)
        if self._channels == 1:
            picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
        return self._network(tf.constant(picture[None], tf.float32)).numpy()[0]

    def view(self, label: str) -> Callable[[np.ndarray], np.ndarray]:
        """A view of where a class is: bright where windows show it, with the surest one framed."""
        number = self.labels.index(label)

        def draw(image_rgb: np.ndarray) -> np.ndarray:
            return self._drawn(image_rgb, self(image_rgb)[..., number])

        return draw

    def _drawn(self, image_rgb: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities `(rows, columns)` as light on a dimmed picture."""
        height, width = image_rgb.shape[:2]
        side = round(min(height, width) / self._windows)
        windows_hw = (max(1, height - side), max(1, width - side))  # from the middle of the first to that of the last
        light = cv2.resize(probabilities, windows_hw[::-1], interpolation=cv2.INTER_LINEAR)
        before = side // 2
        light = cv2.copyMakeBorder(
            light, before, height - windows_hw[0] - before, before, width - windows_hw[1] - before, cv2.BORDER_REPLICATE
        )
        picture = np.rint(image_rgb * (0.3 + 0.7 * light[..., None])).astype(np.uint8)
        row, column = np.unravel_index(probabilities.argmax(), probabilities.shape)
        top = round(row * (height - side) / max(1, probabilities.shape[0] - 1))
        left = round(column * (width - side) / max(1, probabilities.shape[1] - 1))
        cv2.rectangle(picture, (left, top), (left + side - 1, top + side - 1), AMBER, 2)
        words = f"{probabilities.max():.2f}"
        return cv2.putText(picture, words, (left + 4, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, AMBER, 2, cv2.LINE_AA)
