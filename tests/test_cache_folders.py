"""The folders of the cache follow the environment."""

from pathlib import Path

import pytest

from cnn_suite.cache_folders import cache_home, files_folder, model_folder


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_SUITE_HOME", str(tmp_path))
    assert cache_home() == tmp_path
    assert files_folder("yunet") == tmp_path / "files" / "yunet"
    assert model_folder("yolov3") == tmp_path / "models" / "yolov3"
    monkeypatch.setenv("CNN_SUITE_HOME", "~/elsewhere")
    assert cache_home() == Path.home() / "elsewhere"
    monkeypatch.setenv("CNN_SUITE_HOME", "")
    assert cache_home() == Path.home() / ".cache" / "cnn_suite"
