"""What can be wrong with a file or a cell, in plain words."""

from __future__ import annotations

__all__ = ["CellError", "TableFileError"]


class TableFileError(ValueError):
    """The file as a whole can't be used; the message is one line for the person who sent it."""

    permanent = True


class CellError(ValueError):
    """One cell can't be used; the message says what is wrong with its value."""

    permanent = True
