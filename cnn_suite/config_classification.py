"""Configuration of a classifier's training."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section, ShareRange


class Augmentation(Section):
    """Random changes of training pictures. All of them off is the picture as it is."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of mirroring left and right")
    flip: float = Field(0.0, ge=0, le=1, description="probability of turning upside down")
    shift: float = Field(0.125, ge=0, le=1, description="largest shift, as a share of the side")
    scale: Range = Field((1.0, 1.0), description="smallest and largest factor of size")
    aspect: float = Field(1.0, ge=1, description="largest factor between the changes of width and height")
    rotation_deg: float = Field(0.0, ge=0, le=180, description="largest turn to either side")
    shear_deg: float = Field(0.0, ge=0, lt=90, description="largest slant to either side")
    warp: float = Field(0.0, ge=0, le=0.2, description="largest local displacement, as a share of the side")
    warp_cells: int = Field(4, ge=1, description="cells a side of the grid whose points are displaced")
    fill: Literal["reflect", "edge", "black"] = Field("reflect", description="what lies outside of the picture")
    brightness: float = Field(0.0, ge=0, le=1)
    contrast: float = Field(0.0, ge=0, le=1)
    saturation: float = Field(0.0, ge=0, le=1)
    hue: float = Field(0.0, ge=0, le=0.5, description="share of the colour circle")
    pca_colour: float = Field(0.0, ge=0, description="deviation of AlexNet's shift along the colours' main axes")
    rand_augment: int = Field(0, ge=0, description="operations of RandAugment a picture")
    rand_augment_strength: float = Field(0.3, ge=0, le=1)
    erase: float = Field(0.0, ge=0, le=1, description="probability of erasing a rectangle")
    erase_area: ShareRange = Field((0.02, 0.2), description="smallest and largest share that is erased")
    mixup: float = Field(0.0, ge=0, description="alpha of MixUp, 0 for none")
    cutmix: float = Field(0.0, ge=0, description="alpha of CutMix, 0 for none")


class Data(config_sections.Data):
    """Where pictures and their classes come from and how they are fed."""

    path: str = Field("", description="folder, zip or file of the data set; unused for tfds:NAME")
    format: str = Field("auto", pattern=r"^(auto|image_folder|idx|npz|tfds:.+)$", description="how it is stored")
    labels: tuple[str, ...] = Field((), description="class names in order; empty: as the data say")
    train: tuple[str, ...] = Field(("train",), min_length=1, description="splits to learn from")
    validation: tuple[str, ...] = Field((), description="splits to measure on; empty: what is held out of train")
    held_out: float = Field(0.1, ge=0, lt=1, description="share of every class of train kept for validation")
    pictures_per_class: int | None = Field(None, ge=1, description="so many training pictures a class; empty: all")
    resize: Literal["crop", "stretch", "letterbox"] = Field("crop", description="how a picture comes to its size")
    margin: float = Field(1.0, ge=1, le=2, description="size at which pictures are kept, in sides of the input")
    batch_size: int = Field(128, ge=1)
    cache: Literal["memory", "none"] = "memory"
    augment_in: Literal["pipeline", "model"] = Field("pipeline", description="where augmentation runs")
    augmentation: Augmentation = Augmentation()

    @field_validator("labels")
    @classmethod
    def _differ(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        twice = [label for number, label in enumerate(labels) if label in labels[:number]]
        if twice:
            raise ValueError(f"must name every class once. Received {', '.join(labels)}, with {twice[0]!r} again")
        return labels

    @model_validator(mode="after")
    def _has_a_source(self) -> "Data":
        if not self.path and not self.format.startswith("tfds:"):
            raise ValueError("path is required: the folder or file of the data set; only format: tfds:NAME has none")
        return self


class Model(Section):
    """The network."""

    builder: str = Field("resnet20", description="a builder of cnn_suite.models, or module:function")
    image_size_hw: tuple[int, int] = (32, 32)
    channels: Literal[1, 3] = 3
    options: dict[str, bool | int | float | str] = Field({}, description="further arguments of the builder")
    pretrained: str = Field(
        "", description="weights of everything below the head, which is then new: a file, or the name of pulled ones"
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="share left out in training; empty: the builder's own, none before a new head"
    )


class Training(config_sections.Training):
    """How `fit` runs."""

    optimizer: Literal["adamw", "sgd"] = "sgd"
    learning_rate: float = Field(0.1, gt=0)
    final_learning_rate: float = Field(0.0, ge=0)
    weight_decay: float = Field(1e-3, ge=0)
    ema_momentum: float = Field(0.0, ge=0, lt=1, description="0 switches the moving average of the weights off")
    evaluate_every: int = Field(1, ge=1, description="epochs between two evaluations on the validation pictures")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = Field("none", description="balanced: rare classes count for more")


class Export(config_sections.Export):
    """What the exported graph does after the network, and which files are written."""

    mirror: bool = Field(False, description="average over the picture and its mirror image")


class ClassificationConfig(config_sections.Run):
    """One classifier: data, network, training and export."""

    task: Literal["classification"] = "classification"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
