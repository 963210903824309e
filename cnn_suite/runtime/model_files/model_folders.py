"""Finding a model folder by its path or by its name in saved_models/ or among what was pulled."""

from __future__ import annotations

from pathlib import Path

from cnn_suite.cache_folders import cache_home
from cnn_suite.known_weights import KNOWN
from cnn_suite.nearest_names import did_you_mean
from cnn_suite.runtime.media.output_paths import check_writable
from cnn_suite.runtime.model_files.not_there import NotThereError

_ROOT = Path(__file__).resolve().parents[3]


def find_model(model: str, *, roots: tuple[Path, ...] | None = None) -> Path:
    """The folder that `--model` names.

    Args:
        model: A folder, or the name of one in saved_models/ here or in the project's own folder, or of a detector that
            `cnn-suite pull` fetched.
        roots: The folders of model folders to look in.

    Raises:
        NotThereError: If there is none; the text lists the known names.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    roots = roots if roots is not None else (Path("saved_models"), _ROOT / "saved_models", cache_home() / "models")
    known: dict[str, Path] = {}
    for root in roots:
        for card in sorted(root.glob("*/card.json")):
            known.setdefault(card.parent.name, card.parent)
    name = path.name if path.parent.name in ("", "saved_models") else model
    if name in known:
        return known[name]
    fetchable = [row.name for row in KNOWN.values() if row.becomes_folder]
    hint = did_you_mean(model, [*known, *fetchable])
    if model in fetchable:
        hint = f" Download it with `cnn-suite pull {model}`."
    raise NotThereError(
        f"There is no model {model!r}: neither a folder nor a known name ({', '.join(known) or 'none found'}).{hint}"
    )


def check_recordable(folder: str | Path) -> None:
    """Tries whether figures can be written into the card of a model folder, before the work that gives them.

    Raises:
        SinkError: If they cannot.
    """
    check_writable(Path(folder) / "card.json.new")
