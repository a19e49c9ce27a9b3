"""Binary layouts as data: the Payload Schema language with what metering adds to it.

`compile_schema(definition).decode(octets, port=…, variables=…)` gives a `Telegram`. The language is
that of the LoRa Alliance draft (v0.5) as its public reference describes it; existing schemas load
as they are. A definition is compiled once into closures; messages of one shape can be read in
columns (`shapes`). The additions are documented in `docs/device-types/binary.md`.
"""

from __future__ import annotations

from .assembly import Assembly
from .decoder import BinaryDecoder, compile_schema
from .errors import SchemaError
from .shapes import Cell, Shape, shape_of

__all__ = [
    "Assembly",
    "BinaryDecoder",
    "Cell",
    "SchemaError",
    "Shape",
    "compile_schema",
    "shape_of",
]
