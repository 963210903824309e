"""Square crops of faces with points, and their targets: randomly cropped, rotated, mirrored and blurred.

A crop imitates an imprecise detector: the box around the points, shifted and scaled. The target is 1 and the points in
units of the crop's side; some crops are next to the face, and their target is 0.
"""

from collections.abc import Sequence

import numpy as np

from cnn_suite.config_landmarks import Augmentation
from cnn_suite.data.boxes.landmarks_csv import FACE_MARGINS, box_of_points
from cnn_suite.data.faces.landmarked_faces import FIVE_MIRRORED, LandmarkedFace, five_points
from cnn_suite.data.picture_files import read_rgb
from cnn_suite.data.random_pixels import random_pixels
from cnn_suite.runtime.faces.face_crop import crop, crop_matrix, moved


class FaceCrops:
    """Faces in memory, and crops of them.

    Args:
        faces: Faces with 68 points.
        size: Side of the crops in pixels.
    """

    def __init__(self, faces: Sequence[LandmarkedFace], size: int):
        self.faces = tuple(faces)
        self.size = size
        self._pictures = [read_rgb(face.path) for face in self.faces]
        self._points = [five_points(face.points_px) for face in self.faces]

    def __len__(self) -> int:
        return len(self.faces)

    def box_px(self, number: int) -> np.ndarray:
        """The box that a detector would give around a face, from its points."""
        picture = self._pictures[number]
        return np.array(box_of_points(self.faces[number].points_px, FACE_MARGINS, picture.shape[:2]))

    def still(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The crop of a face without augmentation, uint8, and its target."""
        matrix = crop_matrix(self.box_px(number), self.size)
        return crop(self._pictures[number], matrix, self.size), self._target(number, matrix)

    def random(
        self, number: int, generator: np.random.Generator, settings: Augmentation
    ) -> tuple[np.ndarray, np.ndarray]:
        """A randomly augmented crop of a face, uint8, and its target."""
        if generator.random() < settings.no_face:
            image, target = self._beside(number, generator)
            return random_pixels(image, generator, settings), target
        matrix = self._random_matrix(number, generator, settings)
        target = self._target(number, matrix)
        image = crop(self._pictures[number], matrix, self.size)
        if generator.random() < settings.mirror:
            image = image[:, ::-1]
            points = target[1:].reshape(-1, 2)[list(FIVE_MIRRORED)]
            target = np.concatenate([target[:1], (points * [-1, 1] + [1, 0]).ravel()])
        return random_pixels(image, generator, settings), target.astype(np.float32)

    def _target(self, number: int, matrix: np.ndarray) -> np.ndarray:
        # A pixel's middle is at half of it: the crop reaches from -0.5 to size - 0.5.
        points = (moved(self._points[number], matrix) + 0.5) / self.size
        return np.concatenate([[1.0], points.ravel()]).astype(np.float32)

    def _random_matrix(self, number: int, generator: np.random.Generator, settings: Augmentation) -> np.ndarray:
        matrix = crop_matrix(self.box_px(number), self.size)
        factor = np.exp(generator.uniform(*np.log(settings.scale)))
        turn = np.deg2rad(generator.uniform(-settings.rotation_deg, settings.rotation_deg))
        shift = generator.uniform(-settings.shift, settings.shift, 2) * self.size
        middle = (self.size - 1) / 2
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / factor
        return np.hstack([turned @ matrix[:, :2], (turned @ (matrix[:, 2] - middle) + middle + shift)[:, None]])

    def _beside(self, number: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A crop that is not a face: moved by most of a side, or of a small part of the picture."""
        x0, y0, x1, y1 = self.box_px(number)
        side, angle = max(x1 - x0, y1 - y0), generator.uniform(0, 2 * np.pi)
        if generator.random() < 0.5:
            step = generator.uniform(0.75, 1.2) * side * np.array([np.cos(angle), np.sin(angle)])
            box = np.array([x0, y0, x1, y1]) + np.tile(step, 2)
        else:
            corner = np.array([x0, y0]) + generator.uniform(0, 0.7, 2) * side
            box = np.concatenate([corner, corner + generator.uniform(0.15, 0.3) * side])
        image = crop(self._pictures[number], crop_matrix(box, self.size), self.size)
        return image, np.zeros(1 + 2 * len(self._points[number]), np.float32)
