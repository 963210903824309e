"""Tiny data sets of every format, written into a test's own folder."""

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

WIDTH, HEIGHT = 60, 40
_seeds = itertools.count()


def write_picture(path: Path, size_hw=(HEIGHT, WIDTH)) -> Path:
    """A picture of noise, different at every call, so that no two are the same by accident."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(next(_seeds)).integers(0, 256, (*size_hw, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return path


class VocFolder:
    """A VOC folder that grows by `add`; lines of the XML are as counted in `xml`."""

    def __init__(self, root: Path):
        self.root = root
        for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (root / folder).mkdir(parents=True)

    def add(self, name, boxes, split="train", *, size_hw=(HEIGHT, WIDTH), picture=True, filename=None, difficult=0):
        if picture:
            write_picture(self.root / "JPEGImages" / f"{name}.jpg")
        xml = self.xml(filename or f"{name}.jpg", boxes, size_hw, difficult)
        (self.root / "Annotations" / f"{name}.xml").write_text(xml)
        self.list(name, split)

    def list(self, name, split):
        with open(self.root / "ImageSets" / "Main" / f"{split}.txt", "a") as file:
            file.write(name + "\n")

    @staticmethod
    def xml(filename, boxes, size_hw, difficult=0):
        """Line 2 holds <filename>, line 3 <size>, and the <bndbox> of the first object stands on line 6."""
        size = "" if size_hw is None else f"<size><width>{size_hw[1]}</width><height>{size_hw[0]}</height></size>"
        lines = ["<annotation>", f"<filename>{filename}</filename>", size]
        for label, x0, y0, x1, y1 in boxes:
            lines += ["<object>", f"<name>{label}</name><difficult>{difficult}</difficult>"]
            lines += [f"<bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox>"]
            lines += ["</object>"]
        return "\n".join([*lines, "</annotation>"])


class YoloFolder:
    """An Ultralytics folder: data.yaml, images/<split> and labels/<split>."""

    def __init__(self, root: Path, names=("cat", "dog")):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        lines = ["train: images/train", "val: images/val", f"names: [{', '.join(names)}]"]
        (root / "data.yaml").write_text("\n".join(lines) + "\n")
        for split in ("train", "val"):
            (root / "images" / split).mkdir(parents=True)
            (root / "labels" / split).mkdir(parents=True)

    def add(self, name, lines, split="train"):
        """One picture; `lines` None writes no text file at all."""
        write_picture(self.root / "images" / split / f"{name}.jpg")
        if lines is not None:
            self.label(name, split).write_text("".join(line + "\n" for line in lines))

    def label(self, name, split="train"):
        return self.root / "labels" / split / f"{name}.txt"


class CocoFolder:
    """annotations/instances_train.json and pictures in train/; the content is a dictionary until `write`."""

    def __init__(self, root: Path, split="train"):
        self.root, self.split = root, split
        self.content = {
            "images": [],
            "annotations": [],
            "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
        }

    def add(self, image_id, boxes=(), *, picture=True, size_hw=(HEIGHT, WIDTH)):
        """One picture; boxes are (category id, x, y, width, height)."""
        name = f"{image_id}.jpg"
        if picture:
            write_picture(self.root / self.split / name)
        image = {"id": image_id, "file_name": name, "height": size_hw[0], "width": size_hw[1]}
        self.content["images"].append(image)
        for category, *bbox in boxes:
            annotation_id = len(self.content["annotations"]) + 100
            annotation = {
                "id": annotation_id,
                "image_id": image_id,
                "category_id": category,
                "bbox": bbox,
                "iscrowd": 0,
            }
            self.content["annotations"].append(annotation)

    def write(self):
        file = self.root / "annotations" / f"instances_{self.split}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.content))
        return file


@pytest.fixture
def voc(tmp_path):
    return VocFolder(tmp_path / "voc")


@pytest.fixture
def yolo(tmp_path):
    return YoloFolder(tmp_path / "yolo")


@pytest.fixture
def coco(tmp_path):
    return CocoFolder(tmp_path / "coco")


@pytest.fixture
def picture():
    """The function that writes a picture of noise."""
    return write_picture
