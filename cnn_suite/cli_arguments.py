"""What the command line's words mean: the flags of every command; sizes, numbers and models, refused with what was
expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cnn_suite.catalogue import CATALOGUE, VARIANTS
from cnn_suite.config import ConfigError
from cnn_suite.config_sections import EXPORT_FORMATS
from cnn_suite.nearest_names import did_you_mean_or_all
from cnn_suite.runtime.model_files.model_folders import find_model
from cnn_suite.runtime.model_files.not_there import NotThereError

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")]
Config = Annotated[
    Path, typer.Argument(help="Configuration, a YAML file.", exists=True, dir_okay=False, show_default=False)
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Override fields, e.g. training.epochs=5.")
]


class UsageFault(typer.BadParameter):
    """A wrong argument that only the command's own code can detect."""

    def format_message(self) -> str:
        """Return the message unchanged; it already says what is wrong."""
        return self.message


def is_usage(error: Exception) -> bool:
    """Tell whether an error is about how the command was called: its words, what they name, its configuration."""
    return isinstance(error, (typer.TyperException, ConfigError, NotThereError))


def parse_size(text: str) -> tuple[int, int]:
    """Parse `480x640` into (height, width)."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise UsageFault(f"--size takes HEIGHTxWIDTH in pixels, for example 480x640. Received {text!r}.")
    return int(parts[0]), int(parts[1])


def parse_formats(text: str) -> tuple[str, ...]:
    """Parse `saved_model,litert` into export formats; an empty text gives none."""
    chosen = tuple(name.strip() for name in text.split(",") if name.strip())
    if not set(chosen) <= set(EXPORT_FORMATS):
        raise UsageFault(f"--formats takes saved_model, litert and onnx, separated by commas. Received {text!r}.")
    return chosen


def parse_numbers(text: str, count: int) -> list[tuple[float, ...]]:
    """Parse `1,2 3,4` into groups of `count` positive numbers."""
    try:
        groups = [tuple(float(number) for number in group.split(",")) for group in text.split()]
    except ValueError:
        groups = [()]
    if any(len(group) != count or min(group) <= 0 for group in groups):
        raise UsageFault(f"Expected positive numbers in groups of {count}, such as '10,14 23,27'. Received {text!r}.")
    return groups


def parse_units(text: str) -> tuple[int, ...]:
    """Read `0,3,17` as numbers of a layer's channels; none for an empty text."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isdigit() for part in parts):
        raise UsageFault(f"--units takes whole numbers separated by commas, such as 0,3,17. Received {text!r}.")
    return tuple(map(int, parts))


def check_suffix(flag: str, path: Path, suffixes: Sequence[str]) -> None:
    """Refuse, before the work, a file that could not be written after it: its suffix is none of these."""
    if path.suffix.lower() not in suffixes:
        raise UsageFault(f"{flag} takes a file that ends in one of {' '.join(suffixes)}. Received {str(path)!r}.")


def named_network(network: str, options: Sequence[str]) -> tuple[str, list[str]]:
    """Give a network and its options; a line of `cnn-suite models` such as "alexnet groups=2" may be one word.

    A word that is neither the name of a builder nor a file or folder is refused.
    """
    if network in VARIANTS:
        network, *own = network.split()
        options = [*own, *options]
    if network not in CATALOGUE and not Path(network).exists():
        try:
            find_model(network)
        except FileNotFoundError as error:
            raise UsageFault(f"Unknown network {network!r}.{did_you_mean_or_all(network, CATALOGUE)}") from error
    return network, list(options)


def model_folder(model: str) -> Path:
    """Find a model by its folder or known name."""
    try:
        return find_model(model)
    except FileNotFoundError as error:
        raise UsageFault(str(error)) from error
