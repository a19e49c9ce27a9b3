"""Fixed parts of messages as NumPy record types, one for each combination of flags."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .universal_fields import WIDE, UpKind
from .universal_profile import NO_OPENING, OPTIONS
from .universal_up import WIDE_VALUES

__all__ = [
    "EVENT_HEAD",
    "STATUS",
    "event_layout",
    "profile_layout",
    "register_head",
    "register_layout",
]

_Field = tuple[str, str]
_ADDRESS: list[_Field] = [("address", "u1")]
_WIDE_ADDRESS: list[_Field] = [("port", ">u2"), ("register", "u1")]
_OPENING: list[_Field] = [("opening_high", "u1"), ("opening_low", ">u4")]

EVENT_HEAD = np.dtype([("first", "u1"), ("count", "u1")])
STATUS = np.dtype(
    [
        ("first", "u1"),
        ("time", ">u4"),
        ("battery_mv", ">u2"),
        ("battery_percent", "u1"),
        ("signal", "i1"),
        ("temperature", "i1"),
    ]
)


@lru_cache(maxsize=256)
def profile_layout(first: int) -> np.dtype[np.void]:
    """Everything before the missing bitmap, for a message's first byte."""
    flags = first >> 4
    parts: list[_Field] = [("first", "u1")]
    if first & 0x0F == UpKind.ARCHIVE:
        parts.append(("request", ">u2"))
    parts += _WIDE_ADDRESS if flags & WIDE else _ADDRESS
    parts += [("base_time", ">u4"), ("step", ">u2"), ("count", "u1")]
    parts += [("options", "u1")] if flags & OPTIONS else []
    parts += [] if flags & NO_OPENING else _OPENING
    return np.dtype(parts)


@lru_cache(maxsize=16)
def register_head(flags: int) -> np.dtype[np.void]:
    parts: list[_Field] = [("first", "u1"), ("time", ">u4"), ("count", "u1")]
    return np.dtype(parts + ([("quality", "u1")] if flags & OPTIONS else []))


@lru_cache(maxsize=16)
def register_layout(flags: int) -> np.dtype[np.void]:
    """One register of a snapshot."""
    value = [("value", ">i8")] if flags & WIDE_VALUES else _OPENING
    return np.dtype((_WIDE_ADDRESS if flags & WIDE else _ADDRESS) + value)


@lru_cache(maxsize=16)
def event_layout(flags: int) -> np.dtype[np.void]:
    """One event."""
    port = ("port", ">u2" if flags & WIDE else "u1")
    return np.dtype([("time", ">u4"), port, ("code", ">u2"), ("detail", ">i4")])
