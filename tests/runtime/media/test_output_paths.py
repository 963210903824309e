"""Files in use; `check_writable` is tested with the sinks."""

from __future__ import annotations

import os

import pytest

from cnn_suite.runtime.media.output_paths import FilesInUse, SinkError


def test_a_file_is_known_however_its_path_is_spelt(tmp_path):
    read = tmp_path / "a.png"
    read.write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "soft.png").symlink_to(read)
    os.link(read, tmp_path / "hard.png")
    files = FilesInUse([str(read)])
    for spelt in (read, tmp_path / "folder" / ".." / "a.png", tmp_path / "soft.png", tmp_path / "hard.png"):
        with pytest.raises(SinkError, match=r"Output .*\.png would overwrite a file that is read. Choose another"):
            files.claim(spelt, "output")


def test_a_role_keeps_its_file_before_and_after_it_exists(tmp_path):
    files, path = FilesInUse(), tmp_path / "a.png"
    files.claim(path, "output")
    path.write_text("")
    files.claim(path, "output")
    with pytest.raises(SinkError, match=r"Snapshot .*a\.png would overwrite the output"):
        files.claim(path, "snapshot")
    files.claim(tmp_path / "b.png", "snapshot")
