"""Device types at work: a checked definition is compiled once and decodes telegrams.

`kinds` lists the codecs; this package turns what they give into readings, series and events.
"""

from __future__ import annotations

from .commands import CommandError, Downlink
from .compiling import CompiledType, compile_type
from .decoded import Arrival, Decoded, EventSaid, Identity, Reading, Series
from .testing import TestResult, publishing_faults, run_tests

__all__ = [
    "Arrival",
    "CommandError",
    "CompiledType",
    "Decoded",
    "Downlink",
    "EventSaid",
    "Identity",
    "Reading",
    "Series",
    "TestResult",
    "compile_type",
    "publishing_faults",
    "run_tests",
]
