"""That a repaired copy is the same data is tested in test_repair.py, format by format."""

from cnn_suite.data.boxes.copies import WRITERS
from cnn_suite.data.boxes.sources import FORMATS


def test_every_format_that_is_read_can_be_written():
    assert set(WRITERS) == set(FORMATS)
