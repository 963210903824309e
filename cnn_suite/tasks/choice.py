"""The module of a task: `detection`, `classification`."""

from importlib import import_module
from types import ModuleType


def task_of(name: str) -> ModuleType:
    """The module that defines a task's data sets, network, metrics and serving graph.

    All of them have the same functions: `datasets`, `resolved`, `network`, `compile_model`, `steps_per_epoch`,
    `monitor`, `training_dataset`, `validation_dataset`, `callbacks`, `serving_model`, `sample_pictures`, `classes_of`.
    Classification and style also have `counts` and `write_training_sheet`, which show what a training sees.
    """
    return import_module(f"cnn_suite.tasks.{name}")
