"""Configuration of the training of a network that finds points of a face."""

from typing import Literal

from pydantic import Field, field_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section


class Augmentation(Section):
    """Random changes of the square round a face, and of its pixels."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of mirroring left and right")
    scale: Range = Field((0.8, 1.25), description="smallest and largest factor of the square's side")
    shift: float = Field(0.12, ge=0, le=1, description="largest shift, as a share of the square's side")
    rotation_deg: float = Field(30.0, ge=0, le=180, description="largest turn to either side")
    brightness: float = Field(0.3, ge=0, le=1)
    contrast: float = Field(0.3, ge=0, le=1)
    blur: float = Field(0.3, ge=0, le=1, description="probability of a loss of sharpness")
    no_face: float = Field(0.15, ge=0, lt=1, description="share of squares beside the face, to learn what is none")


class Data(config_sections.DataByPerson):
    """Where faces with points come from and how they are fed."""

    path: str = Field(min_length=1, description="folder with the landmarks CSV and images/")
    labels: tuple[str, ...] = Field((), description="names of the points; empty: as the data say")
    batch_size: int = Field(64, ge=1)
    augmentation: Augmentation = Augmentation()


class Model(Section):
    """The network."""

    builder: Literal["face_points"] = "face_points"
    image_size_hw: tuple[int, int] = Field((64, 64), description="the square on which points are looked for")
    width: float = Field(1.0, gt=0)

    @field_validator("image_size_hw")
    @classmethod
    def _square(cls, size_hw: tuple[int, int]) -> tuple[int, int]:
        if size_hw[0] != size_hw[1] or size_hw[0] < 16 or size_hw[0] % 16:
            raise ValueError(f"both sides must be the same multiple of 16, received {size_hw}")
        return size_hw


class Training(config_sections.Training):
    """How `fit` runs."""

    evaluate_every: int = Field(1, ge=1, description="epochs between two evaluations on the validation faces")


class Export(config_sections.Export):
    """What the exported graph does after the network, and which files are written."""

    mirror: bool = Field(True, description="take the mean of the points in the picture and in its mirror image")


class LandmarksConfig(config_sections.Run):
    """One network for points: data, network, training and export."""

    task: Literal["landmarks"] = "landmarks"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
