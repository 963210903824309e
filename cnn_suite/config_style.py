"""Configuration for training a style network with one or several styles."""

from typing import Literal

from pydantic import Field, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Section, ShareRange


class Painting(Section):
    """A painting, which defines a style."""

    name: str = Field(min_length=1, description="name of the style")
    path: str = Field(min_length=1, description="picture file")
    size: int = Field(384, ge=32, description="longest side to resize it to: larger for larger strokes")
    strength: float = Field(1.0, gt=0, description="factor on beta for this style")


class Data(config_sections.Data):
    """Photographs to paint, and the paintings."""

    MAY_CHANGE = ("photos", "validation", "paintings")

    photos: tuple[str, ...] = Field(
        min_length=1,
        description="folders of photographs, including sub-folders, sampled equally often; a folder listed twice is "
        "sampled twice as often; scikit-image: the photographs included in that package",
    )
    paintings: tuple[Painting, ...] = Field(min_length=1, description="the paintings, one per style")
    labels: tuple[str, ...] = Field((), description="names of the styles; empty: those of the paintings")
    validation: tuple[str, ...] = Field((), description="folders of photographs to evaluate on")
    smallest_side: int = Field(96, ge=16, description="photographs with a shorter side are left out")
    crop: int = Field(192, ge=32, description="side of the training crops")
    scale: ShareRange = Field(
        (0.5, 1.0), description="side of a crop before resizing, as a fraction of the photograph's shorter side"
    )
    mosaic: bool = Field(False, description="join photographs that are smaller than a crop instead of enlarging them")
    collage: float = Field(
        0.0, ge=0, le=1, description="fraction of the crops onto which pieces of other photographs are glued"
    )
    brightness: float = Field(0.0, ge=0, le=1, description="maximum change, as a fraction of full brightness")
    contrast: float = Field(0.0, ge=0, le=1, description="maximum relative change of the contrast")
    saturation: float = Field(0.0, ge=0, le=1, description="maximum relative change of the saturation")
    hue: float = Field(0.0, ge=0, le=0.5, description="maximum turn of the hues, as a fraction of the colour wheel")
    batch_size: int = Field(4, ge=1, description="crops per training step, a multiple of the number of paintings")

    @model_validator(mode="after")
    def _every_style_in_a_batch(self) -> "Data":
        if self.batch_size % len(self.paintings):
            raise ValueError(
                f"batch_size must be a multiple of the {len(self.paintings)} paintings, so that every style has an "
                f"equal share of a batch, received {self.batch_size}"
            )
        names = [painting.name for painting in self.paintings]
        if len(set(names)) < len(names):
            raise ValueError(f"paintings must have different names, received {', '.join(names)}")
        return self


class Model(Section):
    """The network."""

    builder: Literal["stylizer"] = Field("stylizer", description="the only one")
    variant: Literal["johnson", "thin", "thin6", "thin6_adaptive"] = Field(
        "thin", description="size of the network: 1.68, 0.34, 0.49 or 0.55 million parameters for one style"
    )
    pretrained: str = Field(
        "",
        description="trained style network of the same variant, or of one that it extends (thin, thin6, "
        "thin6_adaptive), to start from: a model folder, runs/<name> or a .keras file; styles of the same name start "
        "from theirs, others from the mean of all",
    )


class Perception(Section):
    """The network whose features define content and style."""

    backbone: Literal["squeezenet", "vgg16", "vgg19"] = Field("squeezenet", description="network that is looked into")
    weights: str = Field("", description="its weights file; empty: the pulled one")
    pooling: Literal["max", "average"] = Field("max", description="its pooling; Gatys et al. recommend the average")


class Training(config_sections.Training):
    """Options for `fit`, and the weights of the objective."""

    alpha: float = Field(1.0, ge=0, description="weight of the content")
    beta: float = Field(10.0, ge=0, description="weight of the style")
    tv: float = Field(50.0, ge=0, description="weight of the total variation")
    evaluate_every: int = Field(1, ge=1, description="epochs between evaluations on the validation photographs")

    @model_validator(mode="after")
    def _something_is_asked_for(self) -> "Training":
        if self.alpha == 0 and self.beta == 0:
            raise ValueError("alpha and beta must not both be 0: nothing would be asked for")
        return self


class StyleConfig(config_sections.Run):
    """Configuration of a style network: data, network, training and export."""

    task: Literal["style"] = "style"
    data: Data
    model: Model = Model()
    perception: Perception = Perception()
    training: Training = Training()
    export: config_sections.Export = config_sections.Export()
