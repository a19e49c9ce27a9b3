"""DLMS/COSEM: pushes and answers of meters over any of their frames, in the clear or ciphered."""

from __future__ import annotations

from .ciphering import Envelope, Keys
from .counters import CounterVerdict, CounterWatch
from .decode import decode_cosem
from .hdlc import HdlcFrame, HdlcReader
from .unpack import Unpacked, read_envelopes, unpack

__all__ = [
    "CounterVerdict",
    "CounterWatch",
    "Envelope",
    "HdlcFrame",
    "HdlcReader",
    "Keys",
    "Unpacked",
    "decode_cosem",
    "read_envelopes",
    "unpack",
]
