"""A pretrained encoding network as the teacher of a smaller one: its encodings, projected to the student's size.

The teacher's encodings of the training faces span fewer directions than they have numbers. The main ones (of their
covariance) carry what matters, so that the pupil is asked for the teacher's encoding in those, again of unit length.

Source: Hinton et al. 2015, Distilling the Knowledge in a Neural Network; Beyer et al. 2021, Knowledge distillation: A
good teacher is patient and consistent, whose teacher sees the very picture that the pupil sees.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.data.faces.aligned_faces import AlignedFaces
from cnn_suite.data.faces.face_blending import blended
from cnn_suite.data.generated_batches import evaluation_batches
from cnn_suite.models.mobileface import mobileface_v2

SIZE = 112  # of the faces that MobileFace V2 takes


class Teacher:
    """MobileFace V2 and the principal components of its encodings of some faces.

    Args:
        weights: Its weights file.
        faces: Faces whose encodings span the directions.
        dimensions: Size of the projected encodings.
    """

    def __init__(self, weights: Path, faces: AlignedFaces, dimensions: int):
        self._network = mobileface_v2(weights=weights)
        found = np.concatenate([self._encodings(images) for images, _ in evaluation_batches(faces, 64)])
        directions = np.linalg.eigh(found.T @ found)[1][:, ::-1]  # about the origin: only angles count
        self._directions = tf.constant(directions[:, :dimensions], tf.float32)

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Encodings of faces 0..255 `(batch, size, size, 3)`: float32 `(batch, dimensions)` of unit length."""
        return tf.linalg.l2_normalize(self._encodings(images) @ self._directions, axis=-1)

    def _encodings(self, images: tf.Tensor) -> tf.Tensor:
        if images.shape[1] != SIZE:
            images = tf.image.resize(images, (SIZE, SIZE))
        return self._network(images, training=False)


def taught(
    batches: tf.data.Dataset, teacher: Teacher, *, blend: float = 0.0, seed: int = 0, first: int = 0
) -> tf.data.Dataset:
    """Batches of faces with the teacher's encodings for targets.

    Args:
        batches: Faces 0..255 and whose they are, which a teacher need not know.
        teacher: What encodes them.
        blend: Probability of blending a face with another.
        seed: Seed of the mixing.
        first: Number of the first batch, where an interrupted training continues.
    """

    def with_targets(number: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        images = example[0]
        if blend:
            images = blended(images, blend, tf.stack([tf.cast(seed, tf.int64), number]))
        return images, teacher(images)

    return batches.enumerate(first).map(with_targets).prefetch(tf.data.AUTOTUNE)


def distillation_loss() -> keras.losses.Loss:
    """One minus the cosine between the pupil's and the teacher's encoding, up to a constant."""
    return keras.losses.CosineSimilarity(axis=-1)
