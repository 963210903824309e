"""Alignment of faces to the position, size and angle on which encoding networks were trained.

A similarity (turn, scale and shift, no mirroring) takes five points of the face as near as can be to those of a
template.
"""

from __future__ import annotations

import cv2
import numpy as np

from cnn_suite.runtime.model_files.model_folder import check_picture

# The points, in the order that every array of them has; right and left are the person's: the right eye is left in the
# picture. Model cards hold these names.
FIVE = ("right eye", "left eye", "nose", "right corner of the mouth", "left corner of the mouth")
# Where they lie in 112 x 112 pixels. Source: Deng et al. 2019, ArcFace, `arcface_dst` of their code.
ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
ARCFACE_TEMPLATE.setflags(write=False)
TEMPLATE_SIZE = 112
_MOST_PLACES = 16  # along a side of a pixel of the aligned face, whose mean it is


def similarity_transform(points: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift that fit points to a template with the least squared error.

    In complex numbers it is `template = a * points + b`: the modulus of `a` is the scale, its angle the turn, so that
    least squares, linear in `a` and `b`, give Umeyama's solution without mirroring.

    Args:
        points: Float `(n, 2)`, x and y, at least two different ones.
        template: Float `(n, 2)`, their target positions.

    Returns:
        Float64 `(2, 3)`: `matrix @ (x, y, 1)` is the new place.

    Raises:
        ValueError: If the shapes are not the same `(n, 2)`, a number is not finite, or either side is one single place.

    Source: Umeyama 1991, Least-Squares Estimation of Transformation Parameters Between Two Point Patterns.
    """
    points, template = _checked("points", points), _checked("template", template)
    if points.shape != template.shape:
        raise ValueError(
            "`points` and `template` must have the same number of points. "
            f"Received {len(points)} and {len(template)} of them."
        )
    source, target = (side[:, 0] + 1j * side[:, 1] for side in (points, template))
    from_middle = source - source.mean()
    a = np.vdot(from_middle, target - target.mean()) / np.vdot(from_middle, from_middle).real
    b = target.mean() - a * source.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align_face(image_rgb: np.ndarray, points: np.ndarray, size: int = TEMPLATE_SIZE) -> np.ndarray:
    """The face with these points, aligned to ArcFace's template.

    Args:
        image_rgb: `uint8 (height, width, 3)`.
        points: Float `(5, 2)`, in pixels of the picture and in the order of `Faces.points_px`.
        size: Side of the result in pixels.

    Returns:
        RGB `uint8 (size, size, 3)`; black outside the picture.

    Raises:
        ValueError: If the picture is none, the points are not five, all in one place or not finite, or the size is not
            at least 1.
    """
    check_picture(image_rgb)
    if np.shape(points) != ARCFACE_TEMPLATE.shape:
        raise ValueError(
            "`points` must have shape (5, 2): eyes, nose and corners of the mouth of one face. "
            f"Received shape {np.shape(points)}."
        )
    if size < 1:
        raise ValueError(f"`size` must be at least 1 pixel. Received {size}.")
    matrix = similarity_transform(points, ARCFACE_TEMPLATE * (size / TEMPLATE_SIZE))
    return _warped(image_rgb, matrix, size)


def _warped(image_rgb: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A picture by a map, uint8 `(size, size, 3)`.

    Where a face is reduced to half or less, a pixel is the mean of several places: one alone would have all its noise.
    """
    finer = int(np.clip(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))), 1, _MOST_PLACES))
    between = (finer - 1) / 2  # the middle of a pixel lies there among its finer ones
    fine = cv2.warpAffine(
        image_rgb, finer * matrix + [[0, 0, between]] * 2, (size * finer,) * 2, flags=cv2.INTER_LINEAR
    )
    return fine if finer == 1 else cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)


def _checked(name: str, points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"`{name}` must have shape (n, 2), x and y per point. Received shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError(f"`{name}` must be finite. Received a NaN or an infinite value.")
    if not len(points) or (points == points[0]).all():
        raise ValueError(
            f"`{name}` must contain at least two different points, to determine rotation and scale. "
            f"Received {np.unique(points, axis=0).tolist()}."
        )
    return points
