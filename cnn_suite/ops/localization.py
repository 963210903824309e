"""Localization in its simple forms: one object per picture, per grid cell, or per grid cell and anchor.

A target is [pc, bx, by, bh, bw, c1 .. cn]: whether there is an object, the midpoint, height and width of its box (in
this order, height first) and its class, one-hot. Without an object everything is 0 and only pc counts.
Coordinates of a whole picture's target run from (0, 0) at the upper left to (1, 1) at the lower right of the picture;
those of a cell's target likewise over the cell, so that bx and by lie between 0 and 1, and bh and bw exceed 1 if the
box is larger than its cell.

Source: Redmon et al. 2015, You Only Look Once, section 2; the anchors: Redmon & Farhadi 2016, YOLO9000.
"""

from keras import ops

from cnn_suite.ops import yolo
from cnn_suite.ops.boxes import cxcywh_to_xyxy, paired_iou, xyxy_to_cxcywh


def encode_localization(boxes, class_ids, classes: int):
    """Targets of pictures with at most one object each.

    Args:
        boxes: Unit xyxy, `(..., 4)`; meaningless where there is no object.
        class_ids: Int `(...)`; negative where there is no object (background).
        classes: Number of classes.

    Returns:
        Float32 `(..., 5 + classes)`: pc, bx, by, bh, bw, c1 .. cn.
    """
    class_ids = ops.cast(class_ids, "int32")
    present = ops.cast(class_ids >= 0, "float32")[..., None]
    one_hot = ops.one_hot(ops.maximum(class_ids, 0), classes)
    return present * ops.concatenate([ops.ones_like(present), _height_first(xyxy_to_cxcywh(boxes)), one_hot], axis=-1)


def decode_localization(output, *, from_logits: bool = False) -> yolo.Predictions:
    """Boxes and probabilities of targets, or of a network trained on them; the inverse of `encode_localization`.

    Args:
        output: Float `(..., 5 + classes)`: pc, bx, by, bh, bw, c1 .. cn.
        from_logits: Whether pc and the classes are logits (`LocalizationLoss` in its "mixed" form).

    Returns:
        `Predictions`: `boxes` unit xyxy `(..., 4)`, `objectness` pc `(...)`, `classes` `(..., classes)`.
    """
    output = ops.cast(output, "float32")
    return _predictions(output, _height_first(output[..., 1:5]), from_logits)


def localized(y_true, y_pred, confidence: float = 0.5, min_iou: float = 0.5):
    """Which pictures a network answers rightly: class and place of the object, or that there is none.

    Args:
        y_true: Targets `(..., 5 + classes)`.
        y_pred: Outputs of the same shape, whose pc and classes are logits.
        confidence: An object counts as found if pc times the probability of its class is at least this.
        min_iou: Overlap with the true box from which its place counts as found.

    Returns:
        Bool `(...)`. One minus their mean is the localization error of the ImageNet challenge, for the one best answer.

    Source: Russakovsky et al. 2014, ImageNet Large Scale Visual Recognition Challenge, section 4.2.
    """
    truth, found = decode_localization(y_true), decode_localization(y_pred, from_logits=True)
    is_found = found.objectness * ops.max(found.classes, axis=-1) >= confidence
    same_class = ops.argmax(found.classes, axis=-1) == ops.argmax(truth.classes, axis=-1)
    same_place = paired_iou(found.boxes, truth.boxes) >= min_iou
    there = truth.objectness > 0.5
    return (there & is_found & same_class & same_place) | ~(there | is_found)


def encode_grid(truths, grid_hw, classes: int):
    """Targets of a grid whose cells are responsible for one object each, such as 3 x 3 x 8.

    An object belongs to the cell of its midpoint alone, however many cells it covers; of two in one cell the last
    stays.

    Args:
        truths: `(batch, n, 5)`: unit xyxy and class id; rows with a negative class id are padding.
        grid_hw: Rows and columns.
        classes: Number of classes.

    Returns:
        Float32 `(batch, rows, columns, 5 + classes)`, box in units of its cell.
    """
    return encode_anchor_grid(truths, grid_hw, [(1.0, 1.0)], classes)[..., 0, :]


def encode_anchor_grid(truths, grid_hw, anchors_cells, classes: int):
    """Targets of a grid whose cells are responsible for one object per anchor, such as 3 x 3 x 2 x 8.

    An object belongs to the cell of its midpoint and to the anchor with the best shape IoU. Of two in one cell with the
    same anchor the last stays.

    Args:
        truths: `(batch, n, 5)`: unit xyxy and class id; rows with a negative class id are padding.
        grid_hw: Rows and columns.
        anchors_cells: `(anchors, 2)`, widths and heights in cells.
        classes: Number of classes.

    Returns:
        Float32 `(batch, rows, columns, anchors, 5 + classes)`, box in units of its cell.
    """
    mask = range(len(anchors_cells))
    target = yolo.assign(truths, grid_hw, anchors_cells, mask, 1, classes, several_classes=False)
    rows, columns = grid_hw
    cells = target.boxes * ops.convert_to_tensor([columns, rows, columns, rows], dtype="float32")
    positive = target.positive[..., None]
    xy = positive * (cells[..., 0:2] - yolo.cell_offsets(grid_hw))
    box = _height_first(ops.concatenate([xy, cells[..., 2:4]], axis=-1))
    return ops.concatenate([positive, box, target.classes], axis=-1)


def decode_grid(output, *, from_logits: bool = False) -> yolo.Predictions:
    """Boxes and probabilities of a grid, the inverse of `encode_grid` and `encode_anchor_grid`.

    Args:
        output: Float `(batch, rows, columns, 5 + classes)` or `(batch, rows, columns, anchors, 5 + classes)`.
        from_logits: As for `decode_localization`.

    Returns:
        `Predictions` of every cell, or of every cell and anchor; boxes in unit xyxy of the picture.

    Raises:
        ValueError: If `output` does not have four or five axes.
    """
    if len(output.shape) not in (4, 5):
        raise ValueError(
            "`output` must have shape (batch, rows, columns, 5 + classes), or one additional axis for the anchors. "
            f"Received shape {tuple(output.shape)}. A single picture needs a batch axis: `output[None]`."
        )
    output = ops.cast(output, "float32")
    rows, columns = yolo.grid_of(output)
    offsets = yolo.cell_offsets((rows, columns))
    box = _height_first(output[..., 1:5])
    xy = box[..., 0:2] + (offsets if len(output.shape) == 5 else offsets[:, :, 0])
    cells = ops.concatenate([xy, box[..., 2:4]], axis=-1)
    return _predictions(output, cells / ops.cast(ops.stack([columns, rows, columns, rows]), "float32"), from_logits)


def encode_landmarks(points, present):
    """Targets of pictures with one set of landmarks: pc, then x and y of every point.

    Args:
        points: Unit x, y, `(..., landmarks, 2)`.
        present: Bool `(...)`: whether the object is there; without it everything is 0.

    Returns:
        Float32 `(..., 1 + 2 * landmarks)`; 129 numbers for 64 landmarks.
    """
    points = ops.cast(points, "float32")
    present = ops.cast(present, "float32")[..., None]
    flat = ops.reshape(points, (*ops.shape(points)[:-2], points.shape[-2] * 2))
    return present * ops.concatenate([ops.ones_like(present), flat], axis=-1)


def _height_first(box):
    """Swaps the last two of x, y and two sides: w, h to h, w and back."""
    return ops.concatenate([box[..., 0:2], box[..., 3:4], box[..., 2:3]], axis=-1)


def _predictions(output, cxcywh, from_logits: bool) -> yolo.Predictions:
    present, named = output[..., 0], output[..., 5:]
    if from_logits:
        present, named = ops.sigmoid(present), yolo.class_softmax(named)
    return yolo.Predictions(cxcywh_to_xyxy(cxcywh), present, named)
