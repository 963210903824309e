"""YuNet: faces and five points of each, through OpenCV's `FaceDetectorYN` (4.10 and later, 5).

The network is a file of 230 kB, face_detection_yunet_2023mar.onnx of OpenCV's model zoo. It was trained for faces of
some 10 to 300 pixels, so pictures are scaled before it looks; what comes back is in the pixels of the picture as it
was.

Source: Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cnn_suite.results import Detections
from cnn_suite.runtime.faces.face_alignment import FIVE
from cnn_suite.runtime.model_files.model_folder import check_picture

LABEL = "face"
_ROW = 4 + 2 * len(FIVE) + 1  # x, y, width, height, five points, confidence
_MOST_FACES = 5000  # that are compared with each other; OpenCV's own default


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces in one picture, the most confident first.

    Boxes and points may reach over the picture's edge, as a face there does.

    Args:
        xyxy_px: Boxes, float32 `(n, 4)`, corners in pixels.
        confidence: Float32 `(n,)` in [0, 1].
        points_px: Float32 `(n, 5, 2)`, x and y of the points in the order of `face_alignment.FIVE`.
    """

    xyxy_px: np.ndarray
    confidence: np.ndarray
    points_px: np.ndarray

    def __len__(self) -> int:
        return len(self.xyxy_px)

    @property
    def detections(self) -> Detections:
        """Boxes and confidence as `Detections`."""
        return Detections(self.xyxy_px, self.confidence, np.zeros(len(self), np.int32), (LABEL,))

    def largest(self) -> int | None:
        """The number of the face with the largest box, the more confident of two equal ones; None if there is no face.

        Use it if a picture should show one person: other faces are in the background.
        """
        sides = self.xyxy_px[:, 2:] - self.xyxy_px[:, :2]
        return int(sides.prod(axis=1).argmax()) if len(self) else None


class FaceDetector:
    """A callable face detector. Only one thread at a time may use it.

    Args:
        model: Path of face_detection_yunet_2023mar.onnx.
        confidence: Minimum score.
        iou: A face is removed if it overlaps a more confident one by more than this.
        longest_px: Pictures are scaled so that the longer side has this many pixels. 640, the side that the file names
            for its input, gives more exact points than 320, which has a quarter of the pixels to look at and finds
            near faces as well. None to look at pictures as they are.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged or not YuNet, or a number is not of its kind.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        confidence: float = 0.6,
        iou: float = 0.3,
        longest_px: int | None = 640,
    ) -> None:
        for name, value in (("confidence", confidence), ("iou", iou)):
            if not 0 <= value <= 1:
                raise ValueError(f"`{name}` must be in [0, 1]. Received {value}.")
        if longest_px is not None and longest_px < 1:
            raise ValueError(f"`longest_px` must be at least 1 pixel, or None. Received {longest_px}.")
        self.longest_px = longest_px
        self._network = _opened(Path(model), confidence, iou)

    def __call__(self, image_rgb: np.ndarray) -> Faces:
        """The faces in one picture.

        Args:
            image_rgb: `uint8 (height, width, 3)`, any size.

        Raises:
            ValueError: If the picture is not of its kind.
        """
        check_picture(image_rgb)
        height, width = image_rgb.shape[:2]
        factor = self.longest_px / max(height, width) if self.longest_px else 1.0
        # The shorter side of a very long picture stays a pixel at least.
        scaled_width, scaled_height = (max(round(side * factor), 1) for side in (width, height))
        if (scaled_width, scaled_height) != (width, height):
            kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            image_rgb = cv2.resize(image_rgb, (scaled_width, scaled_height), interpolation=kind)
        found = _rows(self._network, image_rgb)
        return _faces(found, np.array([width / scaled_width, height / scaled_height], np.float32))


def _opened(path: Path, confidence: float, iou: float) -> cv2.FaceDetectorYN:
    """The network, tried on a grey picture: other networks load too, and fail on the first."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no face detector {path}. Expected face_detection_yunet_2023mar.onnx of OpenCV's model zoo: "
            "download it and give its path."
        )
    try:
        network = cv2.FaceDetectorYN.create(str(path), "", (64, 64), confidence, iou, _MOST_FACES)
        _rows(network, np.full((64, 64, 3), 128, np.uint8))
    except cv2.error as error:
        raise ValueError(
            f"{path} ({path.stat().st_size} bytes) is damaged or not YuNet: {str(error).strip():.200}. Expected "
            "face_detection_yunet_2023mar.onnx (232,589 bytes). Download it again."
        ) from error
    return network


def _rows(network: cv2.FaceDetectorYN, image_rgb: np.ndarray) -> np.ndarray:
    """What OpenCV gives, `(n, 15)`: the box's corner and size, points, confidence; no rows instead of its None."""
    network.setInputSize((image_rgb.shape[1], image_rgb.shape[0]))
    _, found = network.detect(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    return np.zeros((0, _ROW), np.float32) if found is None else found


def _faces(found: np.ndarray, scale: np.ndarray) -> Faces:
    """Rows of OpenCV with `scale`, of x and y, back to the picture's pixels."""
    found = found[np.argsort(-found[:, -1], kind="stable")]
    corners, sizes = found[:, :2] * scale, found[:, 2:4] * scale
    points = found[:, 4:-1].reshape(-1, len(FIVE), 2) * scale
    return Faces(np.concatenate([corners, corners + sizes], axis=1), np.clip(found[:, -1], 0, 1), points)
