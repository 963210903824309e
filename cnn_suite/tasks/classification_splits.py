"""The splits on which a classifier can be evaluated, including the one held out during its training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cnn_suite.config import load_config
from cnn_suite.config_arrays import ArraysConfig
from cnn_suite.config_classification import ClassificationConfig
from cnn_suite.data.classes import labelled
from cnn_suite.data.classes.labelled import ClassificationData, LabelledPictures
from cnn_suite.data.classes.tfds_source import PREFIX

HELD_OUT = "validation"  # the name of the part that no split of the data is


class Held(NamedTuple):
    """What a classifier's training holds out of data.

    Attributes:
        splits: The splits that are trained on.
        share: The share of every class that is held out of them.
        limits: By label the limit of the pictures that were held out (`labelled.held_out`), as far as it is known.
        is_own: Whether the data have the name of those that the classifier learned from, so that what is not held out
            was trained on.
    """

    splits: tuple[str, ...]
    share: float
    limits: Mapping[str, str]
    is_own: bool

    def part(self, data: ClassificationData) -> LabelledPictures:
        """The pictures that are held out; of the classifier's own data those that were, whatever became of the rest."""
        pictures = data.pictures(self.splits)
        if self.is_own and set(data.labels) <= set(self.limits):
            limits: Sequence[str] = [self.limits[label] for label in data.labels]
        else:
            limits = labelled.held_out_limits(pictures, self.share, data.labels)
        return labelled.held_out(pictures, limits)[1]


def held_of(folder: Path, data: ClassificationData) -> Held | None:
    """What the training of a model folder holds out of data; None where a split of them is for validation."""
    settings = folder / "config.yaml"
    if HELD_OUT in data.splits or not settings.is_file():
        return None
    config = load_config(settings)
    if not isinstance(config, ClassificationConfig | ArraysConfig):
        return None
    own = config.data
    if own.validation or not own.held_out or not set(own.train) <= set(data.splits):
        return None
    source = own.format if own.format.startswith(PREFIX) else own.path
    limits = dict(zip(own.labels, own.held_out_up_to))
    return Held(own.train, own.held_out, limits, _name(source) == _name(data.root))


def _name(root: Path | str) -> str:
    """The name by which a data set is known again, on whatever machine it lies, zipped or not, in any version."""
    if str(root).startswith(PREFIX):
        return PREFIX + str(root).removeprefix(PREFIX).split(":")[0]
    return Path(root).expanduser().absolute().name.removesuffix(".zip")


def usual_split(data: ClassificationData, held: Held | None) -> str:
    """The split to measure on where none is named: "test" unless it was trained on, or what was held out of the
    classifier's own data, or the only one there is.
    """
    if held is not None and held.is_own and ("test" not in data.splits or "test" in held.splits):
        return HELD_OUT
    return next(iter(data.splits)) if len(data.splits) == 1 else "test"


def pictures_of(data: ClassificationData, split: str, held: Held | None) -> LabelledPictures:
    """The pictures of a split; of one that was trained on, without what was held out.

    Raises:
        ValueError: If there is no such split; the text lists those there are.
    """
    if split == HELD_OUT and held is not None:
        return held.part(data)
    if split not in data.splits:
        known = [*data.splits, *([HELD_OUT] if held is not None else [])]
        raise ValueError(f"{data.root} has no split {split!r}. Known splits: {', '.join(known)}.")
    pictures = data.pictures([split])
    if held is not None and held.is_own and split in held.splits:
        return labelled.without_those_of(pictures, held.part(data))[0]
    return pictures
