"""A sheet of training pictures: each unchanged, and in several augmented versions."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.data.classes.labelled import LabelledPictures
from cnn_suite.data.classes.labelled_pipeline import kept_size
from cnn_suite.data.classes.picture_augmentation import augment_pictures, mix_pictures
from cnn_suite.data.classes.picture_views import centre_views
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.data.picture_resize import resized
from cnn_suite.runtime.draw import plain_text
from cnn_suite.runtime.media.picture_arrays import as_rgb
from cnn_suite.runtime.media.sinks import write_picture

_SMALLEST_PX = 96
_CAPTION_PX = 18
_GAP_PX = 4
_PAPER, _INK = 255, 40
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.38
_WORTH_NAMING = 0.005  # a class with a smaller share is not named


def picture_sheet(
    config: ClassificationConfig,
    pictures: LabelledPictures,
    labels: Sequence[str],
    rows: int,
    columns: int,
    seed: int,
) -> np.ndarray:
    """Pictures in rows: unchanged on the left, then augmented as in training, with their classes below.

    Args:
        config: Size of the input, resizing and augmentation.
        pictures: What is trained on; chosen evenly from first to last, so that sorted data show all of their classes.
        labels: Class names; numbers where there are none.
        rows: Pictures to show, fewer where there are fewer.
        columns: Pictures in a row, the first one included.
        seed: Seed of the changes.

    Returns:
        Uint8 RGB `(height, width, 3)`.

    Raises:
        ValueError: If `rows` or `columns` is below 1, or there is no picture.
    """
    if rows < 1 or columns < 1:
        raise ValueError(f"`rows` and `columns` must be at least 1. Received {rows} and {columns}.")
    if not len(pictures):
        raise ValueError("There are no pictures to show. Check the split names in data.train.")
    chosen = pictures.take(evenly_chosen(rows, len(pictures)))
    names = tuple(labels) or tuple(map(str, range(1 + int(chosen.class_ids.max()))))
    grid = [_tiles(*batch, names) for batch in _columns(config, chosen, len(names), columns, seed)]
    return _framed(np.stack(grid, axis=1))


def write_sheet(
    path: Path,
    config: ClassificationConfig,
    pictures: LabelledPictures,
    labels: Sequence[str],
    *,
    rows: int = 8,
    columns: int = 8,
) -> None:
    """Writes the sheet of some pictures to a file, changed with the seed of the configuration.

    Args:
        path: Picture file, such as `sheet.png`; its folder is made where there is none.
        config: As for `picture_sheet`.
        pictures: What is trained on.
        labels: Class names.
        rows: Pictures to show.
        columns: Pictures in a row.

    Raises:
        ValueError: As `picture_sheet`.
        SinkError: If it cannot be written, or OpenCV writes no files of that kind.
    """
    sheet = picture_sheet(config, pictures, labels, rows, columns, config.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, sheet)


def _columns(
    config: ClassificationConfig, pictures: LabelledPictures, classes: int, columns: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images and shares of every column."""
    data, size_hw, channels = config.data, config.model.image_size_hw, config.model.channels
    kept_hw = kept_size(size_hw, data.margin)
    loaded = [pictures.load(index) for index in range(len(pictures))]
    kept = np.stack([resized(image, kept_hw, data.resize, channels) for image in loaded])
    shares = tf.one_hot(pictures.class_ids, classes)
    result = [(centre_views(kept, size_hw), shares.numpy())]
    for number in range(columns - 1):
        views_seed, mix_seed = tf.unstack(tf.random.split(tf.constant([seed, number], tf.int64), 2))
        images, mixed = tf.constant(kept), shares
        if data.augment_in == "model":  # there the pipeline has mixed them already
            images, mixed = mix_pictures(images, mixed, mix_seed, data.augmentation)
        images = augment_pictures(images, views_seed, data.augmentation, size_hw)
        if data.augment_in == "pipeline":
            images, mixed = mix_pictures(images, mixed, mix_seed, data.augmentation)
        result.append((images.numpy(), mixed.numpy()))
    return result


def _tiles(images: np.ndarray, shares: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Pictures enlarged, with captions, uint8 `(n, height, width, 3)`."""
    pixels = np.clip(np.rint(np.asarray(images, np.float32)), 0, 255).astype(np.uint8)
    return np.stack([_captioned(_enlarged(image), _caption(share, names)) for image, share in zip(pixels, shares)])


def _enlarged(image: np.ndarray) -> np.ndarray:
    """RGB, every pixel a square of whole pixels, so that nothing is smoothed."""
    factor = math.ceil(_SMALLEST_PX / min(image.shape[:2]))
    return as_rgb(image).repeat(factor, axis=0).repeat(factor, axis=1)


def _caption(share: np.ndarray, names: Sequence[str]) -> str:
    order = [index for index in np.argsort(-share, kind="stable") if share[index] >= _WORTH_NAMING]
    if len(order) == 1:
        return names[order[0]]
    return " ".join(f"{names[index]} {share[index]:.2f}" for index in order)


def _captioned(image: np.ndarray, text: str) -> np.ndarray:
    height, width = image.shape[:2]
    tile = np.full((height + _CAPTION_PX, width, 3), _PAPER, np.uint8)
    tile[:height] = image
    text = plain_text(text)
    (text_width, _), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    scale = _FONT_SCALE * min(1.0, (width - 4) / max(1, text_width))
    cv2.putText(tile, text, (2, height + _CAPTION_PX - 6), _FONT, scale, (_INK,) * 3, 1, cv2.LINE_AA)
    return tile


def _framed(tiles: np.ndarray) -> np.ndarray:
    """`(rows, columns, height, width, 3)` as one picture, with gaps and a wider one after the first column."""
    rows, columns, height, width, _ = tiles.shape
    sheet = np.full(
        (rows * (height + _GAP_PX) + _GAP_PX, columns * (width + _GAP_PX) + (3 if columns > 1 else 1) * _GAP_PX, 3),
        _PAPER, np.uint8,
    )  # fmt: skip
    for row in range(rows):
        for column in range(columns):
            top = _GAP_PX + row * (height + _GAP_PX)
            left = _GAP_PX + column * (width + _GAP_PX) + (2 * _GAP_PX if column else 0)
            sheet[top : top + height, left : left + width] = tiles[row, column]
    return sheet
