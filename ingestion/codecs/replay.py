"""The replay window: which frame counters of one key and direction were seen.

State is two integers, kept by the caller beside the data they protect: the highest counter
accepted (0 = none yet) and a bitmap whose bit i tells that `highest − i` was seen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["WINDOW", "Verdict", "Window", "accept"]

WINDOW = 64
_MASK = (1 << WINDOW) - 1


class Verdict(StrEnum):
    """What to do with an authenticated frame."""

    NEW = "new"
    DUPLICATE = "duplicate"
    TOO_OLD = "too old"


class Window(NamedTuple):
    """The state; a fresh key starts with `Window()`."""

    highest: int = 0
    seen: int = 0


def accept(window: Window, counter: int) -> tuple[Verdict, Window]:
    """Judge a counter and give the state after it. Only for frames whose tag was right."""
    ahead = counter - window.highest
    if ahead > 0:
        seen = (window.seen << ahead | 1) & _MASK if ahead < WINDOW else 1
        return Verdict.NEW, Window(counter, seen)
    if -ahead >= WINDOW:
        return Verdict.TOO_OLD, window
    bit = 1 << -ahead
    if window.seen & bit:
        return Verdict.DUPLICATE, window
    return Verdict.NEW, Window(window.highest, window.seen | bit)
