"""Configuration for training a face landmark network."""

from typing import Literal

from pydantic import Field, field_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section


class Augmentation(Section):
    """Random augmentation of the square around a face, and of its pixels."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip")
    scale: Range = Field((0.8, 1.25), description="minimum and maximum factor of the square's side")
    shift: float = Field(0.12, ge=0, le=1, description="maximum shift, as a fraction of the square's side")
    rotation_deg: float = Field(30.0, ge=0, le=180, description="maximum rotation in either direction")
    brightness: float = Field(0.3, ge=0, le=1, description="maximum change, as a fraction of full brightness")
    contrast: float = Field(0.3, ge=0, le=1, description="maximum relative change of the contrast")
    blur: float = Field(0.3, ge=0, le=1, description="probability of blurring")
    grey: float = Field(0.2, ge=0, le=1, description="probability of conversion to greyscale")
    no_face: float = Field(0.15, ge=0, lt=1, description="fraction of squares without a face, as negative examples")


class Data(config_sections.DataByPerson):
    """Source of the faces with points, and input pipeline."""

    path: str = Field(min_length=1, description="folder with the landmarks CSV and images/")
    labels: tuple[str, ...] = Field((), description="names of the points; empty: those of the data")
    batch_size: int = Field(64, ge=1, description="squares per training step")
    augmentation: Augmentation = Augmentation()


class Model(Section):
    """The network."""

    builder: Literal["face_points"] = Field("face_points", description="the only one")
    image_size_hw: tuple[int, int] = Field((64, 64), description="input size of the network, square")
    width: float = Field(1.0, gt=0, description="factor on the number of filters")

    @field_validator("image_size_hw")
    @classmethod
    def _square(cls, size_hw: tuple[int, int]) -> tuple[int, int]:
        if size_hw[0] != size_hw[1] or size_hw[0] < 16 or size_hw[0] % 16:
            raise ValueError(f"both sides must be the same multiple of 16, received {size_hw}")
        return size_hw


class Training(config_sections.Training):
    """Options for `fit`."""

    evaluate_every: int = Field(1, ge=1, description="epochs between evaluations on the validation faces")


class Export(config_sections.Export):
    """Postprocessing in the exported graph, and the files to write."""

    mirror: bool = Field(True, description="average the points of the picture and its mirror image")


class LandmarksConfig(config_sections.Run):
    """Configuration of a landmark network: data, network, training and export."""

    task: Literal["landmarks"] = "landmarks"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
