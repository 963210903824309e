"""What the configurations of all tasks share: the rules of a section, how `fit` runs, what is exported."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """Base of every section: frozen, no unknown keys, no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True)

    def changed(self, names: Iterable[str]) -> list[str]:
        """Those of the keys whose value is not the default.

        A saved configuration names every key, so that what somebody set can only be told by its value.
        """
        fields = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].get_default(call_default_factory=True)]


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 < pair[0] <= pair[1]:
        raise ValueError(f"must be two positive numbers, smaller first, received {pair}")
    return pair


def _at_most_whole(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[1] > 1:
        raise ValueError(f"must be shares of the picture, at most 1, received {pair}")
    return pair


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
Split = Literal["train", "val", "test"]
ShareRange = Annotated[Range, AfterValidator(_at_most_whole)]
ExportFormat = Literal["saved_model", "litert", "onnx"]
EXPORT_FORMATS = get_args(ExportFormat)


class Data(Section):
    """Base of the section that says what is learned from."""

    PLACES: ClassVar[tuple[str, ...]] = ("path",)  # the fields that another machine may have otherwise

    @property
    def places(self) -> dict[str, Any]:
        """Where the data lie: the values of these fields."""
        return {name: getattr(self, name) for name in self.PLACES}


class DataByPerson(Data):
    """Base of the section for faces: splits that no person shares."""

    train: tuple[Split, ...] = Field(("train",), min_length=1, description="splits to learn from, by person")
    validation: tuple[Split, ...] = Field(("val",), description="splits to measure on during training")

    @model_validator(mode="after")
    def _other_people(self) -> "DataByPerson":
        both = sorted(set(self.train) & set(self.validation))
        if both:
            raise ValueError(f"validation must be other people than those trained on, received {both[0]!r} in both")
        return self


class Phase(Section):
    """A part of the training with its own trainable layers, rates and length."""

    epochs: int = Field(ge=1)
    train: str = Field("all", description="all, head, or the first layer or block that learns, those after it included")
    learning_rate: float = Field(gt=0)
    final_learning_rate: float = Field(0.0, ge=0)
    warmup_epochs: float = Field(0.0, ge=0)
    layer_decay: float = Field(1.0, gt=0, le=1, description="factor of the rate from one block to the one before it")


class Training(Section):
    """How `fit` runs."""

    epochs: int = Field(100, ge=1)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(2e-3, gt=0)
    final_learning_rate: float = Field(2e-5, ge=0)
    warmup_epochs: float = Field(3.0, ge=0)
    weight_decay: float = Field(1e-4, ge=0)
    clip_norm: float = Field(10.0, gt=0)
    ema_momentum: float = Field(0.99, ge=0, lt=1, description="0 switches the moving average of the weights off")
    mixed_precision: Literal["none", "bfloat16", "float16"] = "none"
    jit: bool = False
    steps_per_execution: int = Field(1, ge=1)
    early_stopping_epochs: int = Field(0, ge=0, description="epochs without a better figure before stopping; 0: never")
    evaluate_every: int = Field(5, ge=1, description="epochs between two evaluations on the validation splits")
    steps_per_epoch: int | None = Field(None, ge=1, description="batches of one epoch; empty: the whole data once")
    phases: tuple[Phase, ...] = Field((), description="parts with rates of their own; empty: one, as said above")

    def steps(self, pictures: int, batch_size: int) -> int:
        """Batches of one epoch: as configured, else as many full ones as the pictures give, at least one."""
        return self.steps_per_epoch or max(1, pictures // batch_size)

    @property
    def total_epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases) if self.phases else self.epochs

    @model_validator(mode="after")
    def _patient_enough(self) -> "Training":
        if 0 < self.early_stopping_epochs < self.evaluate_every:
            raise ValueError(
                f"early_stopping_epochs must be at least evaluate_every ({self.evaluate_every}), or 0 for never, "
                f"received {self.early_stopping_epochs}"
            )
        return self


class Export(Section):
    """Which files are written."""

    formats: tuple[ExportFormat, ...] = ("saved_model", "litert")


class Run(Section):
    """What one experiment is called, and the seed of its chance."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the run and of its model folder")
    task: str
    seed: int = Field(0, ge=0, lt=2**32)
