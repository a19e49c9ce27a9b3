"""Looking at a frame without a database: what it is, and what every byte of it says."""

from .material import frames_in, octets_in
from .printing import byte_lines, meaning_lines, table_lines
from .recognising import Recognised, recognise
from .types import UnknownTypeError, compiled_type
from .unpacking import decode_uplink, unpacked

__all__ = [
    "Recognised",
    "UnknownTypeError",
    "byte_lines",
    "compiled_type",
    "decode_uplink",
    "frames_in",
    "meaning_lines",
    "octets_in",
    "recognise",
    "table_lines",
    "unpacked",
]
