"""The settings of a style transfer by optimisation: validated on creation, and fast to import."""

from dataclasses import asdict, dataclass
from typing import Any

STARTS = ("content", "style_mean", "noise")
OPTIMIZERS = ("adam", "lbfgs")
COLOURS = ("none", "luma", "histogram", "covariance")
NORMALISATIONS = ("energy", "gatys", "notes")  # of cnn_suite.ops.style, which would import Keras
SMALLEST_SIZE = 16
_ITERATIONS = 300


@dataclass(frozen=True)
class TransferSettings:
    """Everything that determines the result, besides the pictures and the network.

    Args:
        size: The longest side of the result in pixels; None for the photograph's.
        alpha: Weight of the content cost.
        beta: Weight of the style cost.
        tv: Weight of the total variation, which keeps the picture smooth.
        normalisation: What the costs are measured in, see `cnn_suite.ops.style`.
        strength: Strength of the style: a factor on `beta`.
        iterations: Steps in all scales together; None for 300, or as many as there is time for where `seconds` is set.
        seconds: The wall-clock budget of the whole command; None for none.
        start: Where the picture starts: "content" (the photograph), "style_mean" (the paintings' mean colour) or
            "noise".
        optimizer: "adam" or "lbfgs".
        learning_rate: Adam's, in grey levels a step.
        scales: How many sizes the picture goes through, the coarsest first; None for as many as its size asks for.
        seed: Random seed of the noise.
        colours: "none" leaves them to the painting; "luma", "histogram" and "covariance" keep the photograph's, see
            `cnn_suite.runtime.style.kept_colours`.
        tile: Side of the tiles of a large picture; None to use tiles only if needed, 0 for never.
        painting_scale: The longest side of a painting as a fraction of the picture's: less for finer strokes.

    Raises:
        ValueError: If a value is out of its range; the text names it.
    """

    size: int | None = None
    alpha: float = 1.0
    beta: float = 10.0
    tv: float = 50.0
    normalisation: str = "energy"
    strength: float = 1.0
    iterations: int | None = None
    seconds: float | None = None
    start: str = "content"
    optimizer: str = "adam"
    learning_rate: float = 8.0
    scales: int | None = None
    seed: int = 0
    colours: str = "none"
    tile: int | None = None
    painting_scale: float = 1.0

    def __post_init__(self) -> None:
        _check_choice("normalisation", self.normalisation, NORMALISATIONS)
        _check_choice("start", self.start, STARTS)
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("colours", self.colours, COLOURS)
        for name in ("alpha", "beta", "tv", "strength"):
            _check_number(name, getattr(self, name), 0.0, None)
        if self.alpha == 0 and self.beta * self.strength == 0:
            raise ValueError("`alpha` and `beta` times `strength` must not both be 0: there would be no objective.")
        for name, least in (("size", SMALLEST_SIZE), ("iterations", 1), ("scales", 1), ("tile", 0), ("seed", 0)):
            _check_whole(name, getattr(self, name), least)
        _check_number("learning_rate", self.learning_rate, 1e-6, 255.0)
        _check_number("painting_scale", self.painting_scale, 0.05, 20.0)
        if self.seconds is not None:
            _check_number("seconds", self.seconds, 1.0, None)

    @property
    def most_iterations(self) -> int | None:
        """Steps after which the picture is done; None if only the time decides."""
        if self.iterations is None:
            return None if self.seconds is not None else _ITERATIONS
        return self.iterations

    def as_dict(self) -> dict[str, Any]:
        """All values by name."""
        return asdict(self)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}. Received {value!r}.")


def _check_number(name: str, value: float, least: float, most: float | None) -> None:
    if not (value >= least and value <= (most if most is not None else 1e12)):  # also false for what is not a number
        between = f"between {least:g} and {most:g}" if most is not None else f"at least {least:g}"
        raise ValueError(f"`{name}` must be {between}. Received {value}.")


def _check_whole(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise ValueError(f"`{name}` must be at least {least}. Received {value}.")
