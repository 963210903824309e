"""Checks the target of an export: is it empty, the same model, a different model, or unrelated files?"""

from collections.abc import Sequence
from pathlib import Path

from cnn_suite.config import ConfigError
from cnn_suite.evaluate import evaluation_of
from cnn_suite.results import ModelCard

FILES = {  # files of each export format
    "saved_model": ("saved_model.pb", "variables", "fingerprint.pb", "assets"),
    "litert": ("model.tflite",),
    "onnx": ("model.onnx",),
    "litert_int8": ("model.int8.tflite",),
}
_WRITTEN = {"model.keras", "config.yaml", "history.csv", *(name for names in FILES.values() for name in names)}


def target_of(name: str) -> Path:
    """The model folder of a run."""
    return Path("saved_models") / name


def check_for_other_things(target: Path) -> None:
    """Refuses to write a model folder over unrelated files.

    Raises:
        ConfigError: If the target is a file, or a non-empty folder with neither a card nor an interrupted export.
    """
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{target} is a file, and a model is written into a folder. Choose another one.")
    found = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    broken_off = "model.keras" in found and set(found) <= _WRITTEN
    if found and "card.json" not in found and not broken_off:
        raise ConfigError(
            f"{target} is no model folder: it holds {', '.join(found[:3])} and no card.json. A model would "
            "replace or mix with that. Choose a new folder."
        )


def check_for_another_network(target: Path, task: str, labels: Sequence[str]) -> None:
    """Refuses to overwrite the model folder of a different network.

    Raises:
        ConfigError: If the folder's card has a different task or different labels.
    """
    if not (target / "card.json").is_file():
        return
    card = ModelCard.read(target)
    if card.task != task or tuple(card.labels) != tuple(labels):
        raise ConfigError(
            f"{target} holds another network: {card.name}, {card.task} of {_listed(card.labels)}. Received {task} of "
            f"{_listed(labels)}. Choose another folder, or remove that one."
        )


def check_for_other_weights(origin: Path, target: Path) -> None:
    """Refuses to replace another network of the same name by a model folder from elsewhere; nobody named the target.

    Raises:
        ConfigError: If both are model folders, and their weights differ.
    """
    if not all((folder / "card.json").is_file() for folder in (origin, target)):
        return
    ours, theirs = (ModelCard.read(folder).model.get("weights_sha256") for folder in (origin, target))
    if ours != theirs:
        raise ConfigError(
            f"{target} holds another network than {origin}, with other weights, and would be replaced. Name the folder "
            "to write with --output."
        )


def told_of(target: Path) -> str | None:
    """Describes the model in a folder with its first recorded metric; None if there is no model.

    Raises:
        ConfigError: As `check_for_other_things`.
    """
    check_for_other_things(target)
    if not (target / "card.json").is_file():
        return None
    card = ModelCard.read(target)
    headline = evaluation_of(card.task).HEADLINE[0]
    for split, figures in card.metrics.items():
        if isinstance(figures, dict) and isinstance(figures.get(headline), float):
            return f"{card.name} ({card.task}, {headline} {figures[headline]:.4g} on {split})"
    return f"{card.name} ({card.task}, without recorded figures)"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join([*labels[:4], *(["…"] if len(labels) > 4 else [])]) or "no labels"
