"""A planned Darknet network: its steps, what each of them computes, takes and gives.

Shapes are `(height, width, channels)` at the size that [net] names. `darknet_plan.py` makes them of a .cfg.
"""

from dataclasses import dataclass

from cnn_suite.weights.darknet_cfg import Section

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Convolution:
    """[convolutional], with `padding` pixels of zeros on all four sides."""

    filters: int
    kernel: int
    stride: int
    padding: int
    groups: int
    batch_normalize: bool
    activation: str


@dataclass(frozen=True)
class MaxPool:
    """[maxpool]: `padding` rows and columns in all, the smaller half of them at the top and left."""

    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True)
class AveragePool:
    """[avgpool]: the mean over the whole map."""


@dataclass(frozen=True)
class Upsample:
    """[upsample]: every cell `stride` times along both axes, times `scale`."""

    stride: int
    scale: float


@dataclass(frozen=True)
class Route:
    """[route]: group `group` of `groups` of the channels of every source, one behind the other."""

    groups: int
    group: int


@dataclass(frozen=True)
class Shortcut:
    """[shortcut]: the sum of the sources and its activation."""

    activation: str


@dataclass(frozen=True)
class Reorg:
    """[reorg]: squares of `stride` cells become channels."""

    stride: int


@dataclass(frozen=True)
class Dropout:
    """[dropout]."""

    rate: float


@dataclass(frozen=True)
class Head:
    """[yolo] or [region]; the convolution before it belongs to it."""

    anchors_px: tuple[tuple[float, float], ...]
    classes: int
    stride: int
    scale_xy: float
    class_activation: str
    squared_sizes: bool


Settings = Convolution | MaxPool | AveragePool | Upsample | Route | Shortcut | Reorg | Dropout | Head


@dataclass(frozen=True)
class Step:
    """One section as part of the network.

    Args:
        section: Where it stands in the .cfg.
        settings: What it computes.
        sources: Numbers of the steps whose results it takes; -1 for the picture.
        shape: What leaves it.
        in_channels: Channels of its first source.
        head: For a convolution that belongs to a head, the head's number.
    """

    section: Section
    settings: Settings
    sources: tuple[int, ...]
    shape: Shape
    in_channels: int
    head: int | None = None

    @property
    def name(self) -> str:
        """Name of its layer: the line of its header and its kind."""
        return self.part(self.section.kind)

    def part(self, part: str) -> str:
        """Name of a further layer of it, such as its "norm"."""
        return f"line{self.section.line}_{part}"

    @property
    def parameters(self) -> int:
        """Floats of it in the .weights file."""
        if not isinstance(self.settings, Convolution):
            return 0
        per_filter = self.settings.kernel**2 * self.in_channels // self.settings.groups
        return self.settings.filters * (per_filter + (4 if self.settings.batch_normalize else 1))


@dataclass(frozen=True)
class Plan:
    """A whole network: the size of its input, whether pictures are letterboxed, and its steps."""

    size_hw: tuple[int, int]
    letterbox: bool
    steps: tuple[Step, ...]

    @property
    def parameters(self) -> int:
        """Floats of the .weights file."""
        return sum(step.parameters for step in self.steps)
