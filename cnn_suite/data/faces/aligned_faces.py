"""Faces aligned to ArcFace's template, with person ids, for training encoding networks.

They come from a landmarks CSV, whose points are used for alignment, or from folders of people with aligned pictures.
Augmentation shifts the points a little, as a detector would, and changes the pixels.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cnn_suite.config_embedding import Augmentation
from cnn_suite.data.boxes.landmarks_csv import split_of_person
from cnn_suite.data.classes.image_folder import is_image_folder, read_image_folder
from cnn_suite.data.faces.landmarked_faces import five_points, read_landmarked_faces
from cnn_suite.data.picture_files import read_rgb
from cnn_suite.data.random_pixels import random_pixels
from cnn_suite.runtime.faces.face_alignment import ARCFACE_TEMPLATE, TEMPLATE_SIZE, align_face
from cnn_suite.runtime.media.picture_arrays import as_rgb

SPLITS = ("train", "val", "test")


class AlignedFaces:
    """Faces held in memory.

    Args:
        pictures: Functions that return the pictures, RGB uint8.
        points_px: Their five points in those pictures; for aligned pictures, the template's points at their size.
        people: Name of the person in each.
        size: Side of the aligned faces in pixels.
    """

    def __init__(
        self,
        pictures: Sequence[Callable[[], np.ndarray]],
        points_px: Sequence[np.ndarray],
        people: Sequence[str],
        size: int,
    ):
        self.size = size
        self.people = tuple(people)
        names = {name: number for number, name in enumerate(sorted(set(people)))}
        self.person_ids = np.array([names[name] for name in people], np.int32)
        self._pictures = [load() for load in pictures]
        self._points = list(points_px)

    def __len__(self) -> int:
        return len(self.people)

    def still(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """A face without augmentation, uint8, and its person id `(1,)`."""
        return align_face(self._pictures[number], self._points[number], self.size), self._target(number)

    def random(
        self, number: int, generator: np.random.Generator, settings: Augmentation
    ) -> tuple[np.ndarray, np.ndarray]:
        """A randomly augmented face, uint8, and its person id `(1,)`."""
        points = self._points[number]
        between = np.linalg.norm(points[1] - points[0])
        moved = points + generator.normal(0, settings.jitter * between, points.shape)
        turn = np.deg2rad(generator.uniform(-settings.rotation_deg, settings.rotation_deg))
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        size = np.exp(generator.uniform(-np.log(settings.scale), np.log(settings.scale)))
        middle = moved.mean(axis=0)
        image = align_face(self._pictures[number], (moved - middle) @ rotation.T * size + middle, self.size)
        if generator.random() < settings.mirror:
            image = image[:, ::-1]
        if generator.random() < settings.erase:
            image = _erased(image, generator)
        return random_pixels(image, generator, settings), self._target(number)

    def _target(self, number: int) -> np.ndarray:
        return self.person_ids[number : number + 1].astype(np.float32)


def read_aligned_faces(path: str | Path, splits: Sequence[str], size: int) -> AlignedFaces:
    """The faces of some of the people of a data set: who belongs to which split follows from a hash of the name.

    Args:
        path: Folder with a landmarks CSV and images/, or a folder of people with aligned pictures.
        splits: Any of train, val and test.
        size: Side of the aligned faces.

    Raises:
        FileNotFoundError: If there is neither.
    """
    path = Path(path)
    if is_image_folder(path) and not list(path.glob("*.csv")):
        data = read_image_folder(path)
        pictures = data.pictures(list(data.splits))
        people = [data.labels[number] for number in pictures.class_ids]
        of_splits = [number for number, person in enumerate(people) if split_of_person(person) in splits]
        loads = [lambda number=number: as_rgb(pictures.load(number)) for number in of_splits]
        points = [ARCFACE_TEMPLATE * (load().shape[0] / TEMPLATE_SIZE) for load in loads]
        return AlignedFaces(loads, points, [people[number] for number in of_splits], size)
    faces = [face for face in read_landmarked_faces(path) if face.split in splits]
    loads = [lambda face=face: read_rgb(face.path) for face in faces]
    points = [five_points(face.points_px) for face in faces]
    return AlignedFaces(loads, points, [face.person for face in faces], size)


def _erased(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A rectangle of a tenth to a third of each side in one random colour: a hand, a scarf, sunglasses."""
    image = image.copy()
    height, width = (int(side * generator.uniform(0.1, 0.35)) for side in image.shape[:2])
    top = int(generator.uniform(0, image.shape[0] - height))
    left = int(generator.uniform(0, image.shape[1] - width))
    image[top : top + height, left : left + width] = generator.integers(0, 256, 3)
    return image
