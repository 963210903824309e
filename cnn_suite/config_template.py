"""A configuration to start from: every key of a task with its default, its meaning and the values that it takes."""

import textwrap
from typing import Any, Literal, NamedTuple, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cnn_suite.config import config_class
from cnn_suite.config_text import section_of

_COMMENTS_AT = 40
_WIDTH = 118  # two more where a line is a comment as a whole
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Key(NamedTuple):
    """A key of a configuration: a section with `inner` keys, a list of such sections, or a value.

    `takes` tells its values in words and is empty where anything of the default's kind will do. Where a value is
    `required` the default is None.
    """

    name: str
    default: Any
    required: bool
    meaning: str
    takes: str
    inner: "tuple[Key, ...]" = ()
    is_list: bool = False


def template(task: str) -> str:
    """A whole configuration of a task as YAML with every key explained; what has no default is left empty.

    Raises:
        ConfigError: If there is no such task.
    """
    section = config_class({"task": task})
    return "\n".join([f"# {(section.__doc__ or '').strip()}", *_lines(_keys(section), 0)]) + "\n"


def template_rows(task: str) -> list[dict[str, Any]]:
    """Every key of a task that holds a value, by its whole name as in `training.epochs=5`: `key`, `default`,
    `required`, `meaning`, `takes`. An element of a list is called by its number, 0.

    Raises:
        ConfigError: If there is no such task.
    """
    return _rows(_keys(config_class({"task": task})), "")


def _keys(section: type[BaseModel], values: BaseModel | None = None) -> tuple[Key, ...]:
    """The keys of a section; their defaults are taken from an instance where the section is one."""
    return tuple(_key(section, name, field, values) for name, field in section.model_fields.items())


def _key(section: type[BaseModel], name: str, field: FieldInfo, values: BaseModel | None) -> Key:
    required = values is None and field.is_required()
    default = None if required else getattr(values, name) if values else field.get_default(call_default_factory=True)
    key = Key(name, default, required, _meaning(section, name), _takes(field))
    inner = section_of(field.annotation)
    if inner is None:
        return key
    is_list = get_origin(field.annotation) is tuple
    return key._replace(inner=_keys(inner, None if is_list else default), is_list=is_list)


def _meaning(section: type[BaseModel], name: str) -> str:
    """The description of a field, or that of the field that it replaces in a base class."""
    bases = [base for base in section.__mro__ if issubclass(base, BaseModel) and name in base.model_fields]
    return next((meaning for base in bases if (meaning := base.model_fields[name].description)), "")


def _takes(field: FieldInfo) -> str:
    choices = _choices(field.annotation)
    if len(choices) > 1:
        return " or ".join(", ".join(choices).rsplit(", ", 1))
    bounds = {name: getattr(part, name) for part in field.metadata for name in _BOUNDS if hasattr(part, name)}
    if bounds.keys() == {"ge", "le"}:
        return f"{bounds['ge']} to {bounds['le']}"
    return ", ".join(f"{words} {bounds[name]}" for name, words in _BOUNDS.items() if name in bounds)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _lines(keys: tuple[Key, ...], indent: int) -> list[str]:
    lines = []
    for key in keys:
        lines += _entry(key, " " * indent)
        if key.is_list:
            element = _lines(key.inner, indent + 4)
            element[0] = element[0][: indent + 2] + "- " + element[0][indent + 4 :]
            lines += element if key.required else [f"{line[: indent + 2]}# {line[indent + 2 :]}" for line in element]
        else:
            lines += _lines(key.inner, indent + 2)
    return lines


def _entry(key: Key, indent: str) -> list[str]:
    """A key with its default and, beside it, what is to be known of it."""
    has_value = not key.required and (key.is_list or not key.inner)
    entry = f"{indent}{key.name}:" + (f" {_as_yaml(key.default)}" if has_value else "")
    known = [
        ("required: " if key.required and key.meaning else "") + key.meaning,
        f"[{key.takes}]" if key.takes else "",
    ]
    comment = textwrap.wrap(" ".join(known).strip(), _WIDTH - _COMMENTS_AT - 2)
    if not comment:  # a section
        return [entry]
    first, *others = [f"# {line}" for line in comment]
    return [f"{entry:<{_COMMENTS_AT - 1}} {first}", *(" " * _COMMENTS_AT + line for line in others)]


def _as_yaml(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=_WIDTH).removesuffix("...\n").strip()


def _rows(keys: tuple[Key, ...], prefix: str) -> list[dict[str, Any]]:
    rows = []
    for key in keys:
        name = prefix + key.name
        if key.inner:
            rows += _rows(key.inner, f"{name}.0." if key.is_list else f"{name}.")
        else:
            told = {"default": key.default, "required": key.required, "meaning": key.meaning, "takes": key.takes}
            rows.append({"key": name, **told})
    return rows
