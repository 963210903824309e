"""Configuration for training a face encoding network."""

from typing import Literal

from pydantic import Field, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Section


class Augmentation(Section):
    """Random augmentation of aligned faces."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip")
    jitter: float = Field(
        0.03, ge=0, description="standard deviation of point noise before alignment, in eye distances"
    )
    rotation_deg: float = Field(6.0, ge=0, le=180, description="maximum rotation after alignment")
    scale: float = Field(1.08, ge=1, description="maximum scale factor after alignment")
    brightness: float = Field(0.2, ge=0, le=1, description="maximum change, as a fraction of full brightness")
    contrast: float = Field(0.3, ge=0, le=1, description="maximum relative change of the contrast")
    blur: float = Field(0.3, ge=0, le=1, description="probability of blurring")
    grey: float = Field(0.1, ge=0, le=1, description="probability of conversion to greyscale")
    erase: float = Field(0.2, ge=0, le=1, description="probability of erasing a rectangle")
    blend: float = Field(0.0, ge=0, le=1, description="distillation: probability of blending a face with another")


class Data(config_sections.DataByPerson):
    """Source of the aligned faces, and input pipeline."""

    path: str = Field(
        "", description="folder with a landmarks CSV and images/, or of people's aligned faces; empty: not available"
    )
    labels: tuple[str, ...] = Field((), max_length=0, description="must be empty: an encoding has no classes")
    people_per_batch: int = Field(32, ge=2, description="P in triplet training: people per batch")
    pictures_per_person: int = Field(4, ge=2, description="K in triplet training: pictures per person")
    augmentation: Augmentation = Augmentation()

    @property
    def batch_size(self) -> int:
        """Pictures per batch."""
        return self.people_per_batch * self.pictures_per_person


class Model(Section):
    """The network."""

    builder: str = Field("face_embedding", description="face_embedding, openface_nn4_small2, or module:function")
    image_size_hw: tuple[int, int] = Field((112, 112), description="height and width that the network sees, square")
    options: dict[str, bool | int | float | str] = Field({}, description="additional arguments of the builder")

    @model_validator(mode="after")
    def _square(self) -> "Model":
        if self.image_size_hw[0] != self.image_size_hw[1]:
            raise ValueError(f"image_size_hw must be square, as aligned faces are, received {self.image_size_hw}")
        return self


class Triplets(Section):
    """Selection and cost of triplets; see `cnn_suite.losses.triplet.TripletLoss`."""

    rule: Literal["all", "random", "semi_hard", "hardest", "batch_hard"] = Field(
        "semi_hard", description="which triplets of a batch count"
    )
    margin: float = Field(0.2, gt=0, description="wanted difference between negative and positive distance")
    soft: bool = Field(False, description="a soft margin, ln(1 + exp(positive - negative))")
    measure: Literal["squared", "euclidean", "cosine"] = Field("squared", description="distance of two encodings")
    fallback: Literal["skip", "largest", "nearest"] = Field(
        "largest", description="semi_hard: what to use if there is no such negative; FaceNet itself uses skip"
    )


class Pairs(Section):
    """Verification as binary classification; see `cnn_suite.losses.pairs.PairLoss`."""

    threshold: float = Field(1.0, gt=0, description="distance at which both answers are as likely")
    scale: float = Field(5.0, gt=0, description="steepness of the logistic function")
    measure: Literal["squared", "euclidean", "cosine"] = Field("squared", description="distance of two encodings")


class Training(config_sections.Training):
    """Options for `fit`."""

    objective: Literal["triplet", "pairs", "distillation"] = Field("triplet", description="training objective")
    teacher: str = Field("", description="distillation: MobileFace V2's weights file, or mobileface-v2 once pulled")
    triplets: Triplets = Triplets()
    pairs: Pairs = Pairs()

    @model_validator(mode="after")
    def _teacher_for_distillation(self) -> "Training":
        if (self.objective == "distillation") != bool(self.teacher):
            raise ValueError(
                "objective: distillation requires a teacher, and the others accept none; "
                f"received objective: {self.objective}, teacher: {self.teacher or 'none'}"
            )
        return self


class Export(config_sections.Export):
    """Postprocessing in the exported graph, and the files to write."""

    mirror: bool = Field(False, description="add the encoding of the mirrored face")


class EmbeddingConfig(config_sections.Run):
    """Configuration of an encoding network: data, network, training and export."""

    task: Literal["embedding"] = "embedding"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
