"""Drawn faces with 68 points, in the layout of a landmarks CSV: every person has colours of their own."""

import csv
from pathlib import Path

import cv2
import numpy as np


def sixty_eight() -> np.ndarray:
    """68 points of an upright face in a square of 1 x 1, `(68, 2)`."""
    points = np.zeros((68, 2))
    angle = np.linspace(np.pi, 0, 17)
    points[0:17] = np.stack([0.5 + 0.4 * np.cos(angle), 0.45 + 0.5 * np.sin(angle)], axis=1)  # jaw
    points[17:27] = np.stack([np.linspace(0.2, 0.8, 10), np.full(10, 0.25)], axis=1)  # brows
    points[27:31] = np.stack([np.full(4, 0.5), np.linspace(0.35, 0.58, 4)], axis=1)  # nose
    points[31:36] = np.stack([np.linspace(0.42, 0.58, 5), np.full(5, 0.62)], axis=1)
    for first, x in ((36, 0.33), (42, 0.67)):  # eyes
        turn = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        points[first : first + 6] = np.stack([x + 0.06 * np.cos(turn), 0.36 + 0.03 * np.sin(turn)], axis=1)
    turn = np.linspace(np.pi, 3 * np.pi, 20, endpoint=False)
    points[48:68] = np.stack([0.5 + 0.15 * np.cos(turn), 0.75 + 0.06 * np.sin(turn)], axis=1)  # mouth
    points[54] = [0.65, 0.75]
    return points


def drawn_face(seed: int, person: int, size_hw=(96, 110)) -> tuple[np.ndarray, np.ndarray]:
    """A picture uint8 RGB of a face somewhere in it, and its 68 points in pixels."""
    generator = np.random.default_rng((person, seed))
    colours = np.random.default_rng(person).integers(30, 226, (4, 3)).tolist()
    side = generator.uniform(50, 62)
    corner = generator.uniform(5, np.array(size_hw[::-1]) - side - 5)
    points = sixty_eight() * side + corner
    image = np.full((*size_hw, 3), 90, np.uint8) + generator.integers(0, 40, (*size_hw, 1), np.uint8)
    middle = points[:27].mean(axis=0)
    cv2.ellipse(image, (middle, (0.85 * side, 1.05 * side), 0.0), colours[0], -1)
    for first in (36, 42):
        cv2.fillPoly(image, [points[first : first + 6].round().astype(np.int32)], colours[1])
    cv2.line(image, *(tuple(points[i].round().astype(int).tolist()) for i in (27, 30)), colours[2], 2)
    cv2.fillPoly(image, [points[48:60].round().astype(np.int32)], colours[3])
    return image, points


def write_faces(folder: Path, people: list[str], pictures: int) -> Path:
    """A landmarks CSV and its images/ for some people."""
    (folder / "images").mkdir(parents=True)
    with open(folder / "landmarks.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "person", *(f"{axis}{i}" for i in range(68) for axis in "xy")])
        for number, person in enumerate(people):
            for seed in range(pictures):
                image, points = drawn_face(seed, number)
                name = f"{person}_{seed}.png"
                cv2.imwrite(str(folder / "images" / name), image[:, :, ::-1])
                writer.writerow([name, person, *points.ravel().round(3)])
    return folder


def people_of(split: str, count: int) -> list[str]:
    """Names whose hash puts them into a split."""
    from cnn_suite.data.boxes.landmarks_csv import split_of_person

    names = (f"person{number}" for number in range(10_000))
    return [name for _, name in zip(range(count), (name for name in names if split_of_person(name) == split))]
