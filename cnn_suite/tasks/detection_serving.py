"""From a picture to its boxes in one graph: resize, network, decode, non-max suppression.

The same graph serves SavedModel, LiteRT (built-in operators only) and the evaluation during `fit`, so that the
evaluated graph is the deployed one.
"""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_suite.config_detection import Export
from cnn_suite.data.views import boxes_in_picture, whole, whole_view, xy
from cnn_suite.models.yolo import yolo_heads
from cnn_suite.parity import Answer, Runtime
from cnn_suite.tasks import detection_parity
from cnn_suite.tasks.serving import Signature

IMAGES = tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")


class DetectionServing(tf.Module):
    """Signatures `serving_default` (final boxes) and `candidates` (everything before any filter).

    Args:
        model: A detector with YOLO heads.
        size_hw: Size of the network's input.
        settings: Thresholds of the graph.
        resize: How pictures are resized: "letterbox" or "stretch".
    """

    example_shape = None

    def __init__(self, model: keras.Model, size_hw: Sequence[int], settings: Export, resize: str = "letterbox"):
        super().__init__(name="detection")
        self.model = model
        self._heads = yolo_heads(model)
        self._size_hw = (int(size_hw[0]), int(size_hw[1]))
        self._settings = settings
        self._resize = resize

    @tf.function(input_signature=[IMAGES])
    def serving_default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Boxes of uint8 RGB pictures `(batch, height, width, 3)`.

        Returns:
            `boxes` float32 `(batch, n, 4)`, xyxy in pixels of the pictures, `scores` `(batch, n)`, `classes`
            int32 `(batch, n)`, best score first and 0 past `count` int32 `(batch,)`.
        """
        found = self._candidates(images)
        picks = tf.map_fn(
            lambda one: self._suppress(*one),
            (found["unit_boxes"], found["scores"], found["classes"]),
            fn_output_signature=(tf.int32, tf.float32, tf.int32),
        )
        return self._gathered(found["boxes"], found["classes"], *picks)

    @tf.function(input_signature=[IMAGES])
    def candidates(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Every candidate: `boxes` `(batch, N, 4)` in pixels, `objectness` `(batch, N)`, `class_probabilities`
        `(batch, N, classes)`."""
        found = self._candidates(images)
        return {name: found[name] for name in ("boxes", "objectness", "class_probabilities")}

    @property
    def signatures(self) -> dict[str, Signature]:
        """What a SavedModel serves."""
        return {"serving_default": self.serving_default, "candidates": self.candidates}

    @property
    def one_picture_signatures(self) -> dict[str, Signature]:
        """The same for a batch of one, in the form that LiteRT runs fastest."""
        return {"serving_default": self.one_picture, "candidates": self.candidates}

    @property
    def int8_body(self) -> str:
        """Operators inside the network, other than its heads."""
        heads = "|".join(re.escape(head.name) for head in self._heads)
        return rf"{re.escape(self.model.name)}(_\d+)?/(?!({heads})(_\d+)?/)"

    def on_input(self, picture: np.ndarray) -> np.ndarray:
        """A picture as it lies on the network's input, uint8."""
        return np.rint(whole(tf.constant(picture[None]), self._size_hw, self._resize)[0]).astype(np.uint8)

    def card(self) -> dict[str, dict[str, Any]]:
        """The parts `input`, `thresholds` and `model` of the model card."""
        return {
            "input": {"network_size_hw": list(self._size_hw), "resizing": f"{self._resize}, inside the graph"},
            "thresholds": self._settings.model_dump(include={"confidence", "iou", "max_detections", "score_floor"}),
            "model": {"heads": [{"stride": head.stride, "anchors_px": head.anchors_px} for head in self._heads]},
        }

    def differences(self, others: dict[str, Runtime], pictures: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
        """How far other runtimes are from this graph; see `detection_parity.parity`."""
        return detection_parity.parity(self._run, others, pictures, self._settings)

    def int8_differences(self, other: Runtime, pictures: Sequence[np.ndarray]) -> dict[str, Any]:
        """How far an 8-bit form is from this graph; see `detection_parity.agreement`."""
        return detection_parity.agreement(self._run, other, pictures, self._settings.confidence)

    def check(self, differences: dict[str, dict[str, Any]]) -> None:
        """Rejects differences that are too large; see `detection_parity.check`."""
        detection_parity.check(differences)

    def _run(self, signature: str, images: np.ndarray) -> Answer:
        return getattr(self, signature)(tf.constant(images))

    def one_picture(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_default` for a batch of one, without a loop: the form that LiteRT runs fastest."""
        found = self._candidates(images)
        picks = self._suppress(found["unit_boxes"][0], found["scores"][0], found["classes"][0])
        return self._gathered(found["boxes"], found["classes"], *(pick[None] for pick in picks))

    def _candidates(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        raw = self.model(whole(images, self._size_hw, self._resize), training=False)
        decoded = [head.decode(raw[head.name]) for head in self._heads]
        classes = self._heads[0].classes
        batch = images.shape[0] or tf.shape(images)[0]
        boxes = tf.concat([tf.reshape(d.boxes, (batch, -1, 4)) for d in decoded], axis=1)
        objectness = tf.concat([tf.reshape(d.objectness, (batch, -1)) for d in decoded], axis=1)
        named = tf.concat([tf.reshape(d.classes, (batch, -1, classes)) for d in decoded], axis=1)
        picture_hw = tf.shape(images)[1:3]
        unit_boxes = boxes_in_picture(boxes, whole_view(picture_hw, self._size_hw, self._resize))
        pixels = tf.cast(tf.tile(xy(picture_hw), [2]), tf.float32)
        # A box in the margin has no area left; LiteRT would return it again and again, as it does not suppress itself.
        has_area = tf.cast(tf.reduce_all(unit_boxes[..., 2:4] > unit_boxes[..., 0:2], axis=-1), tf.float32)
        return {
            "unit_boxes": unit_boxes,
            "boxes": unit_boxes * pixels,
            "objectness": objectness,
            "class_probabilities": named,
            "scores": objectness * tf.reduce_max(named, axis=-1) * has_area,
            "classes": tf.argmax(named, axis=-1, output_type=tf.int32),
        }

    def _suppress(self, unit_boxes, scores, class_ids):
        """Indices, scores and count of one picture's best boxes; boxes of different classes are moved apart, so that
        one call suppresses every class by itself."""
        apart = unit_boxes + 2.0 * tf.cast(class_ids, tf.float32)[:, None]
        indices, kept_scores, count = tf.raw_ops.NonMaxSuppressionV5(
            boxes=apart,
            scores=scores,
            max_output_size=self._settings.max_detections,
            iou_threshold=self._settings.iou,
            score_threshold=self._settings.score_floor,
            soft_nms_sigma=0.0,
            pad_to_max_output_size=True,
        )
        return indices, kept_scores, count

    def _gathered(self, boxes, class_ids, indices, scores, count) -> dict[str, tf.Tensor]:
        n = self._settings.max_detections
        indices = tf.reshape(indices, (boxes.shape[0] or -1, n))
        valid = tf.range(n)[None] < count[:, None]
        return {
            "boxes": tf.gather(boxes, indices, batch_dims=1) * tf.cast(valid, tf.float32)[..., None],
            "scores": tf.reshape(scores, (boxes.shape[0] or -1, n)) * tf.cast(valid, tf.float32),
            "classes": tf.gather(class_ids, indices, batch_dims=1) * tf.cast(valid, tf.int32),
            "count": count,
        }
