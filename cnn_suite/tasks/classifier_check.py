"""Checks, before training, that a network can be trained and served as a classifier."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from cnn_suite.config import ConfigError
from cnn_suite.models.googlenet import AUXILIARY_LOSS_WEIGHTS
from cnn_suite.models.surgery import as_functional

SUM_TOLERANCE = 0.02  # a softmax over a thousand classes in bfloat16 misses 1 by less


def checked_classifier(model: Any, image_shape: Sequence[int], classes: int, builder: str) -> keras.Model:
    """The network that a builder made, where it gives every picture a probability for each class.

    Whether they are probabilities is seen on a picture of noise, so that any way of making them will do.

    Args:
        model: What a builder returned.
        image_shape: Height, width and channels of the pictures.
        classes: Number of classes.
        builder: Name of the builder, for messages.

    Returns:
        The same network as a functional model, which a `keras.Sequential` is not.

    Raises:
        ConfigError: If it is no model of one picture, has other outputs than `(batch, classes)` (or a dictionary of
            such, named as GoogLeNet's side branches), or their rows do not sum to 1.
    """
    inputs = getattr(model, "inputs", None) or ()  # a subclassed or unbuilt model has none
    if len(inputs) != 1:
        raise ConfigError(
            f"model.builder: {builder} must return a built keras.Model of one input, the picture. Received "
            f"{type(model).__name__} with {len(inputs)}."
        )
    model = as_functional(model)
    outputs = _outputs(model, builder)
    image = np.random.default_rng(0).integers(0, 256, (1, *image_shape)).astype("float32")
    answers = model(image, training=False)
    for name, output in outputs.items():
        shape = tuple(output.shape)
        if shape != (None, classes):
            raise ConfigError(
                f"model.builder: {builder} must end in {classes} probabilities, shape (None, {classes}), as there are "
                f"{classes} classes. Received {name} of shape {shape}. Name the builder of a classifier, with its top."
            )
        answer = answers[name] if isinstance(answers, dict) else answers
        shares = keras.ops.convert_to_numpy(answer)[0].astype("float32")
        if not (np.all(shares >= 0) and abs(shares.sum() - 1) <= SUM_TOLERANCE):
            raise ConfigError(
                f"model.builder: {builder} must end in a softmax: probabilities that sum to 1. For a picture of "
                f"noise {name} lies in [{shares.min():.3g}, {shares.max():.3g}] and sums to "
                f"{shares.sum():.3g}. Leave model.options.classifier_activation out, or name another builder."
            )
    return model


def _outputs(model: keras.Model, builder: str) -> dict[str, Any]:
    """Symbolic outputs by name: one, or those of GoogLeNet with side branches."""
    output = model.output
    if not isinstance(output, dict | list | tuple):
        return {"its output": output}
    if isinstance(output, dict) and set(output) == set(AUXILIARY_LOSS_WEIGHTS):
        return output
    raise ConfigError(
        f"model.builder: {builder} must have one output, or a dictionary of {', '.join(AUXILIARY_LOSS_WEIGHTS)}. "
        f"Received {', '.join(output) if isinstance(output, dict) else f'a list of {len(output)}'}."
    )
