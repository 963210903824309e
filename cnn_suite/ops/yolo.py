"""The YOLO grid: from raw head outputs to boxes, and from true boxes to the responsible cells and anchors.

Shapes: a head's raw output is `(batch, rows, columns, anchors, 5 + classes)` with the channels x, y, w, h, objectness,
classes, as in Darknet. The network's input measures `rows * stride` by `columns * stride` pixels, so one head serves
every input size. Anchors are widths and heights in pixels of the network's input.

Source: Redmon & Farhadi 2018, YOLOv3; Darknet's yolo_layer.c and region_layer.c.
"""

from typing import Any, NamedTuple

from keras import ops

from cnn_suite.ops.boxes import cxcywh_to_xyxy, iou, shape_iou, xyxy_to_cxcywh

LARGEST_LOG_SIZE = 8.0  # exp(8) times an anchor is wider than any picture: the bound only keeps exp finite


class Predictions(NamedTuple):
    """Decoded predictions of one head: `boxes` unit xyxy `(batch, rows, columns, anchors, 4)`, `objectness`
    `(batch, rows, columns, anchors)` and `classes` `(..., classes)`, both probabilities."""

    boxes: Any
    objectness: Any
    classes: Any


class Assignment(NamedTuple):
    """The targets of one head: `positive` `(batch, rows, columns, anchors)` of 0 and 1, `boxes` the true box of
    each positive, unit cxcywh `(..., 4)`, and `classes` `(..., classes)`, 1 for every class that was put there."""

    positive: Any
    boxes: Any
    classes: Any


def cell_offsets(grid_hw):
    """Column and row of every cell, float `(rows, columns, 1, 2)` in x, y order."""
    rows, columns = grid_hw
    x, y = ops.meshgrid(ops.arange(columns), ops.arange(rows), indexing="xy")
    return ops.cast(ops.stack([x, y], axis=-1), "float32")[:, :, None, :]


def grid_of(raw):
    """Rows and columns of a raw head output, static where they are known."""
    shape = ops.shape(raw)
    return shape[1], shape[2]


def _columns_rows(grid_hw):
    return ops.cast(ops.stack([grid_hw[1], grid_hw[0]]), "float32")


def decode(
    raw,
    anchors_px,
    stride: int,
    *,
    scale_xy: float = 1.0,
    class_activation: str = "sigmoid",
    squared_sizes: bool = False,
) -> Predictions:
    """Boxes and probabilities of a raw head output.

    bx = (column + s * sigmoid(ox) - (s - 1) / 2) / columns, bw = anchor width * exp(ow) / input width, and likewise
    for y and h.

    Args:
        raw: Float `(batch, rows, columns, anchors, 5 + classes)`.
        anchors_px: `(anchors, 2)`, widths and heights in pixels of the network's input.
        stride: Input pixels per cell.
        scale_xy: s, Darknet's scale_x_y; above 1 lets a centre reach the cell's border and beyond.
        class_activation: "sigmoid" (v3, classes may overlap) or "softmax" (v2).
        squared_sizes: Darknet's new_coords: bw = anchor width * (2 sigmoid(ow))^2 / input width, at most four anchors.

    Returns:
        `Predictions`; boxes are not clipped to the picture.

    Raises:
        ValueError: If `raw` does not have five axes or not as many anchors as `anchors_px`.
    """
    if len(raw.shape) != 5 or raw.shape[3] != len(anchors_px):
        raise ValueError(
            f"`raw` must have shape (batch, rows, columns, {len(anchors_px)}, 5 + classes), one entry per anchor. "
            f"Received shape {tuple(raw.shape)}. Use the same anchors for the head and its loss."
        )
    grid_hw = grid_of(raw)
    raw = ops.cast(raw, "float32")
    columns_rows = _columns_rows(grid_hw)
    centre = scale_xy * ops.sigmoid(raw[..., 0:2]) - (scale_xy - 1) / 2
    xy = (cell_offsets(grid_hw) + centre) / columns_rows
    if squared_sizes:
        size = (2 * ops.sigmoid(raw[..., 2:4])) ** 2
    else:
        size = ops.exp(ops.minimum(raw[..., 2:4], LARGEST_LOG_SIZE))
    wh = size * _anchor_cells(anchors_px, stride) / columns_rows
    boxes = cxcywh_to_xyxy(ops.concatenate([xy, wh], axis=-1))
    named = class_softmax(raw[..., 5:]) if class_activation == "softmax" else ops.sigmoid(raw[..., 5:])
    return Predictions(boxes, ops.sigmoid(raw[..., 4]), named)


def class_softmax(logits):
    """Softmax over the last axis; without Keras's warning for a single class, whose probability is 1."""
    return ops.softmax(logits) if logits.shape[-1] > 1 else ops.ones_like(logits)


def _anchor_cells(anchors_px, stride: int):
    return ops.convert_to_tensor(anchors_px, dtype="float32") / stride


def regression_targets(boxes, anchors_px, stride: int, *, scale_xy: float = 1.0):
    """The values that `decode` turns into `boxes`: sigmoid(ox), sigmoid(oy), ow, oh at every cell and anchor.

    Args:
        boxes: Unit cxcywh, `(batch, rows, columns, anchors, 4)`; those without area give 0 for ow and oh.
        anchors_px: As for `decode`.
        stride: As for `decode`.
        scale_xy: As for `decode`.

    Returns:
        Float `(batch, rows, columns, anchors, 4)`.
    """
    grid_hw = grid_of(boxes)
    columns_rows = _columns_rows(grid_hw)
    xy = boxes[..., 0:2] * columns_rows - cell_offsets(grid_hw)
    ratio = boxes[..., 2:4] * columns_rows / _anchor_cells(anchors_px, stride)
    log_wh = ops.log(ops.where(ratio > 0, ratio, ops.ones_like(ratio)))
    return ops.concatenate([(xy + (scale_xy - 1) / 2) / scale_xy, log_wh], axis=-1)


def assign(
    truths,
    grid_hw,
    anchors_px,
    mask,
    stride: int,
    classes: int,
    *,
    match_iou: float = 1.0,
    neighbour_cells: bool = False,
    several_classes: bool = True,
) -> Assignment:
    """Assigns every true box to a cell and an anchor of one head.

    A truth belongs to the cell of its centre and to the anchor with the best shape IoU over all heads; the head that
    owns that anchor is responsible for it. If two truths meet in one cell and anchor the last one's box stays, as in
    Darknet.

    Args:
        truths: `(batch, n, 5)`: unit xyxy and class id; rows with a negative class id are padding.
        grid_hw: Rows and columns of this head.
        anchors_px: `(k, 2)`, the anchors of all heads, in pixels of the network's input.
        mask: Indices of this head's anchors in `anchors_px`.
        stride: Input pixels per cell of this head.
        classes: Number of classes.
        match_iou: Anchors of this head with a larger shape IoU are responsible too (Darknet's iou_thresh); 1: off.
        neighbour_cells: The two cells nearest to the centre, beside its own, answer too (as in YOLOv5); needs a
            `scale_xy` of about 2 for the centre to be reached.
        several_classes: The classes of truths that meet add up (v3); otherwise the last one's alone stays (v2).

    Returns:
        `Assignment` on this head's grid.
    """
    rows, columns = grid_hw
    truths = _with_padding_row(truths)
    boxes, class_ids = xyxy_to_cxcywh(truths[..., 0:4]), truths[..., 4]
    columns_rows = _columns_rows(grid_hw)
    fit = shape_iou(boxes[..., 2:4] * columns_rows * stride, ops.convert_to_tensor(anchors_px, dtype="float32"))
    best = ops.one_hot(ops.argmax(fit, axis=-1), len(anchors_px), dtype="bool")
    owned = ops.take(best | (fit > match_iou), ops.convert_to_tensor(mask, dtype="int32"), axis=-1)
    usable = (class_ids >= 0) & (boxes[..., 2] > 0) & (boxes[..., 3] > 0)
    cells, inside = _cells(boxes[..., 0:2] * columns_rows, grid_hw, neighbour_cells)  # (batch, n, spots, 2)
    taken = owned[:, :, None, :] & inside[..., None] & usable[:, :, None, None]  # (batch, n, spots, anchors)
    slot = (cells[..., 1] * columns + cells[..., 0])[..., None] * len(mask) + ops.arange(len(mask), dtype="int32")
    return _scatter(taken, slot, boxes, class_ids, (rows, columns, len(mask)), classes, several_classes)


def _with_padding_row(truths):
    """One row of padding ahead, so that a batch without any object has something to look at."""
    truths = ops.cast(truths, "float32")
    return ops.pad(truths, ((0, 0), (1, 0), (0, 0)), constant_values=-1.0)


def _cells(centre, grid_hw, neighbour_cells: bool):
    """Cells that answer for a centre (in cells): `(batch, n, spots, 2)` int32 as x, y, and whether each lies inside."""
    rows, columns = grid_hw
    last = ops.cast(ops.stack([columns - 1, rows - 1]), "int32")
    own = ops.clip(ops.cast(ops.floor(centre), "int32"), 0, last)
    if not neighbour_cells:
        return own[:, :, None, :], ops.ones_like(own[:, :, :1], dtype="bool")
    step = ops.where(centre - ops.cast(own, "float32") < 0.5, -1, 1)
    along_x = own + step * ops.convert_to_tensor([1, 0], dtype="int32")
    along_y = own + step * ops.convert_to_tensor([0, 1], dtype="int32")
    cells = ops.stack([along_x, along_y, own], axis=2)
    return cells, ops.all((cells >= 0) & (cells <= last), axis=-1)


def _scatter(taken, slot, boxes, class_ids, head_shape, classes: int, several_classes: bool) -> Assignment:
    """Writes truths into the head's slots; a later truth replaces an earlier one, classes may accumulate."""
    batch, truths = ops.shape(taken)[0], ops.shape(taken)[1]
    per_picture = head_shape[0] * head_shape[1] * head_shape[2]
    total = batch * per_picture
    picture = ops.arange(batch, dtype="int32")[:, None, None, None]
    segment = ops.reshape(ops.where(taken, slot + picture * per_picture, total), (-1,))
    order = ops.broadcast_to(
        picture * truths + ops.arange(truths, dtype="int32")[None, :, None, None], ops.shape(taken)
    )
    winner = ops.segment_max(ops.reshape(order, (-1,)), segment, num_segments=total + 1)[:-1]
    positive = ops.cast(winner >= 0, "float32")
    box = ops.take(ops.reshape(boxes, (-1, 4)), ops.maximum(winner, 0), axis=0) * positive[:, None]
    one_hot = ops.one_hot(ops.cast(ops.maximum(ops.reshape(class_ids, (-1,)), 0), "int32"), classes)
    if several_classes:
        written = ops.take(one_hot, ops.reshape(order, (-1,)), axis=0)
        named = ops.maximum(ops.segment_max(written, segment, num_segments=total + 1)[:-1], 0.0)
    else:
        named = ops.take(one_hot, ops.maximum(winner, 0), axis=0) * positive[:, None]
    shape = (batch, *head_shape)
    return Assignment(
        ops.reshape(positive, shape), ops.reshape(box, (*shape, 4)), ops.reshape(named, (*shape, classes))
    )


def best_overlap(truths, predicted_boxes):
    """Best overlap of every predicted box with a truth of its own picture.

    Args:
        truths: `(batch, n, 5)`, unit xyxy and class id; rows without area overlap nothing. For rows with a negative
            class id and an area (crowds) the overlap is the fraction of the prediction that lies inside, else the IoU.
        predicted_boxes: Unit xyxy, `(batch, rows, columns, anchors, 4)`.

    Returns:
        Float `(batch, rows, columns, anchors)`, without gradient.
    """
    shape = ops.shape(predicted_boxes)
    flat = ops.reshape(predicted_boxes, (shape[0], -1, 4))
    nothing = ops.zeros((shape[0], 1, 5), dtype="float32")  # so that a batch without objects has a maximum
    truths = ops.concatenate([nothing, ops.cast(truths, "float32")], axis=1)
    overlap = iou(flat, truths[..., 0:4], crowd=truths[..., 4] < 0)
    return ops.stop_gradient(ops.reshape(ops.max(overlap, axis=-1), shape[:-1]))
