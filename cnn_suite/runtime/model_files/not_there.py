"""The error for a word on the command line that names nothing: wrong usage, where a file that is damaged is a fault."""


class NotThereError(FileNotFoundError):
    """What was asked for by its path or name does not exist; the text says what there is instead."""
