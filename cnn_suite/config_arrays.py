"""Configuration for training a classifier of signals or volumes."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from cnn_suite import config_sections
from cnn_suite.config_sections import Range, Section


class Augmentation(Section):
    """Random augmentation of training examples; with everything off, they are unchanged."""

    mirror: tuple[int, ...] = Field((), description="axes that are mirrored with probability 0.5; 0 is the first")
    shift: float = Field(0.0, ge=0, lt=1, description="maximum shift along every axis, as a fraction of its length")
    scale: Range = Field((1.0, 1.0), description="minimum and maximum factor of all numbers")
    noise: float = Field(0.0, ge=0, description="standard deviation of noise, in standard deviations of the example")


class Data(config_sections.Data):
    """Source of the signals or volumes and classes, and input pipeline."""

    FROM_DATA = ("labels", "held_out_up_to")

    path: str = Field(min_length=1, description="folder with NAME_TRAIN.tsv of the UCR archive, or a NumPy archive")
    format: Literal["auto", "ucr", "npz"] = Field("auto", description="storage format")
    labels: tuple[str, ...] = Field((), description="class names in order; empty: those of the data")
    train: tuple[str, ...] = Field(("train",), min_length=1, description="splits to train on")
    validation: tuple[str, ...] = Field((), description="splits to evaluate on; empty: the held-out part of train")
    held_out: float = Field(0.2, ge=0, lt=1, description="fraction of every class of train held out for validation")
    held_out_up_to: tuple[str, ...] = Field(
        (), description="for every class the fingerprint up to which examples are held out; empty: training finds them"
    )
    per_class: int | None = Field(None, ge=1, description="training examples per class; empty: all")
    axes: Literal[1, 2, 3] | None = Field(
        None, description="axes of an example, without one of channels at its end; empty: all are axes"
    )
    batch_size: int = Field(16, ge=1, description="examples per training step")
    augmentation: Augmentation = Augmentation()


class Model(Section):
    """The network."""

    FROM_DATA = ("input_shape",)
    OPTIONS: ClassVar[tuple[str, ...]] = ("filters", "kernels", "strides", "standardize", "dropout")

    builder: str = Field("array_resnet", description="array_resnet, or module:function of a shape and the classes")
    input_shape: tuple[int, ...] = Field((), description="sides and channels of an example; empty: those of the data")
    filters: tuple[int, ...] = Field((64, 128, 128), min_length=1, description="array_resnet: filters of every block")
    kernels: tuple[int, ...] = Field((8, 5, 3), min_length=1, description="array_resnet: sides of a block's filters")
    strides: int = Field(1, ge=1, description="array_resnet: stride of every block's first layer")
    standardize: bool = Field(True, description="array_resnet: whether an example begins with mean 0 and deviation 1")
    dropout: float = Field(0.0, ge=0, lt=1, description="array_resnet: share left out in training")

    @model_validator(mode="after")
    def _options_of_array_resnet(self) -> "Model":
        idle = self.changed(self.OPTIONS)
        if self.builder != "array_resnet" and idle:
            raise ValueError(f"{', '.join(idle)} would do nothing with builder: {self.builder}. Remove what is idle")
        return self


class Training(config_sections.Training):
    """Options for `fit`."""

    evaluate_every: int = Field(1, ge=1, description="epochs between evaluations on the validation examples")
    ema_momentum: float = Field(
        0.0, ge=0, lt=1, description="momentum of the moving average of weights and batch norm statistics; 0: off"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    class_weights: Literal["none", "balanced"] = Field("none", description="balanced: rare classes get a larger weight")


class Export(config_sections.Export):
    """The files to write."""


class ArraysConfig(config_sections.Run):
    """Configuration of a classifier of signals or volumes: data, network, training and export."""

    task: Literal["arrays"] = "arrays"
    data: Data
    model: Model = Model()
    training: Training = Training()
    export: Export = Export()
