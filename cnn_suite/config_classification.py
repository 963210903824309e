"""Configuration for training a classifier."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section, ShareRange


class Augmentation(Section):
    """Random augmentation of training pictures; with everything off, pictures are unchanged."""

    mirror: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip")
    flip: float = Field(0.0, ge=0, le=1, description="probability of a vertical flip")
    shift: float = Field(0.125, ge=0, le=1, description="maximum shift, as a fraction of the side")
    scale: Range = Field((1.0, 1.0), description="minimum and maximum scale factor")
    aspect: float = Field(1.0, ge=1, description="maximum change of the aspect ratio, as a factor")
    rotation_deg: float = Field(0.0, ge=0, le=180, description="maximum rotation in either direction")
    shear_deg: float = Field(0.0, ge=0, lt=90, description="maximum shear in either direction")
    warp: float = Field(0.0, ge=0, le=0.2, description="maximum local displacement, as a fraction of the side")
    warp_cells: int = Field(4, ge=1, description="cells per side of the grid of displaced points")
    fill: Literal["reflect", "edge", "black"] = Field("reflect", description="how to fill the area outside the picture")
    brightness: float = Field(0.0, ge=0, le=1, description="maximum change, as a fraction of full brightness")
    contrast: float = Field(0.0, ge=0, le=1, description="maximum relative change of the contrast")
    saturation: float = Field(0.0, ge=0, le=1, description="maximum relative change of the saturation")
    hue: float = Field(0.0, ge=0, le=0.5, description="maximum turn of the hues, as a fraction of the colour wheel")
    pca_colour: float = Field(0.0, ge=0, description="standard deviation of AlexNet's PCA colour shift")
    rand_augment: int = Field(0, ge=0, description="RandAugment operations per picture")
    rand_augment_strength: float = Field(0.3, ge=0, le=1, description="strength of RandAugment's operations")
    erase: float = Field(0.0, ge=0, le=1, description="probability of erasing a rectangle")
    erase_area: ShareRange = Field((0.02, 0.2), description="minimum and maximum erased fraction of the picture")
    mixup: float = Field(0.0, ge=0, description="alpha of MixUp; 0: off")
    cutmix: float = Field(0.0, ge=0, description="alpha of CutMix; 0: off")


class Data(config_sections.Data):
    """Source of the pictures and classes, and input pipeline."""

    FROM_DATA = ("labels", "held_out_up_to")

    path: str = Field("", description="folder, zip or file of the data set; for tfds:NAME its data_dir")
    format: str = Field("auto", pattern=r"^(auto|image_folder|idx|npz|tfds:.+)$", description="storage format")
    labels: tuple[str, ...] = Field((), description="class names in order; empty: those of the data")
    train: tuple[str, ...] = Field(("train",), min_length=1, description="splits to train on")
    validation: tuple[str, ...] = Field((), description="splits to evaluate on; empty: the held-out part of train")
    held_out: float = Field(0.1, ge=0, lt=1, description="fraction of every class of train held out for validation")
    held_out_up_to: tuple[str, ...] = Field(
        (), description="for every class the fingerprint up to which examples are held out; empty: training finds them"
    )
    pictures_per_class: int | None = Field(None, ge=1, description="training pictures per class; empty: all")
    resize: Literal["crop", "stretch", "letterbox"] = Field("crop", description="how pictures are resized")
    margin: float = Field(1.0, ge=1, le=2, description="size of the stored pictures, relative to the input size")
    batch_size: int = Field(128, ge=1, description="pictures per training step")
    cache: Literal["memory", "none"] = Field(
        "memory", description="memory keeps the decoded pictures; none decodes them every epoch"
    )
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
            raise ValueError("path is required: the folder or file of the data set; only format: tfds:NAME needs none")
        return self


class Model(Section):
    """The network."""

    builder: str = Field("resnet20", description="a builder of cnn_suite.models, or module:function")
    image_size_hw: tuple[int, int] = Field((32, 32), description="height and width that the network sees")
    channels: Literal[1, 3] = Field(3, description="1: grey, 3: RGB")
    options: dict[str, bool | int | float | str] = Field({}, description="additional arguments of the builder")
    pretrained: str = Field(
        "",
        description="weights of everything below the head, which is then new: a network trained here (a model folder, "
        "runs/<name> or a .keras file), a weights file, or the name of pulled weights",
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="share left out in training; empty: the builder's own, none before a new head"
    )


class Training(config_sections.Training):
    """Options for `fit`."""

    optimizer: Literal["adamw", "sgd", "muon"] = "sgd"
    learning_rate: float = Field(0.1, gt=0)
    final_learning_rate: float = Field(0.0, ge=0)
    weight_decay: float = Field(1e-3, ge=0)
    ema_momentum: float = Field(
        0.0, ge=0, lt=1, description="momentum of the moving average of weights and batch norm statistics; 0: off"
    )
    evaluate_every: int = Field(1, ge=1, description="epochs between evaluations on the validation pictures")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    class_weights: Literal["none", "balanced"] = Field("none", description="balanced: rare classes get a larger weight")


class Export(config_sections.Export):
    """Postprocessing in the exported graph, and the files to write."""

    mirror: bool = Field(False, description="average the probabilities of the picture and its mirror image")
    corners: float = Field(
        0.0,
        ge=0,
        le=0.25,
        description="average the probabilities of four more views, shifted towards the corners by this fraction of the "
        "size; 0: off",
    )


class ClassificationConfig(config_sections.Run):
    """Configuration of a classifier: data, network, training and export."""

    task: Literal["classification"] = "classification"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
