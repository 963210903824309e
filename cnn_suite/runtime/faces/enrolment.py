"""The quality check before enrolment: is this picture good enough to identify a person?

One poor enrolment harms every later comparison, so each fault is named with what was seen, what is asked for and what
to do. The defaults of `EnrolmentLimits` were set on press photographs of 250 x 250 pixels (100 pictures of ten people
of Labeled Faces in the Wild, faces by YuNet), which are to pass unless a face is turned far away or somebody else's
is as large; the same pictures blurred by a Gaussian of 3 pixels, some tenth of the distance between the eyes, are not.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000, Diatom Autofocusing in Brightfield Microscopy)
of the aligned face, divided by the variance of its grey values, so that neither the size of the picture nor its
contrast counts. A face enlarged by the alignment is found blurred, as it should be. Noise counts as sharpness, though
a little smoothing comes first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from cnn_suite.runtime.faces.face_alignment import align_face
from cnn_suite.runtime.faces.face_detector import Faces
from cnn_suite.runtime.faces.face_pose import face_pose
from cnn_suite.runtime.model_files.model_folder import check_picture

_ROWS, _COLUMNS = slice(32, 104), slice(24, 88)  # of the aligned 112 x 112: from the brows to the chin, no background
_DARK, _BRIGHT = 20, 245  # grey values in which nothing can be told apart any more


@dataclass(frozen=True)
class EnrolmentLimits:
    """Requirements for a picture to be enrolled.

    Args:
        eye_distance_px: Least pixels between the eyes.
        sharpness: Least sharpness; 0.02 to 0.15 is usual for press photographs.
        brightness: Least and greatest mean grey value of the face.
        contrast: Least standard deviation of its grey values.
        dark: Greatest fraction of pixels that are nearly black.
        bright: Greatest fraction of pixels that are nearly white.
        across: Greatest turn to a side, in `FacePose.across`; 0.45 is some 45 degrees.
        down: Least and greatest nod, in `FacePose.down`.
        rival: From what fraction of the largest face's size on another face makes it unclear who is meant.
    """

    eye_distance_px: float = 24.0
    sharpness: float = 0.012
    brightness: tuple[float, float] = (40.0, 220.0)
    contrast: float = 10.0
    dark: float = 0.35
    bright: float = 0.15
    across: float = 0.45
    down: tuple[float, float] = (0.35, 0.75)
    rival: float = 0.75


@dataclass(frozen=True)
class Quality:
    """Quality metrics of the largest face in a picture; a gallery stores `figures`.

    Args:
        confidence: The detector's.
        eye_distance_px: Pixels between the eyes, in the picture as it was.
        sharpness: Variance of the Laplacian over the variance of grey values, both of the aligned face.
        brightness: Mean grey value of the face, 0 to 255.
        contrast: Standard deviation of its grey values.
        dark: Fraction of pixels that are nearly black.
        bright: Fraction of pixels that are nearly white.
        across: Turn to a side, `FacePose.across`.
        down: Nod, `FacePose.down`.
        rival: Size of the next largest face by that of the largest; 0 if there is none.
    """

    confidence: float
    eye_distance_px: float
    sharpness: float
    brightness: float
    contrast: float
    dark: float
    bright: float
    across: float
    down: float
    rival: float

    @property
    def figures(self) -> dict[str, float]:
        """All figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Problem:
    """One reason not to enrol a picture: `kind` for programs, `text` for people.

    Args:
        kind: "no face", "no pose", "several faces", "too small", "blurred", "dark", "bright", "flat", "turned",
            "nodded", and of `enrolment_identity` "looks like another" or "another person".
        text: What was measured, what is required, and what to do.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def quality(image_rgb: np.ndarray, faces: Faces) -> Quality:
    """Measures the quality of the largest face.

    Args:
        image_rgb: `uint8 (height, width, 3)`.
        faces: What the detector found in it.

    Raises:
        ValueError: If the picture is none, there is no face, or its points show no pose.
    """
    check_picture(image_rgb)
    chosen, sizes = faces.largest(), _sizes(faces)
    if chosen is None:
        raise ValueError("There is no face to measure. Check `len(faces)` first.")
    points = faces.points_px[chosen]
    pose = face_pose(points)
    grey = cv2.cvtColor(align_face(image_rgb, points), cv2.COLOR_RGB2GRAY)[_ROWS, _COLUMNS].astype(np.float32)
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F)[1:-1, 1:-1]
    return Quality(
        confidence=float(faces.confidence[chosen]),
        eye_distance_px=pose.eye_distance_px,
        sharpness=float(edges.var() / max(grey.var(), 1.0)),  # rounding to 256 values alone gives some tenths
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        dark=float((grey < _DARK).mean()),
        bright=float((grey > _BRIGHT).mean()),
        across=pose.across,
        down=pose.down,
        rival=float(np.partition(sizes, -2)[-2] / sizes[chosen]) if len(faces) > 1 and sizes[chosen] > 0 else 0.0,
    )


def check_enrolment(image_rgb: np.ndarray, faces: Faces, limits: EnrolmentLimits | None = None) -> list[Problem]:
    """Everything that speaks against the picture, whoever it shows; an empty list where nothing does.

    Args:
        image_rgb: `uint8 (height, width, 3)`.
        faces: What the detector found in it.
        limits: What is asked for; the defaults without it.

    Raises:
        ValueError: If the picture is none.
    """
    check_picture(image_rgb)
    if not len(faces):
        return [Problem("no face", "There is no face in the picture. Look into the camera, with more light or closer.")]
    try:
        seen = quality(image_rgb, faces)
    except ValueError:
        text = "The eyes, nose and mouth cannot be told apart. Look into the camera, with nothing in front of the face."
        return [Problem("no pose", text)]
    return quality_problems(seen, limits or EnrolmentLimits())


def quality_problems(seen: Quality, limits: EnrolmentLimits) -> list[Problem]:
    """The limits that a picture's figures miss."""
    least, most = limits.brightness
    up, down = limits.down
    side = "left" if seen.across > 0 else "right"
    faults = (
        (
            "several faces",
            seen.rival >= limits.rival,
            f"Several faces of similar size: the second is {seen.rival:.0%} as large as the largest (less than "
            f"{limits.rival:.0%} is allowed). Only one person should be in the picture.",
        ),
        (
            "too small",
            seen.eye_distance_px < limits.eye_distance_px,
            f"The face is too small: {seen.eye_distance_px:.0f} pixels between the eyes, at least "
            f"{limits.eye_distance_px:.0f} are needed. Come closer or use a larger picture.",
        ),
        (
            "blurred",
            seen.sharpness < limits.sharpness,
            f"The face is blurred: sharpness {seen.sharpness:.4f}, at least {limits.sharpness:.4f} is needed. Hold "
            "still, give more light, clean or focus the lens.",
        ),
        (
            "dark",
            seen.brightness < least or seen.dark > limits.dark,
            f"The face is too dark: brightness {seen.brightness:.0f} with {seen.dark:.0%} black, at least {least:.0f} "
            f"with at most {limits.dark:.0%} is needed. Face the light.",
        ),
        (
            "bright",
            seen.brightness > most or seen.bright > limits.bright,
            f"The face is too bright: brightness {seen.brightness:.0f} with {seen.bright:.0%} white, at most "
            f"{most:.0f} with at most {limits.bright:.0%} is needed. Turn away from the light.",
        ),
        (
            "flat",
            seen.contrast < limits.contrast,
            f"The face has hardly any contrast: {seen.contrast:.1f}, at least {limits.contrast:.1f} is needed. Give "
            "more light from one side, or clean the lens.",
        ),
        (
            "turned",
            abs(seen.across) > limits.across,
            f"The head is turned too far to the person's {side}: {abs(seen.across):.2f}, at most {limits.across:.2f} "
            "is allowed. Look straight into the camera.",
        ),
        (
            "nodded",
            not up <= seen.down <= down,
            f"The head is {'raised' if seen.down < up else 'lowered'} too far: {seen.down:.2f}, between {up:.2f} and "
            f"{down:.2f} is allowed. Look straight into the camera.",
        ),
    )
    return [Problem(kind, text) for kind, wrong, text in faults if wrong]


def _sizes(faces: Faces) -> np.ndarray:
    """Side of a square with the area of each box, in pixels."""
    return np.sqrt(np.clip(faces.xyxy_px[:, 2:] - faces.xyxy_px[:, :2], 0, None).prod(axis=1))
