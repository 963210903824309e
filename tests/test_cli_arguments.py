"""Tests of cnn_suite.cli_arguments: what is read, and how what cannot be read is refused."""

import pytest
import typer

from cnn_suite.cli_arguments import UsageFault, is_usage, model_folder, parse_numbers, parse_size, parse_units
from cnn_suite.config import ConfigError


def test_sizes_are_height_then_width() -> None:
    assert parse_size("480x640") == parse_size("480X640") == (480, 640)


@pytest.mark.parametrize("text", ["480", "480x", "480x640x3", "0x640", "-1x640", "4.5x6", ""])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageFault, match="HEIGHTxWIDTH in pixels, for example 480x640. Received") as raised:
        parse_size(text)
    assert raised.value.format_message() == raised.value.message


def test_units_are_whole_numbers() -> None:
    assert parse_units("0, 3,17") == (0, 3, 17) and parse_units("") == ()
    with pytest.raises(UsageFault, match="--units takes whole numbers separated by commas, such as 0,3,17. Received"):
        parse_units("1,-2")


def test_groups_of_numbers_are_separated_by_spaces() -> None:
    assert parse_numbers("10,14 23.5,27", 2) == [(10.0, 14.0), (23.5, 27.0)]
    assert parse_numbers("", 2) == []


@pytest.mark.parametrize("text", ["10", "10,14,23", "10,x", "10,-1", "10,0"])
def test_wrong_groups_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageFault, match="Expected positive numbers in groups of 2, such as '10,14 23,27'. Received"):
        parse_numbers(text, 2)


def test_an_unknown_model_is_wrong_usage() -> None:
    with pytest.raises(UsageFault, match="There is no model 'absent'"):
        model_folder("absent")


def test_usage_is_told_from_faults_of_the_work() -> None:
    assert is_usage(UsageFault("x")) and is_usage(typer.BadParameter("x")) and is_usage(ConfigError("x"))
    assert not is_usage(ValueError("x")) and not is_usage(FileNotFoundError("x"))
