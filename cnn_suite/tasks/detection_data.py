"""The pictures that a task with boxes is trained and measured on, as its configuration names them."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_suite.config import ConfigError
from cnn_suite.config_detection import DetectionConfig
from cnn_suite.config_localization import LocalizationConfig
from cnn_suite.data.boxes.annotations import AnnotatedPicture, DetectionData
from cnn_suite.data.boxes.background import background_pictures
from cnn_suite.data.boxes.sources import read_detection_data
from cnn_suite.data.boxes.synthetic import shapes_data
from cnn_suite.data.even_choice import evenly_chosen
from cnn_suite.data.picture_files import load_pixels

_log = logging.getLogger(__name__)

BoxesConfig = DetectionConfig | LocalizationConfig


@dataclass(frozen=True)
class Datasets:
    """Pictures of a training and the batches made of them."""

    labels: tuple[str, ...]
    training: tuple[AnnotatedPicture, ...]
    validation: tuple[AnnotatedPicture, ...]


def datasets(config: BoxesConfig) -> Datasets:
    """Reads and checks the data that a configuration names.

    Raises:
        DataFaultError: If the data have faults and `data.on_fault` is "stop".
        ConfigError: If a split does not exist or one picture is both trained on and measured on.
    """
    data = _read(config)
    try:
        training, validation = data.pictures(config.data.train), data.pictures(config.data.validation)
    except KeyError as error:
        raise ConfigError(f"data.train or data.validation: {error.args[0]}") from error
    shared = {p.path for p in training} & {p.path for p in validation}
    if shared:
        raise ConfigError(
            f"data.validation shares {len(shared)} pictures with data.train, such as {sorted(shared)[0]}. "
            "Measure on pictures that are not trained on."
        )
    return Datasets(data.labels, (*training, *_background(config)), validation)


def _read(config: BoxesConfig) -> DetectionData:
    settings = config.data
    if settings.format == "shapes":
        return _shapes(config)
    if settings.format == "none":
        raise ConfigError(
            "data.format: none is for a network whose data are not at hand. Give data.path and the format of the data, "
            "or auto."
        )
    options = {"margins": settings.point_margins} if settings.point_margins else {}
    data = read_detection_data(settings.path, settings.format, settings.labels or None, **options)
    if settings.on_fault == "stop":
        return data.checked()
    if data.faults:
        text = "%d faults of the data at %s are left out; `cnn-suite doctor` lists them"
        _log.warning(text, len(data.faults), data.root)
    return data


def _shapes(config: BoxesConfig) -> DetectionData:
    settings = config.data.shapes
    pictures = {"train": settings.train, "val": settings.val, "test": settings.test}
    return shapes_data(pictures, settings.size_hw, settings.seed, objects=settings.objects)


def _background(config: BoxesConfig) -> tuple[AnnotatedPicture, ...]:
    return tuple(picture for folder in config.data.background for picture in background_pictures(folder))


def sample_pictures(config: BoxesConfig, count: int, *, training: bool = False) -> list[np.ndarray]:
    """Up to `count` pictures of a configuration's data, evenly chosen, uint8 RGB; none where the data are not there.

    They come from the validation splits where there are any; with `training`, from what is trained on.
    """
    if config.data.format == "none" or config.data.format != "shapes" and not Path(config.data.path).exists():
        return []
    data = datasets(config)
    pictures = data.training if training else data.validation or data.training
    chosen = evenly_chosen(count, len(pictures))
    return [load_pixels(pictures[i]) for i in chosen]
