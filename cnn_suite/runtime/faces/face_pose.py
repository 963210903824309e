"""Head pose from five points: two numbers that no motion of a flat picture changes.

The nose is written in the frame of eyes and mouth: `nose = middle of eyes + across * (left eye - right eye) +
down * (middle of mouth - middle of eyes)`. Any affine map of the picture (shift, scale, turn, and the squeeze that a
tilted sheet of paper shows from afar) leaves `across` and `down` as they are; only a nose that stands out of the face
moves against them. For a nose that stands out by a share `z` of the distance between the eyes, `across` is about
`z * tan(yaw)`: with the usual 0.4 to 0.45 some 0.15 at 20 degrees and 0.25 at 30.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FacePose:
    """The pose of a head in dimensionless numbers.

    Args:
        across: Nose off the middle, in distances between the eyes; 0 straight ahead, above 0 when the person turns to
            the person's own left (in a picture that is not mirrored).
        down: Nose between eyes (0) and mouth (1); about 0.5 straight ahead, less when the person looks up.
        tilt_deg: Angle of the line through the eyes in the picture; above 0 when the person's left eye is lower.
        eye_distance_px: Pixels between the eyes.
    """

    across: float
    down: float
    tilt_deg: float
    eye_distance_px: float


def face_pose(points_px: np.ndarray) -> FacePose:
    """The pose that five points show.

    Args:
        points_px: Float `(5, 2)` in the order of `Faces.points_px`.

    Raises:
        ValueError: If they are not five finite points, or eyes and mouth lie on one line.
    """
    points = np.asarray(points_px, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError(
            "`points_px` must be five finite points: eyes, nose and corners of the mouth, shape (5, 2). "
            f"Received shape {points.shape}{'' if np.isfinite(points).all() else ' with a value that is not finite'}."
        )
    right_eye, left_eye, nose = points[:3]
    middle, mouth = (right_eye + left_eye) / 2, points[3:].mean(axis=0)
    eyes, face = left_eye - right_eye, mouth - middle
    area = eyes[0] * face[1] - eyes[1] * face[0]
    # A thousandth of a square: far flatter than any face that a detector gives.
    if abs(area) <= 1e-3 * max(eyes @ eyes, face @ face):
        raise ValueError(f"`points_px` do not form a face: eyes and mouth are on one line. Received {points.tolist()}.")
    away = nose - middle
    return FacePose(
        across=float((away[0] * face[1] - away[1] * face[0]) / area),
        down=float((eyes[0] * away[1] - eyes[1] * away[0]) / area),
        tilt_deg=float(np.rad2deg(np.arctan2(eyes[1], eyes[0]))),
        eye_distance_px=float(np.hypot(*eyes)),
    )
