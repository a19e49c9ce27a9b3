"""Durations as a definition writes them: 90s, 15min, 1h, 1d."""

from __future__ import annotations

import re

__all__ = ["seconds_of"]

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([1-9]\d{0,6}) ?(s|min|h|d)")


def seconds_of(text: str) -> int | None:
    """Seconds of a duration; None where the text is none, such as a reference."""
    match = _DURATION.fullmatch(text)
    return int(match.group(1)) * _SECONDS[match.group(2)] if match else None
