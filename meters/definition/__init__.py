"""The language of device types: text → checked definition. It decodes nothing.

`language.PARTS` is the one table of keys; `read_definition` checks against it.
"""

from __future__ import annotations

from .completion import choices_at, keys_at
from .cursor import Offers, offers_at
from .errors import DefinitionError, Mark, Problem
from .json_schema import json_schema
from .model import Definition
from .reading import read_definition
from .registers import RegisterUse, registers_of
from .wrapping import wrap_payload_schema

__all__ = [
    "Definition",
    "DefinitionError",
    "Mark",
    "Offers",
    "Problem",
    "RegisterUse",
    "choices_at",
    "json_schema",
    "keys_at",
    "offers_at",
    "read_definition",
    "registers_of",
    "wrap_payload_schema",
]
