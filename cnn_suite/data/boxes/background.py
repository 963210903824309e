"""Background pictures: folders of pictures without any of the objects, added to training unchanged."""

from pathlib import Path

import numpy as np

from cnn_suite.data.boxes.annotations import AnnotatedPicture
from cnn_suite.data.picture_files import picture_size_hw, pictures_under


def background_pictures(folder: str | Path) -> tuple[AnnotatedPicture, ...]:
    """Every picture under a folder, without boxes, in order of their paths.

    Raises:
        ValueError: If the folder holds no picture.
    """
    paths = pictures_under(Path(folder))
    if not paths:
        raise ValueError(f"`folder` must contain pictures. Found none under {folder}. Check data.background.")
    nothing = {"boxes": np.zeros((0, 4), np.float32), "class_ids": np.zeros(0, np.int32), "crowd": np.zeros(0, bool)}
    return tuple(
        AnnotatedPicture(path=path, size_hw=picture_size_hw(path), source=str(folder), **nothing) for path in paths
    )
