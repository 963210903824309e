"""Sections shared by the configurations of all tasks: base class, training options, export options."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """Base class of all sections: frozen, no unknown keys, no implicit type conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True)

    MAY_CHANGE: ClassVar[tuple[str, ...]] = ()  # fields that a run may go on with another value of
    FROM_DATA: ClassVar[tuple[str, ...]] = ()  # fields that the data fill in where they are left empty

    def changed(self, names: Iterable[str]) -> list[str]:
        """Those of the keys whose value is not the default.

        A saved configuration names every key, so that what somebody set can only be told by its value.
        """
        fields = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].get_default(call_default_factory=True)]


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 < pair[0] <= pair[1]:
        raise ValueError(f"must be two positive numbers in ascending order, received {pair}")
    return pair


def _at_most_whole(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[1] > 1:
        raise ValueError(f"must be fractions of the picture, at most 1, received {pair}")
    return pair


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
Split = Literal["train", "val", "test"]
ShareRange = Annotated[Range, AfterValidator(_at_most_whole)]
ExportFormat = Literal["saved_model", "litert", "onnx"]
EXPORT_FORMATS = get_args(ExportFormat)


class Data(Section):
    """Base class of the section for the training data."""

    MAY_CHANGE: ClassVar[tuple[str, ...]] = ("path",)  # where they lie, which another machine may have otherwise
    FROM_DATA: ClassVar[tuple[str, ...]] = ("labels",)

    @property
    def places(self) -> dict[str, Any]:
        """Where the data lie: the values of the fields that say so."""
        return {name: getattr(self, name) for name in self.MAY_CHANGE}


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
    """A phase of the training with its own trainable layers, learning rates and length."""

    MAY_CHANGE = ("learning_rate", "final_learning_rate")

    epochs: int = Field(ge=1, description="epochs of this phase")
    train: str = Field("all", description="all, head, or the first trainable layer or block")
    learning_rate: float = Field(gt=0, description="rate after the warm-up")
    final_learning_rate: float = Field(0.0, ge=0, description="rate at the end, reached along a half cosine")
    warmup_epochs: float = Field(0.0, ge=0, description="epochs in which the rate rises to its full height")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="factor of the learning rate from one block to the one before it"
    )


class Training(Section):
    """Options for `fit`."""

    MAY_CHANGE = ("epochs", "learning_rate", "final_learning_rate", "clip_norm", "early_stopping_epochs")

    epochs: int = Field(100, ge=1, description="epochs of a training without phases")
    optimizer: Literal["adamw", "sgd", "muon"] = Field("adamw", description="sgd has a momentum of 0.9")
    learning_rate: float = Field(2e-3, gt=0, description="rate after the warm-up")
    final_learning_rate: float = Field(2e-5, ge=0, description="rate at the end, reached along a half cosine")
    warmup_epochs: float = Field(3.0, ge=0, description="epochs in which the rate rises to its full height")
    weight_decay: float = Field(1e-4, ge=0, description="decoupled weight decay of kernels")
    clip_norm: float = Field(10.0, gt=0, description="largest norm of all gradients together")
    ema_momentum: float = Field(
        0.99, ge=0, lt=1, description="momentum of the moving average of weights and batch norm statistics; 0: off"
    )
    sharpness_radius: float = Field(
        0.0, ge=0, description="radius of sharpness-aware steps (SAM), such as 0.1, at twice the time per step; 0: off"
    )
    mixed_precision: Literal["none", "bfloat16", "float16"] = Field(
        "none", description="numbers that layers compute with; none: float32"
    )
    jit: bool = Field(False, description="compile the training step with XLA")
    steps_per_execution: int = Field(
        1, ge=1, description="most training steps per call of the compiled function; as many as divide an epoch evenly"
    )
    early_stopping_epochs: int = Field(0, ge=0, description="epochs without improvement before stopping; 0: never")
    evaluate_every: int = Field(5, ge=1, description="epochs between evaluations on the validation splits")
    steps_per_epoch: int | None = Field(None, ge=1, description="batches per epoch; empty: one pass over the data")
    phases: tuple[Phase, ...] = Field(
        (), description="phases with their own rates; empty: one phase with the settings above"
    )

    def steps(self, pictures: int, batch_size: int) -> int:
        """Batches per epoch: as configured, otherwise the number of full batches, at least one."""
        return self.steps_per_epoch or max(1, pictures // batch_size)

    @property
    def total_epochs(self) -> int:
        """Total number of epochs of all phases."""
        return sum(phase.epochs for phase in self.phases) if self.phases else self.epochs

    @model_validator(mode="after")
    def _phases_have_their_own(self) -> "Training":
        idle = self.changed(Phase.model_fields.keys() & type(self).model_fields.keys()) if self.phases else []
        if idle:
            raise ValueError(
                f"{', '.join(sorted(idle))} would do nothing beside phases, which have their own: "
                f"training.phases.0.{min(idle)} is the first one's. Remove {'it' if len(idle) == 1 else 'them'}"
            )
        return self

    @model_validator(mode="after")
    def _patient_enough(self) -> "Training":
        if 0 < self.early_stopping_epochs < self.evaluate_every:
            raise ValueError(
                f"early_stopping_epochs must be at least evaluate_every ({self.evaluate_every}), or 0 for never, "
                f"received {self.early_stopping_epochs}"
            )
        return self


class Export(Section):
    """The files to write."""

    formats: tuple[ExportFormat, ...] = Field(
        ("saved_model", "litert"), description="files of the model folder besides model.keras"
    )


class Run(Section):
    """Name and random seed of an experiment."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the run and of its model folder")
    task: str = Field(description="what the network is for")
    seed: int = Field(0, ge=0, lt=2**32, description="of initial weights, order and augmentation")
