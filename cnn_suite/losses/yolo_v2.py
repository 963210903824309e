"""The YOLOv2 loss, term by term as Darknet computes it (region_layer.c): squared errors and softmax classes."""

from collections.abc import Sequence

import keras
from keras import ops

from cnn_suite.ops import boxes as box_ops
from cnn_suite.ops import yolo
from cnn_suite.ops.cross_entropy import softmax_cross_entropy


@keras.saving.register_keras_serializable("cnn_suite")
class YoloV2Loss(keras.losses.Loss):
    """Loss of a detector with one YOLOv2 head.

    Sums over cells and anchors, mean over the batch, p = sigmoid(objectness):
    box:        coord_scale / 2 (|t_xy - sigmoid(o_xy)|^2 + |t_wh - o_wh|^2) at positives;
    objectness: object_scale / 2 (IoU - p)^2 at positives, where the IoU of the predicted box with its truth counts as a
                constant; noobject_scale / 2 p^2 elsewhere, unless the decoded box overlaps a truth of the same picture
                by more than `ignore_iou`;
    class:      class_scale * softmax cross-entropy at positives.

    `y_true` is `(batch, n, 5)`, unit xyxy and class id, any n; rows with a negative class id are padding or, with an
    area, crowds, as for `YoloLoss`. Where two truths meet in one cell and anchor the last one stays, with its class.
    `y_pred` is the head's raw output `(batch, rows, columns, anchors, 5 + classes)`; decode it with
    `class_activation="softmax"`.

    Args:
        anchors_px: `(anchors, 2)`, widths and heights in pixels of the network's input; Darknet's, which count cells,
            times `stride`.
        stride: Input pixels per cell.
        noobject_scale, object_scale, coord_scale, class_scale: Factors of the terms, Darknet's names.
        ignore_iou: Overlap above which a negative is ignored, Darknet's thresh.
        rescore: Whether the target objectness of a positive is the IoU of its box; otherwise it is 1.
        prior_scale: Factor of a pull of every anchor that answers for nothing to its cell's centre and to its own size.
            Darknet has 0.01 for the first 12,800 pictures of a training and 0 ever after. A loss does not count
            pictures: fit with 0.01 first, then compile again with 0.

    Source: Redmon & Farhadi 2016, YOLO9000; Darknet's delta is -dL/do, which fixes each term.
    """

    def __init__(
        self,
        anchors_px: Sequence[Sequence[float]],
        stride: int,
        *,
        noobject_scale: float = 1.0,
        object_scale: float = 5.0,
        coord_scale: float = 1.0,
        class_scale: float = 1.0,
        ignore_iou: float = 0.6,
        rescore: bool = True,
        prior_scale: float = 0.0,
        name: str = "yolo_v2_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        scales = {
            "noobject_scale": noobject_scale,
            "object_scale": object_scale,
            "coord_scale": coord_scale,
            "class_scale": class_scale,
            "prior_scale": prior_scale,
        }
        for argument, scale in scales.items():
            if scale < 0:
                raise ValueError(
                    f"`{argument}` must be at least 0. Received {scale}. A negative value would reward errors."
                )
        self.anchors_px = [[float(w), float(h)] for w, h in anchors_px]
        self.stride = int(stride)
        self.noobject_scale = noobject_scale
        self.object_scale = object_scale
        self.coord_scale = coord_scale
        self.class_scale = class_scale
        self.ignore_iou = ignore_iou
        self.rescore = rescore
        self.prior_scale = prior_scale

    def call(self, y_true, y_pred):
        """Loss of every picture, `(batch,)`."""
        y_pred = ops.cast(y_pred, "float32")
        predicted = yolo.decode(y_pred, self.anchors_px, self.stride, class_activation="softmax")
        target = yolo.assign(
            y_true,
            yolo.grid_of(y_pred),
            self.anchors_px,
            range(len(self.anchors_px)),
            self.stride,
            y_pred.shape[-1] - 5,
            several_classes=False,
        )
        named = self.class_scale * softmax_cross_entropy(target.classes, y_pred[..., 5:])
        terms = self._box(y_pred, target) + self._objectness(y_true, predicted, target) + target.positive * named
        return ops.sum(terms, axis=(1, 2, 3))

    def _box(self, y_pred, target):
        place = ops.concatenate([ops.sigmoid(y_pred[..., 0:2]), y_pred[..., 2:4]], axis=-1)
        wanted = yolo.regression_targets(target.boxes, self.anchors_px, self.stride)
        error = ops.sum((wanted - place) ** 2, axis=-1) / 2
        pull = ops.sum((ops.convert_to_tensor([0.5, 0.5, 0.0, 0.0]) - place) ** 2, axis=-1) / 2
        return self.coord_scale * target.positive * error + self.prior_scale * (1 - target.positive) * pull

    def _objectness(self, y_true, predicted, target):
        overlap = ops.stop_gradient(box_ops.paired_iou(predicted.boxes, box_ops.cxcywh_to_xyxy(target.boxes)))
        wanted = overlap if self.rescore else 1.0
        free = ops.cast(yolo.best_overlap(y_true, predicted.boxes) <= self.ignore_iou, "float32")
        found = self.object_scale * target.positive * (wanted - predicted.objectness) ** 2
        empty = self.noobject_scale * (1 - target.positive) * free * predicted.objectness**2
        return (found + empty) / 2

    def get_config(self):
        """Arguments of the constructor."""
        names = (
            "anchors_px stride noobject_scale object_scale coord_scale class_scale ignore_iou rescore prior_scale"
        ).split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
