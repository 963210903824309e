"""Statistics of a detection data set: classes, sizes, crowding, how well anchors fit, and which objects collide.

NumPy only. Sizes are in pixels of the picture where they describe the data, and in pixels of the network's
letterboxed input where anchors and grid cells are concerned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.ops.anchors import anchor_fit, kmeans_anchors, shape_iou

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_SMALL_PX2, _MEDIUM_PX2 = 32**2, 96**2  # COCO's area ranges (cocoapi, cocoeval.py)

Pictures = Sequence[AnnotatedPicture]


@dataclass(frozen=True)
class AnchorFit:
    """How well anchors fit the boxes, both in pixels of the network's input.

    `source` is "given" or "k-means"; `mean_iou` the mean best shape IoU, `share_above_half` the share of boxes whose
    best shape IoU is above 0.5.
    """

    source: str
    anchors_px: np.ndarray
    mean_iou: float
    share_above_half: float


@dataclass(frozen=True)
class Collisions:
    """Objects that share one grid cell and one anchor, so that only one of them can be learned there.

    `overwritten` counts the objects that lose their place, `by_stride` the same for each head.
    """

    objects: int
    overwritten: int
    pictures: int
    by_stride: dict[int, int]


def class_histogram(splits: Mapping[str, Pictures], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Number of boxes of each class in each split."""
    histogram = {}
    for split, pictures in splits.items():
        counts = np.bincount(_concatenated([p.class_ids for p in pictures], (0,)).astype(int), minlength=len(labels))
        histogram[split] = {label: int(count) for label, count in zip(labels, counts)}
    return histogram


def size_histogram(pictures: Pictures) -> dict[str, int]:
    """Number of objects that COCO calls small (area below 32 x 32 px), medium (below 96 x 96 px) and large."""
    areas = _concatenated([picture.area_px for picture in pictures], (0,))
    small, below_large = int((areas < _SMALL_PX2).sum()), int((areas < _MEDIUM_PX2).sum())
    return {"small": small, "medium": below_large - small, "large": len(areas) - below_large}


def size_quantiles(pictures: Pictures) -> dict[str, list[float]]:
    """Quantiles (`QUANTILES`) of box width and height in pixels; empty lists where there is no box."""
    wh = _wh_px(pictures)
    if not len(wh):
        return {"width_px": [], "height_px": []}
    width, height = np.quantile(wh, QUANTILES, axis=0).T
    return {"width_px": [float(value) for value in width], "height_px": [float(value) for value in height]}


def boxes_per_picture(pictures: Pictures) -> dict[str, float]:
    """Fewest, mean, median and most boxes of a picture, and the number of background pictures."""
    counts = np.array([len(picture.class_ids) for picture in pictures] or [0])
    return {
        "fewest": int(counts.min()),
        "mean": float(counts.mean()),
        "median": float(np.median(counts)),
        "most": int(counts.max()),
        "background": int(sum(len(picture.class_ids) == 0 for picture in pictures)),
    }


def picture_sizes(pictures: Pictures) -> dict[str, int]:
    """Number of pictures of each size, "width x height", the most frequent first."""
    counts = Counter(f"{width}x{height}" for height, width in (picture.size_hw for picture in pictures))
    return dict(counts.most_common())


def boxes_on_input_px(picture: AnnotatedPicture, image_size_hw: tuple[int, int]) -> np.ndarray:
    """Boxes `(n, 4)` xyxy of what is to be learned, in pixels of the letterboxed input (centred, proportions kept)."""
    height, width = picture.size_hw
    ratio = min(image_size_hw[0] / height, image_size_hw[1] / width)
    margin = (image_size_hw[1] - width * ratio) / 2, (image_size_hw[0] - height * ratio) / 2
    return picture.boxes_px[~picture.ignored] * ratio + (*margin, *margin)


def fit_anchors(
    pictures: Pictures, anchors_px: np.ndarray | None, image_size_hw: tuple[int, int], count: int
) -> AnchorFit | None:
    """Fit of the given anchors, or of `count` anchors found by k-means; None if there are too few box shapes."""
    boxes = _concatenated([boxes_on_input_px(picture, image_size_hw) for picture in pictures], (0, 4))
    wh = boxes[:, 2:4] - boxes[:, 0:2]
    if anchors_px is None:
        if len(np.unique(wh, axis=0)) < count:
            return None
        source, anchors_px = "k-means", kmeans_anchors(wh, count)
    elif not len(wh):
        return None
    else:
        source = "given"
    fit = anchor_fit(wh, anchors_px)
    return AnchorFit(source, anchors_px, float(fit.mean()), float((fit > 0.5).mean()))


def count_collisions(
    pictures: Pictures, anchors_px: np.ndarray, image_size_hw: tuple[int, int], strides: Sequence[int]
) -> Collisions:
    """Objects that share a cell and an anchor with another object.

    Each object goes to the anchor of best shape IoU, as in training. Anchors are dealt out by area: the smallest go
    to the finest stride.
    """
    anchors = anchors_px[np.argsort(anchors_px.prod(axis=1), kind="stable")]
    stride_of_anchor = np.repeat(sorted(strides), len(anchors) // len(strides))
    by_stride = dict.fromkeys(sorted(strides), 0)
    objects = hit_pictures = 0
    for picture in pictures:
        boxes = boxes_on_input_px(picture, image_size_hw)
        places = _places(boxes, anchors, stride_of_anchor, image_size_hw)
        lost = [stride for (stride, *_), count in Counter(places).items() for _ in range(count - 1)]
        for stride in lost:
            by_stride[stride] += 1
        objects += len(places)
        hit_pictures += bool(lost)
    return Collisions(objects, sum(by_stride.values()), hit_pictures, by_stride)


def _places(
    boxes: np.ndarray, anchors: np.ndarray, stride_of_anchor: np.ndarray, image_size_hw: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """Stride, row, column and anchor of each box."""
    best = shape_iou(boxes[:, 2:4] - boxes[:, 0:2], anchors).argmax(axis=1)
    stride = stride_of_anchor[best]
    last = np.array([[image_size_hw[1], image_size_hw[0]]]) // stride[:, None] - 1
    cells = np.clip((boxes[:, 0:2] + boxes[:, 2:4]) / 2 // stride[:, None], 0, last).astype(int)
    return [(int(s), int(row), int(column), int(anchor)) for s, (column, row), anchor in zip(stride, cells, best)]


def _wh_px(pictures: Pictures) -> np.ndarray:
    boxes = _concatenated([picture.boxes_px for picture in pictures], (0, 4))
    return boxes[:, 2:4] - boxes[:, 0:2]


def _concatenated(arrays: Sequence[np.ndarray], empty_shape: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(arrays) if len(arrays) else np.zeros(empty_shape)
