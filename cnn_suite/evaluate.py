"""`cnn-suite evaluate`: an exported model on labelled data, measured with its task's standard metrics.

What is measured is the model folder as the apps use it: the picture goes in as it is, the answer comes out, and every
step between them is the exported graph's.
"""

import json
import logging
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from cnn_suite.config import load_config
from cnn_suite.metrics.plotting import require_matplotlib
from cnn_suite.results import ModelCard
from cnn_suite.runtime.model_folder import RUNTIMES, runtimes_in
from cnn_suite.tasks.evaluation_request import Asked

_log = logging.getLogger(__name__)


def evaluate_model(
    folder: str | Path,
    data_path: str | Path,
    *,
    split: str | None = None,
    format: str = "auto",
    runtime: str = "litert",
    limit: int | None = None,
    report_folder: str | Path | None = None,
    record: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Scores a model folder on one split of a data set by its task's protocol.

    Args:
        folder: What `cnn-suite export` wrote.
        data_path: A data set in any format that the task knows.
        split: Name of the split; None for "test", and for a classifier, where its data have none, for what its training
            held out or the only split there is.
        format: The data's format, or "auto".
        runtime: "litert" or "saved_model".
        limit: At most so many pictures, the first of the split; None for all.
        report_folder: Where metrics.json and the plots are written; None to write nothing.
        record: Whether to write the figures and the command that gives them into the model's card.
        quiet: No progress bar; there is none either where stderr is no terminal.

    Returns:
        What was measured, then the task's figures: see `tasks.detection_evaluation` and
        `tasks.classification_evaluation`. Numbers that do not exist are None.

    Raises:
        FileNotFoundError: If the model or the data is missing.
        ValueError: If the data cannot be read or has classes that the model does not know, or the split is unknown or
            empty.
        ImportError: If a report is asked for and matplotlib is missing.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"`limit` must be at least 1 picture. Received {limit}.")
    if report_folder is not None:
        require_matplotlib()
    card = ModelCard.read(folder)
    measured = {"model": str(folder), "task": card.task, "data": str(data_path), "split": split or "test"}
    measured |= {"runtime": runtime}
    report = None if report_folder is None else Path(report_folder)
    asked = Asked(split, format, runtime, limit, report, quiet)
    result = measured | evaluation_of(card.task).evaluate_folder(folder, data_path, asked)
    if report_folder is not None:
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        (Path(report_folder) / "metrics.json").write_text(text + "\n", encoding="utf-8")
    if record:
        chosen = result["split"]
        _record(folder, chosen, result, f"cnn-suite evaluate {folder} --data {data_path} --split {chosen}")
    return result


def evaluate_run(folder: str | Path, run: str | Path, *, quiet: bool = False) -> dict[str, Any]:
    """Scores a freshly exported model on the validation pictures of its run, and records the figures in its card.

    Args:
        folder: The model folder.
        run: The run it comes from; curves, confusions and the worst pictures are drawn into its `report` folder where
            matplotlib is installed.
        quiet: No progress bar.

    Returns:
        As `evaluate_model`, or an empty dictionary for a run without validation pictures and for a folder that has
        neither a LiteRT file nor a SavedModel.
    """
    config = load_config(Path(run) / "config.yaml")
    runtimes = runtimes_in(folder)
    if not runtimes:
        _log.warning("%s was not measured: it holds neither %s.", folder, " nor ".join(RUNTIMES.values()))
        return {}
    report_folder = Path(run) / "report" if find_spec("matplotlib") else None
    if report_folder is None:
        _log.warning("No plots were drawn: matplotlib is missing. Install it with pip install 'cnn_suite[plots]'.")
    result = evaluation_of(config.task).evaluate_validation(
        Path(folder),
        config,
        runtime=runtimes[0],
        report_folder=report_folder,
        history=Path(run) / "history.csv",
        quiet=quiet,
    )
    if result:
        part = ", ".join(config.data.validation) or "what is held out of data.train"
        _record(folder, "validation", result, f"cnn-suite train, data.validation: {part}")
    return result


def evaluation_of(task: str) -> ModuleType:
    """The module that measures a task's models.

    Each has `evaluate_folder`, `evaluate_validation`, and the names `PROTOCOL`, `RECORDED` (figures for the card) and
    `HEADLINE` (figures for one glance).
    """
    return import_module(f"cnn_suite.tasks.{task}_evaluation")


def _record(folder: str | Path, split: str, result: dict[str, Any], command: str) -> None:
    card = ModelCard.read(folder)
    measures = evaluation_of(card.task)
    figures = {name: result[name] for name in measures.RECORDED}
    metrics = card.metrics | {split: figures | {"protocol": measures.PROTOCOL, "command": command}}
    replace(card, metrics=metrics).write(folder)
