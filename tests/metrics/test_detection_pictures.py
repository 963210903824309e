"""From a COCO file to its metrics: the reader keeps all of an annotation that the reference program looks at."""

import contextlib
import io
import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cnn_suite.data.boxes.coco import read_coco
from cnn_suite.metrics.detection import coco_metrics
from cnn_suite.metrics.detection_pictures import truths_of
from cnn_suite.results import Detections

LABELS = ("cell", "dust")


@pytest.fixture
def annotations_file(tmp_path):
    """Four pictures with objects of every size, whose outlines fill only a part of their boxes; a fifth is crowd."""
    rng = np.random.default_rng(5)
    images, annotations = [], []
    for number in range(1, 5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 256, (300, 400, 3), np.uint8))
        images.append({"id": number, "file_name": f"{number}.png", "height": 300, "width": 400})
        for _ in range(12):
            x, y, width, height = (int(v) for v in (*rng.integers(0, 150, 2), *rng.integers(8, 150, 2)))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(rng.integers(1, 3)),
                    "bbox": [x, y, width, height],
                    "area": width * height * float(rng.uniform(0.1, 1)),
                    "iscrowd": int(rng.random() < 0.2),
                }
            )
    categories = [{"id": number, "name": label} for number, label in enumerate(LABELS, start=1)]
    file = tmp_path / "instances_test.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file


def reference(file, detections):
    results = [
        {"image_id": number, "category_id": int(k) + 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": float(score)}
        for number, found in enumerate(detections, start=1)
        for (x0, y0, x1, y1), k, score in zip(found.xyxy_px.tolist(), found.class_id, found.confidence)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(file))
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def test_a_coco_file_is_scored_by_its_own_areas_as_pycocotools_does(annotations_file):
    rng = np.random.default_rng(6)
    pictures = read_coco(annotations_file).checked().pictures("test")
    detections = []
    for picture in pictures:
        boxes = np.round(picture.boxes_px + rng.normal(0, 3, (12, 4)))
        detections.append(Detections(boxes, rng.random(12), picture.class_ids, LABELS))
    truths = [truths_of(picture) for picture in pictures]
    metrics = coco_metrics(truths, detections, 2)
    ours = [metrics.ap, metrics.ap50, metrics.ap75, metrics.ap_small, metrics.ap_medium, metrics.ap_large]
    ours += [*metrics.ar.values(), metrics.ar_small, metrics.ar_medium, metrics.ar_large]
    np.testing.assert_allclose(ours, reference(annotations_file, detections), atol=1e-6)
    assert not any(np.isnan(ours))
