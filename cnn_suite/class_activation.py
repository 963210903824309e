"""Which parts of a picture speak for a class: gradient-weighted class activation maps (Grad-CAM).

The last feature map is summed over its channels, each weighted by how much more of it would raise the class's logit.

Source: Selvaraju et al. 2017, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization,
equations 1 and 2.
"""

from collections.abc import Callable, Sequence

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import layers

from cnn_suite.network_views import map_layers
from cnn_suite.runtime.draw import plain_text

SIDE_PX = 480
WHITE = (255, 255, 255)


class ClassActivation:
    """Class activation maps of a classifier.

    Args:
        model: A functional classifier of pictures with one output `(batch, classes)`.
        layer: Name of a layer with a feature map; None for the last one of more than one place.

    Raises:
        ValueError: If there is no such layer.
    """

    def __init__(self, model: keras.Model, layer: str | None = None):
        known = map_layers(model)
        if not known or layer not in (None, *known):
            raise ValueError(
                f"`layer` must be one of {model.name} that gives a feature map: "
                f"{', '.join(known[-5:]) or 'it has none'}. Received {layer!r}."
            )
        spread = [name for name in known if tuple(model.get_layer(name).output.shape[1:3]) != (1, 1)]
        maps = model.get_layer(layer or (spread or known)[-1]).output
        self._network = keras.Model(model.inputs[0], [maps, logits_of(model), model.outputs[0]])
        self._mapped = tf.function(self._graph, reduce_retracing=True)

    def __call__(self, picture: np.ndarray, class_id: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """How much every place speaks for a class.

        Args:
            picture: `(height, width, channels)`, 0..255, as it lies on the network's input.
            class_id: The class; None for the most likely one.

        Returns:
            Float32 `(rows, columns)` of the layer, at least 0, where negative sums are cut off, and the probabilities
            of all classes.
        """
        wanted = tf.constant(-1 if class_id is None else class_id)
        heat, probabilities = self._mapped(tf.constant(picture[None], tf.float32), wanted)
        return heat.numpy(), probabilities.numpy()

    def _graph(self, pictures: tf.Tensor, class_id: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pictures)  # all that follows depends on them, so that the map lies on the tape too
            maps, logits, probabilities = self._network(pictures, training=False)
            class_id = tf.where(class_id < 0, tf.argmax(logits[0], output_type=tf.int32), class_id)
            logit = logits[0, class_id]
        slopes = tape.gradient(logit, maps, unconnected_gradients="zero")
        weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(tf.cast(weights, tf.float32) * tf.cast(maps, tf.float32), axis=-1)[0])
        return heat, tf.cast(probabilities[0], tf.float32)


def logits_of(model: keras.Model) -> keras.KerasTensor:
    """The output of a classifier before the softmax at its end; its output if there is none."""
    layer = model.outputs[0]._keras_history.operation
    if not isinstance(layer, layers.Softmax) and getattr(layer, "activation", None) is not keras.activations.softmax:
        return model.outputs[0]
    if isinstance(layer, layers.Softmax | layers.Activation):
        return layer.input
    twin = layer.__class__.from_config({**layer.get_config(), "activation": None, "name": f"{layer.name}_logits"})
    logits = twin(layer.input)
    twin.set_weights(layer.get_weights())
    return logits


def activation_view(
    activation: ClassActivation,
    labels: Sequence[str],
    label: str | None,
    picture_for: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray], np.ndarray]:
    """A view of where a picture speaks for a class, as colours from blue to red on what the network sees of it.

    Args:
        activation: The classifier's maps.
        labels: Its classes.
        label: One of them; None for the most likely one of each picture.
        picture_for: From a picture, uint8 RGB, to one as it lies on the network's input.

    Returns:
        From uint8 RGB `(height, width, 3)` to uint8 RGB, 480 pixels high.
    """
    wanted = None if label is None else list(labels).index(label)

    def draw(image_rgb: np.ndarray) -> np.ndarray:
        picture = picture_for(image_rgb)
        heat, probabilities = activation(picture, wanted)
        shown = int(probabilities.argmax()) if wanted is None else wanted
        return _drawn(picture, heat, f"{labels[shown]} {probabilities[shown]:.2f}")

    return draw


def _drawn(picture: np.ndarray, heat: np.ndarray, words: str) -> np.ndarray:
    size_wh = round(SIDE_PX * picture.shape[1] / picture.shape[0]), SIDE_PX
    large = cv2.resize(picture, size_wh, interpolation=cv2.INTER_CUBIC)
    if large.ndim == 2:
        large = cv2.cvtColor(large, cv2.COLOR_GRAY2RGB)
    share = cv2.resize(heat / max(float(heat.max()), 1e-12), size_wh, interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    mixed = np.rint(0.5 * large + 0.5 * colours).astype(np.uint8)
    return cv2.putText(mixed, plain_text(words), (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, WHITE, 2, cv2.LINE_AA)
