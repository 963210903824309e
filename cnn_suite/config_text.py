"""Configurations as text: YAML to values, `key=value` overrides, and pydantic's errors in plain words."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from cnn_suite.nearest_names import did_you_mean, nearest_names


class ConfigError(ValueError):
    """An invalid configuration; the message names the key."""


_WANTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text; put it in quotes if YAML reads it as another type",
    "tuple_type": "a list",
    "model_type": "a section with keys",
}


class _Loader(yaml.SafeLoader):
    """Safe YAML without its worst surprises: 2e-3 is a number, a date is text, and duplicate keys are errors."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        """Builds a mapping and rejects duplicate keys."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = [key for key, _ in node.value if keys.count(key.value) > 1]
        if twice:
            problem = f"duplicate key {twice[-1].value!r}"
            raise yaml.constructor.ConstructorError(None, None, problem, twice[-1].start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(  # YAML 1.1 requires a dot in numbers with an exponent, YAML 1.2 does not
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_values(path: str | Path) -> dict[str, Any]:
    """Reads the keys and values of a YAML file.

    Raises:
        ConfigError: If the file cannot be read, is not YAML, or contains no keys.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Cannot read the configuration {path}: it is not UTF-8 text.") from error
    try:
        values = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_place(error)} is not valid YAML: {_problem(error)}.") from error
    if values is None:
        raise ConfigError(f"{path} is empty. It must contain keys and values, at least `name` and `data`.")
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must contain keys and values. Received a {type(values).__name__}.")
    return values


def override(values: dict[str, Any], text: str) -> dict[str, Any]:
    """Returns the values with an override such as `training.epochs=5` applied; its value is parsed as YAML.

    An element of a list is called by its number, from 0: `training.phases.0.epochs=5`.

    Raises:
        ConfigError: If the text is not an override, part of its key is a value, not a section, or a list has no such
            element.
    """
    key, separator, value_text = text.partition("=")
    parents = key.strip().split(".")
    if not separator or not all(parents):
        raise ConfigError(f"An override must have the form key=value, such as training.epochs=5. Received {text!r}.")
    try:
        value = yaml.load(value_text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{key}: the value {value_text!r} is not valid YAML: {_problem(error)}.") from error
    return _with_value(values, parents, value, key.strip())


def _with_value(values: Any, keys: Sequence[str], value: Any, whole_key: str) -> Any:
    """The values with one of them replaced: `keys` lead to it through sections, and by number through lists."""
    key, *inner = keys
    if isinstance(values, list):
        if not key.isdecimal() or int(key) >= len(values):
            numbers = "has no elements" if not values else f"has elements 0 to {len(values) - 1}"
            raise ConfigError(f"{whole_key}: there is no element {key!r}; the list {numbers}.")
        number = int(key)
        return [*values[:number], _replaced(values[number], inner, value, whole_key, key), *values[number + 1 :]]
    return {**values, key: _replaced(values.get(key), inner, value, whole_key, key)}


def _replaced(old: Any, inner: Sequence[str], value: Any, whole_key: str, key: str) -> Any:
    if not inner:
        return value
    if not isinstance(old, dict | list | None):
        raise ConfigError(f"{whole_key}: {key} is a value, not a section.")
    return _with_value({} if old is None else old, inner, value, whole_key)


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f":{mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or str(error).splitlines()[0]


def explain_all(items: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """A line for each of pydantic's errors, except those that only follow from others.

    Args:
        items: `ValidationError.errors()`.
        root: The class of the whole configuration.
    """
    return [explain(item, root) for item in items if not _is_long_enough(item)]


def _is_long_enough(item: Any) -> bool:
    """Whether a list is called too short only because a faulty element of it was not counted."""
    return item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]


def explain(item: Any, root: type[BaseModel]) -> str:
    """Formats a pydantic error as one line: the key's path, what was expected, what was received, the closest key.

    Args:
        item: An element of `ValidationError.errors()`.
        root: The class of the whole configuration.
    """
    location, kind, context = item["loc"], item["type"], item.get("ctx", {})
    path = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"{path}: unknown key. {_hint(location, root)}"
    if kind == "missing" and isinstance(location[-1], int):
        return f"{'.'.join(map(str, location[:-1]))}: the list is too short. Received {item['input']!r}."
    if kind == "missing":
        return f"{path}: this key is required."
    if kind == "value_error":
        return ": ".join(filter(None, [path, str(context["error"])]))
    if kind == "literal_error":
        return f"{path}: must be {context['expected']}. Received {item['input']!r}.{_nearest_choice(item)}"
    if kind in ("too_short", "too_long"):
        bound = "at least" if kind == "too_short" else "at most"
        length = context["min_length" if kind == "too_short" else "max_length"]
        return f"{path}: must be a list of {bound} {length}. Received {item['input']!r}."
    if kind == "string_pattern_mismatch":
        return f"{path}: must match the pattern {context['pattern']}. Received {item['input']!r}."
    wanted = _WANTED.get(kind) or item["msg"].removeprefix("Input should be ")
    return f"{path}: must be {wanted}. Received {'nothing' if item['input'] is None else repr(item['input'])}."


def _hint(location: Sequence[Any], root: type[BaseModel]) -> str:
    """The closest known key, first in the same section, then anywhere; and the keys of the section."""
    name, section = str(location[-1]), _section_at(location[:-1], root)
    known = list(section.model_fields)
    elsewhere = (".".join(path) for path in _all_keys(root) if path[-1] == name)
    meant = nearest_names(name, known) or list(elsewhere)
    return (f"Did you mean {meant[0]!r}? " if meant else "") + f"Known keys: {', '.join(known)}."


def _nearest_choice(item: Any) -> str:
    choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
    return did_you_mean(str(item["input"]), choices)


def _section_at(location: Sequence[Any], root: type[BaseModel]) -> type[BaseModel]:
    section = root
    for name in location:
        if not isinstance(name, int):  # a place in a list, whose elements have the class that the list's key names
            section = section_of(section.model_fields[name].annotation) or section
    return section


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a key of this type holds, itself or in a list; None for one that holds a value."""
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _all_keys(section: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        yield (name,)
        inner = section_of(field.annotation)
        if inner is not None:
            yield from ((name, *rest) for rest in _all_keys(inner))
