"""Checks the configuration of a resumed run: only a few fields may differ from those the run was started with.

Each section declares these fields in `MAY_CHANGE`, and the fields that are filled in from the data when left empty in
`FROM_DATA`.
"""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from cnn_suite.config import ConfigError, RunConfig
from cnn_suite.config_sections import Section

_log = logging.getLogger(__name__)

AnySection = TypeVar("AnySection", bound=Section)


class Change(NamedTuple):
    """A field whose value differs from the one at the start of the run."""

    key: str
    before: Any
    after: Any
    allowed: bool

    def __str__(self) -> str:
        return f"{self.key} ({str(self.before):.60}, now {str(self.after):.60})"


def resumed(given: RunConfig, started: RunConfig) -> RunConfig:
    """Returns the configuration of a resumed run and logs each changed field.

    Args:
        given: The configuration given to the resumed run.
        started: The complete configuration the run was started with.

    Raises:
        ConfigError: If the task, or a field outside `MAY_CHANGE`, has changed.
    """
    if type(given) is not type(started):
        raise ConfigError(f"task: the run was started as {started.task}. Received {given.task}. Choose another name=….")
    config = _completed(given, started)
    found = list(changes(started, config))
    refused = [str(change) for change in found if not change.allowed]
    if refused:
        raise ConfigError(
            f"A run goes on as it was started, and this is new: {'; '.join(refused)}.\n"
            "Leave it out, or start another run with name=…. With --resume may be new: where the data lie, and of "
            "training epochs, learning_rate, final_learning_rate, clip_norm and early_stopping_epochs."
        )
    for change in found:
        _log.warning("Going on with another %s", change)
    return config


def changes(before: Section, after: Section, path: str = "") -> Iterator[Change]:
    """Yields the fields that differ between two sections of the same type, including nested sections."""
    for name in type(before).model_fields:
        old, new, key = getattr(before, name), getattr(after, name), f"{path}{name}"
        if old == new:
            continue
        if name in type(before).MAY_CHANGE:
            yield Change(key, old, new, allowed=True)
        elif isinstance(old, Section) and type(old) is type(new):
            yield from changes(old, new, f"{key}.")
        elif _are_sections(old) and _are_sections(new) and len(old) == len(new):
            for number, (one, other) in enumerate(zip(old, new)):
                yield from changes(one, other, f"{key}.{number}.")
        else:
            yield Change(key, old, new, allowed=False)


def _are_sections(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, Section) for item in value)


def _completed(given: AnySection, started: AnySection) -> AnySection:
    """The given section, with empty fields filled in from the data as at the start of the run."""
    filled = {name: getattr(started, name) for name in type(given).FROM_DATA if not getattr(given, name)}
    for name in type(given).model_fields:
        inner = getattr(given, name)
        if isinstance(inner, Section):
            filled[name] = _completed(inner, getattr(started, name))
    return given.model_copy(update=filled)
