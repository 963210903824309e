"""`cnn-suite evaluate`: evaluation of an exported model on labelled data with its task's standard metrics.

The model folder is evaluated as the apps use it: the raw picture goes in, the result comes out, and every step between
is done by the exported graph.
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
from cnn_suite.runtime.model_files.model_folder import RUNTIMES, runtimes_in
from cnn_suite.runtime.model_files.model_folders import check_recordable
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
    """Evaluates a model folder on one split of a data set with its task's protocol.

    Args:
        folder: Model folder written by `cnn-suite export`.
        data_path: A data set in any format supported by the task.
        split: Name of the split; None for "test", and for a classifier, where its data have none, for what its training
            held out or the only split there is.
        format: The data's format, or "auto".
        runtime: "litert" or "saved_model".
        limit: At most this many pictures, the first of the split; None for all.
        report_folder: Folder for metrics.json and the plots; None to write nothing.
        record: Whether to write the metrics and the command that reproduces them into the model's card.
        quiet: Show no progress bar; there is none either if stderr is not a terminal.

    Returns:
        The evaluated data, then the task's metrics: see `tasks.detection_evaluation` and
        `tasks.classification_evaluation`. Undefined numbers are None.

    Raises:
        FileNotFoundError: If the model or the data is missing.
        ValueError: If the data cannot be read or has classes that the model does not know, or the split is unknown or
            empty.
        ImportError: If a report is asked for and matplotlib is missing.
        SinkError: If the metrics are to be recorded in a folder that cannot be written.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"`limit` must be at least 1 picture. Received {limit}.")
    if report_folder is not None:
        require_matplotlib()
    card = ModelCard.read(folder)
    if record:
        check_recordable(folder)
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
    """Evaluates a newly exported model on the validation pictures of its run, and records the metrics in its card.

    Args:
        folder: The model folder.
        run: Its run; curves, confusions and the worst pictures are drawn into its `report` folder if
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
        part = ", ".join(config.data.validation) or "the held-out part of data.train"
        _record(folder, "validation", result, f"cnn-suite train, data.validation: {part}")
    return result


def evaluation_of(task: str) -> ModuleType:
    """The module that evaluates a task's models.

    Each has `evaluate_folder`, `evaluate_validation`, and the names `PROTOCOL`, `RECORDED` (metrics for the card) and
    `HEADLINE` (metrics for a short summary).
    """
    return import_module(f"cnn_suite.tasks.{task}_evaluation")


def _record(folder: str | Path, split: str, result: dict[str, Any], command: str) -> None:
    card = ModelCard.read(folder)
    measures = evaluation_of(card.task)
    figures = {name: result[name] for name in measures.RECORDED}
    metrics = card.metrics | {split: figures | {"protocol": measures.PROTOCOL, "command": command}}
    replace(card, metrics=metrics).write(folder)
