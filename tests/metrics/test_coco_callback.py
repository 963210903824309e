"""The evaluation inside `fit`: when it measures, what it writes, and that boxes are compared in pixels."""

import math
from pathlib import Path

import numpy as np
import pytest

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.metrics.coco_callback import CocoEvaluation

LABELS = ("cell", "dust")
BOXES_PX = np.array([[10, 10, 42, 42], [60, 20, 100, 50]], np.float32)


def annotated(number, size_hw=(80, 120), boxes_px=BOXES_PX, crowd=False):
    boxes_px = np.reshape(boxes_px, (-1, 4))
    return AnnotatedPicture(
        path=Path(str(number)),
        size_hw=size_hw,
        boxes=(boxes_px / np.tile(size_hw[::-1], 2)).astype(np.float32),
        class_ids=np.arange(len(boxes_px), dtype=np.int32) % 2,
        crowd=np.full(len(boxes_px), crowd),
        source="test",
        pixels=np.full((*size_hw, 3), number, np.uint8),
    )


class Serving:
    """Answers every picture with `BOXES_PX` moved by `shift_px`, padded to five as the exported graph does."""

    def __init__(self, shift_px=0.0, count=2):
        self.shift_px, self.count, self.seen = shift_px, count, []

    def serving_default(self, images):
        assert images.dtype == np.uint8 and images.shape[0] == 1 and images.shape[-1] == 3
        self.seen.append(int(images[0, 0, 0, 0]))
        boxes = np.zeros((1, 5, 4), np.float32)
        boxes[0, :2] = BOXES_PX + self.shift_px
        scores, classes = np.zeros((1, 5), np.float32), np.zeros((1, 5), np.int32)
        scores[0, :2], classes[0, :2] = (0.9, 0.8), (0, 1)
        return {"boxes": boxes, "scores": scores, "classes": classes, "count": np.array([self.count], np.int32)}


def measured(serving, pictures, epoch=0, every=1, epochs=10):
    callback = CocoEvaluation(serving, pictures, LABELS, every)
    callback.set_params({"epochs": epochs})
    logs = {"loss": 1.0}
    callback.on_epoch_end(epoch, logs)
    return logs


def test_a_serving_that_knows_the_answers_has_an_ap_of_one():
    assert measured(Serving(), [annotated(0), annotated(1)]) == {"loss": 1.0, "val_ap": 1.0, "val_ap50": 1.0}


def test_pictures_of_any_size_are_compared_in_their_own_pixels():
    assert measured(Serving(), [annotated(0), annotated(1, (333, 127))])["val_ap"] == 1


def test_a_shift_costs_the_strict_thresholds_only():
    # 32 x 32 moved by 4: IoU 784 / 1264 = 0.62. 40 x 30 moved by 4: 936 / 1464 = 0.64. Both count up to 0.60: 3 of 10.
    logs = measured(Serving(shift_px=4), [annotated(0)])
    assert logs["val_ap50"] == 1
    assert logs["val_ap"] == pytest.approx(0.3)


def test_only_the_first_count_answers_are_read():
    logs = measured(Serving(count=1), [annotated(0)])
    assert logs["val_ap50"] == 0.5  # the second class is never found
    assert measured(Serving(count=0), [annotated(0)])["val_ap"] == 0


@pytest.mark.parametrize(
    ("every", "epochs", "due"), [(1, 3, [0, 1, 2]), (2, 5, [1, 3, 4]), (10, 4, [3]), (3, 6, [2, 5])]
)
def test_it_measures_when_due_and_at_the_end_and_writes_nan_otherwise(every, epochs, due):
    serving, pictures = Serving(), [annotated(0), annotated(1)]
    found = [measured(serving, pictures, epoch, every, epochs) for epoch in range(epochs)]
    assert [epoch for epoch, logs in enumerate(found) if not math.isnan(logs["val_ap"])] == due
    assert all(math.isnan(logs["val_ap50"]) == math.isnan(logs["val_ap"]) for logs in found)
    assert serving.seen == [0, 1] * len(due)


def test_pictures_without_truths_or_with_crowds_alone_have_no_ap():
    for picture in (annotated(0, boxes_px=[]), annotated(0, crowd=True)):
        assert not measured(Serving(), [picture])["val_ap"] >= 0


def test_without_logs_it_measures_in_vain_but_does_not_fail():
    serving = Serving()
    callback = CocoEvaluation(serving, [annotated(0)], LABELS)
    callback.set_params({"epochs": 1})
    callback.on_epoch_end(0)
    assert serving.seen == [0]
