"""Augmentation of a classifier's pictures as the first layer of a network, instead of the input pipeline."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from cnn_suite.config_classification import Augmentation
from cnn_suite.data.classes.picture_augmentation import augment_pictures
from cnn_suite.data.classes.picture_views import centre_views


@keras.saving.register_keras_serializable("cnn_suite")
class PictureAugmentation(keras.layers.Layer):
    """Random changes of every picture in training, its middle otherwise.

    MixUp and CutMix are not done here: they change the classes too, which a layer does not see.

    Shapes: `(batch, height, width, 1 or 3)`, 0..255, to `(batch, *image_size_hw, channels)` of the layer's type.

    Args:
        settings: The `augmentation` section of a configuration, or a mapping of some of its fields.
        image_size_hw: Height and width of the results, at most those of the pictures.
        seed: Random seed; None for a random one.

    Raises:
        ValueError: If a setting does not exist or fit, or pictures are too small.
    """

    def __init__(
        self,
        settings: Augmentation | Mapping[str, Any],
        image_size_hw: Sequence[int],
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not isinstance(settings, Augmentation):
            settings = Augmentation.model_validate_json(json.dumps(dict(settings)))  # JSON has lists for tuples
        self.settings = settings
        self.image_size_hw = tuple(image_size_hw)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_jit = False  # XLA has no kernel for projective transforms

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Rejects pictures that are smaller than the results."""
        known = [(side, wanted) for side, wanted in zip(input_shape[1:3], self.image_size_hw) if side is not None]
        if any(side < wanted for side, wanted in known):
            raise ValueError(
                f"`{self.name}` outputs pictures of {self.image_size_hw} and needs inputs that are not smaller. "
                f"Received {tuple(input_shape)}."
            )

    def call(self, images: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Changed pictures in training, their middle otherwise."""
        if not training:
            return tf.cast(centre_views(images, self.image_size_hw), self.compute_dtype)
        pictures = images if images.dtype == tf.uint8 else tf.cast(images, tf.float32)
        seed = tf.cast(self.seed_generator.next(), tf.int64)
        return tf.cast(augment_pictures(pictures, seed, self.settings, self.image_size_hw), self.compute_dtype)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """`(batch, *image_size_hw, channels)`."""
        return (input_shape[0], *self.image_size_hw, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        own = {"settings": self.settings.model_dump(), "image_size_hw": self.image_size_hw, "seed": self.seed}
        return {**super().get_config(), **own}
