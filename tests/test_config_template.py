"""The configuration to start from: whole, true to the classes, and readable by `load_config`."""

import json

import pytest
import yaml

from cnn_suite.config import CONFIGS, ConfigError, load_config
from cnn_suite.config_template import template, template_rows

GIVEN = {  # what has no default
    "style": {"name": "mine", "data": {"photos": ["p"], "paintings": [{"name": "wave", "path": "w.jpg"}]}},
}


def given(task):
    return GIVEN.get(task, {"name": "mine", "data": {"path": "somewhere"}})


def overrides(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from overrides(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={yaml.safe_dump(value, default_flow_style=True)}"


@pytest.mark.parametrize("task", CONFIGS)
def test_the_template_is_the_configuration_of_all_defaults(task, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(template(task), encoding="utf-8")
    assert load_config(file, list(overrides(given(task)))) == CONFIGS[task].model_validate_json(json.dumps(given(task)))


@pytest.mark.parametrize("task", CONFIGS)
def test_every_key_says_what_it_means_and_no_line_is_too_long(task):
    rows = template_rows(task)
    assert [row["key"] for row in rows if not row["meaning"]] == []
    assert len({row["key"] for row in rows}) == len(rows)
    assert max(len(line) for line in template(task).splitlines()) <= 120


def test_defaults_bounds_and_choices_are_told():
    lines = template("classification").splitlines()
    assert "name:                                   # required: name of the run and of its model folder" in lines
    assert "    mirror: 0.5                         # probability of a horizontal flip [0 to 1]" in lines
    assert (
        "  learning_rate: 0.1                    # rate after the warm-up [above 0]" in lines
    )  # meaning of the base class
    assert "  resize: crop                          # how pictures are resized [crop, stretch or letterbox]" in lines
    # An empty list shows an element, which is no part of the file.
    start = next(number for number, line in enumerate(lines) if line.startswith("  phases: []"))
    assert lines[start + 1].split("  ")[2] == "# - epochs:"
    assert lines[start + 2].startswith("    #   train: all ")


def test_a_list_that_must_be_given_shows_an_element():
    values = yaml.safe_load(template("style"))
    assert values["data"]["paintings"] == [{"name": None, "path": None, "size": 384, "strength": 1.0}]


def test_rows_have_the_keys_of_overrides():
    rows = {row["key"]: row for row in template_rows("detection")}
    assert rows["training.epochs"] == {
        "key": "training.epochs",
        "default": 100,
        "required": False,
        "meaning": "epochs of a training without phases",
        "takes": "at least 1",
    }
    assert rows["training.phases.0.learning_rate"]["required"]
    assert rows["data.shapes.train"]["default"] == 400


def test_an_unknown_task_is_refused():
    with pytest.raises(ConfigError, match="task: must be one of detection, .*Did you mean 'detection'"):
        template("detektion")
