"""The YOLOv3 loss of one head, term by term as Darknet computes it (yolo_layer.c), with IoU box losses as an option."""

from collections.abc import Sequence

import keras
from keras import ops

from cnn_suite.ops import boxes as box_ops
from cnn_suite.ops import yolo
from cnn_suite.ops.cross_entropy import sigmoid_cross_entropy
from cnn_suite.ops.yolo import best_overlap

BOX_LOSSES = ("darknet", "giou", "ciou")


@keras.saving.register_keras_serializable("cnn_suite")
class YoloLoss(keras.losses.Loss):
    """Loss of one YOLO head.

    Sums over cells and anchors, mean over the batch:
    box:        (2 - w h) (BCE(t_xy, o_xy) + 1/2 (t_wh - o_wh)^2) at positives, or 1 - GIoU, or 1 - CIoU;
    objectness: BCE(1, o) at positives; BCE(0, o) elsewhere, unless the decoded box overlaps a truth of the same
                picture by more than `ignore_iou`;
    class:      BCE of every class at positives; several classes may be true at once.

    `y_true` is `(batch, n, 5)`, unit xyxy and class id, any n. Rows with a negative class id are padding; if such a
    row has an area (a crowd) predictions that lie inside it by more than `ignore_iou` are ignored. `y_pred` is the
    head's raw output `(batch, rows, columns, anchors, 5 + classes)`.

    Args:
        anchors_px: `(k, 2)`, anchors of all heads in pixels of the network's input.
        mask: Indices of this head's anchors in `anchors_px`.
        stride: Input pixels per cell.
        scale_xy: Darknet's scale_x_y, the same as the head's.
        squared_sizes: Darknet's new_coords, the same as the head's; needs an IoU box loss.
        ignore_iou: Overlap above which a negative is ignored; 0.7 in yolov3.cfg, 0.5 is Darknet's default.
        match_iou: Shape IoU above which additional anchors are responsible for a truth; 1 means only the best anchor.
        neighbour_cells: Whether the two nearest neighbour cells are responsible too; needs an IoU box loss.
        box_loss: "darknet", "giou" or "ciou".
        rescore: Whether the target objectness of a positive is the IoU of its box rather than 1.
        box_weight, objectness_weight, class_weight: Factors of the three terms.

    Source: Redmon & Farhadi 2018, YOLOv3; Darknet's delta is -dL/do, which fixes each term.
    """

    def __init__(
        self,
        anchors_px: Sequence[Sequence[float]],
        mask: Sequence[int],
        stride: int,
        *,
        scale_xy: float = 1.0,
        squared_sizes: bool = False,
        ignore_iou: float = 0.7,
        match_iou: float = 1.0,
        neighbour_cells: bool = False,
        box_loss: str = "darknet",
        rescore: bool = False,
        box_weight: float = 1.0,
        objectness_weight: float = 1.0,
        class_weight: float = 1.0,
        name: str = "yolo_loss",
        reduction: str = "sum_over_batch_size",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if box_loss not in BOX_LOSSES:
            raise ValueError(f"`box_loss` must be one of {', '.join(BOX_LOSSES)}. Received {box_loss!r}.")
        if neighbour_cells and box_loss == "darknet":
            raise ValueError(
                "`neighbour_cells` needs centres outside their cell, which the Darknet box loss cannot represent. "
                'Received box_loss="darknet". Choose "ciou" or "giou" with a `scale_xy` of 2.'
            )
        if squared_sizes and box_loss == "darknet":
            raise ValueError(
                "`squared_sizes` limits a box's size by its anchor, which the Darknet box loss has no term for. "
                'Received box_loss="darknet". Choose "ciou" or "giou".'
            )
        self.anchors_px = [[float(w), float(h)] for w, h in anchors_px]
        self.mask = [int(i) for i in mask]
        self.stride = int(stride)
        self.scale_xy = scale_xy
        self.squared_sizes = squared_sizes
        self.ignore_iou = ignore_iou
        self.match_iou = match_iou
        self.neighbour_cells = neighbour_cells
        self.box_loss = box_loss
        self.rescore = rescore
        self.box_weight = box_weight
        self.objectness_weight = objectness_weight
        self.class_weight = class_weight

    @property
    def own_anchors_px(self) -> list[list[float]]:
        """The anchors of this head."""
        return [self.anchors_px[i] for i in self.mask]

    def call(self, y_true, y_pred):
        """Loss of every picture, `(batch,)`."""
        y_pred = ops.cast(y_pred, "float32")
        predicted = yolo.decode(
            y_pred, self.own_anchors_px, self.stride, scale_xy=self.scale_xy, squared_sizes=self.squared_sizes
        )
        target = yolo.assign(
            y_true,
            yolo.grid_of(y_pred),
            self.anchors_px,
            self.mask,
            self.stride,
            y_pred.shape[-1] - 5,
            match_iou=self.match_iou,
            neighbour_cells=self.neighbour_cells,
        )
        true_boxes = box_ops.cxcywh_to_xyxy(target.boxes)
        overlap = ops.stop_gradient(box_ops.paired_iou(predicted.boxes, true_boxes))
        wanted = target.positive * (overlap if self.rescore else 1.0)
        counted = ops.maximum(target.positive, ops.cast(~self._ignored(y_true, predicted.boxes), "float32"))
        objectness = counted * sigmoid_cross_entropy(wanted, y_pred[..., 4])
        named = target.positive * ops.sum(sigmoid_cross_entropy(target.classes, y_pred[..., 5:]), axis=-1)
        box = target.positive * self._box_terms(y_pred, predicted.boxes, target.boxes, true_boxes)
        terms = self.box_weight * box + self.objectness_weight * objectness + self.class_weight * named
        return ops.sum(terms, axis=(1, 2, 3))

    def _ignored(self, y_true, predicted_boxes):
        return best_overlap(y_true, predicted_boxes) > self.ignore_iou

    def _box_terms(self, y_pred, predicted_boxes, true_cxcywh, true_boxes):
        if self.box_loss == "ciou":
            return 1 - box_ops.paired_ciou(predicted_boxes, true_boxes)
        if self.box_loss == "giou":
            return 1 - box_ops.paired_giou(predicted_boxes, true_boxes)
        wanted = yolo.regression_targets(true_cxcywh, self.own_anchors_px, self.stride, scale_xy=self.scale_xy)
        scale = 2 - true_cxcywh[..., 2] * true_cxcywh[..., 3]
        xy = ops.sum(sigmoid_cross_entropy(wanted[..., 0:2], y_pred[..., 0:2]), axis=-1)
        wh = ops.sum((wanted[..., 2:4] - y_pred[..., 2:4]) ** 2, axis=-1) / 2
        return scale * (xy + wh)

    def get_config(self):
        """Arguments of the constructor."""
        names = (
            "anchors_px mask stride scale_xy squared_sizes ignore_iou match_iou neighbour_cells box_loss rescore "
            "box_weight objectness_weight class_weight"
        ).split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
