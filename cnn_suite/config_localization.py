"""Configuration for training a localizer: the class and the box of the one object of a picture."""

from typing import Literal

from pydantic import Field

from cnn_suite import config_detection, config_sections
from cnn_suite.config_sections import Section


class Augmentation(config_detection.Augmentation):
    """Random augmentation of training pictures and their boxes."""

    mosaic: float = Field(0.0, ge=0, le=1, description="probability of combining four pictures into one")


class Data(config_detection.Data):
    """Source of the pictures and boxes, and input pipeline; of several objects the largest is to be found."""

    batch_size: int = Field(32, ge=1, description="pictures per training step")
    augmentation: Augmentation = Augmentation()


class Model(Section):
    """The network: the body of a classifier, and a head for the class and the box."""

    builder: str = Field("resnet20", description="a builder of cnn_suite.models with include_top, or module:function")
    image_size_hw: tuple[int, int] = Field((96, 96), description="height and width that the network sees")
    options: dict[str, bool | int | float | str] = Field({}, description="additional arguments of the builder")
    pretrained: str = Field(
        "",
        description="weights of the body: a network trained here (a model folder, runs/<name> or a .keras file), a "
        "weights file, or the name of pulled weights",
    )
    hidden: int = Field(128, ge=1, description="units between the feature map and the answer")
    dropout: float = Field(0.0, ge=0, lt=1, description="share left out in training")


class Loss(Section):
    """Terms of the loss; see `cnn_suite.losses.localization.LocalizationLoss`, form mixed."""

    box_weight: float = Field(5.0, ge=0, description="factor of the box loss")


class Training(config_sections.Training):
    """Options for `fit`."""

    evaluate_every: int = Field(1, ge=1, description="epochs between evaluations on the validation splits")


class Export(config_sections.Export):
    """Postprocessing in the exported graph, and the files to write."""

    confidence: float = Field(0.5, ge=0, le=1, description="default confidence threshold of the apps")


class LocalizationConfig(config_sections.Run):
    """Configuration of a localizer: data, network, loss, training and export."""

    task: Literal["localization"] = "localization"
    data: Data
    model: Model = Model()
    loss: Loss = Loss()
    training: Training = Training()
    export: Export = Export()
