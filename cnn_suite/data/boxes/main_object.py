"""The one object of a picture that a localizer is to find: its largest."""

from dataclasses import replace

import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.ops.numpy_boxes import areas


def with_main_object_alone(picture: AnnotatedPicture) -> AnnotatedPicture:
    """A picture with the annotation of its largest object alone; crowds and difficult objects are none."""
    size = np.where(picture.ignored, -1.0, areas(picture.boxes_px))
    kept = [int(size.argmax())] if len(size) and size.max() >= 0 else []
    return replace(
        picture,
        boxes=picture.boxes[kept],
        class_ids=picture.class_ids[kept],
        crowd=picture.crowd[kept],
        difficult=picture.difficult[kept],
        area_px=picture.area_px[kept],
    )
