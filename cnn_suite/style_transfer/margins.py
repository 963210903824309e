"""A margin around the picture while it is painted, cut off in the end.

Networks see the pixels of a picture's border less than others or not at all: strides end before it, or zeros stand
beyond it. Optimised, such pixels turn into a coloured fringe. With a mirrored margin the fringe falls on the margin.
"""

import cv2
import numpy as np

MARGIN = 8  # the stride of the deepest layer that SqueezeNet's and VGG's styles and contents are usually taken from


def with_margin(picture: np.ndarray) -> np.ndarray:
    """A picture or mask `(height, width[, channels])`, mirrored beyond its border by `MARGIN` pixels on each side."""
    return cv2.copyMakeBorder(picture, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REFLECT_101)


def without_margin(picture: np.ndarray) -> np.ndarray:
    """What `with_margin` was given."""
    return picture[MARGIN:-MARGIN, MARGIN:-MARGIN]
