"""Sharpness-aware minimisation (SAM): steps that lower the largest loss near the weights, not the loss at them.

Where the loss is flat round the weights, a network errs less on pictures that it has not seen.

Source: Foret et al. 2021, Sharpness-Aware Minimization for Efficiently Improving Generalization, equations 2 and 3.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf


def minimise_sharpness(model: keras.Model, radius: float) -> None:
    """Makes `fit` take each step by the gradients of a point uphill of the weights, at twice the time of a step.

    Statistics of batch norms and metrics are those at the weights themselves. What is saved knows nothing of it.

    Args:
        model: A network, compiled afterwards, on Keras's TensorFlow backend.
        radius: Distance of the point, the paper's rho; 0.05 to 0.2 is usual.

    Raises:
        ValueError: If the radius is not positive.
    """
    if not radius > 0:
        raise ValueError(f"`radius` must be positive. Received {radius}.")
    model.train_step = partial(_train_step, model, radius)


def _train_step(model: keras.Model, radius: float, data: Any) -> Mapping[str, Any]:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    learned = model.trainable_variables

    def gradients_here() -> tuple[list[tf.Tensor | None], tf.Tensor, Any]:
        with tf.GradientTape() as tape:
            answer = model(x, training=True)
            loss = model.compute_loss(x, y, answer, sample_weight)
            scaled = model.optimizer.scale_loss(loss)
        return tape.gradient(scaled, learned), loss, answer

    uphill, loss, answer = gradients_here()
    kept = [*model.weights, *model.metrics_variables]  # with the statistics of batch norms
    before = [tf.identity(variable.value) for variable in kept]
    pace = tf.math.divide_no_nan(radius, tf.linalg.global_norm(uphill))
    for variable, gradient in zip(learned, uphill):
        if gradient is not None:
            variable.assign_add(pace * gradient)
    gradients, _, _ = gradients_here()
    for variable, value in zip(kept, before):
        variable.assign(value)
    model.optimizer.apply(gradients, learned)
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=tf.shape(keras.tree.flatten(x)[0])[0])
    return model.compute_metrics(x, y, answer, sample_weight)
