"""Tables that makers print, and mappings of other platforms → a first draft of a definition.

`drafted` is the door: it finds out what a text is and leaves the rest to a module for each kind.
"""

from __future__ import annotations

from .characters import text_of_file
from .drafting import Note, Wishes
from .grid import LARGEST_TABLE
from .importing import Imported, drafted, is_foreign

__all__ = [
    "LARGEST_TABLE",
    "Imported",
    "Note",
    "Wishes",
    "drafted",
    "is_foreign",
    "text_of_file",
]
