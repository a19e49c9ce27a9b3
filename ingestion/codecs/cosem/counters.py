"""The rule of invocation counters: each number once, and none left out.

Source: Green Book, "Invocation counter": a sender counts up with every message ciphered under a
key; a receiver accepts only a higher number than the last.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COUNTER_LIMIT", "CounterVerdict", "CounterWatch"]

COUNTER_LIMIT = 1 << 32
# Of a longer gap only the first numbers are listed; `gap` says how long it is.
_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class CounterVerdict:
    """`missing` are the numbers left out before this one, at most 1,000 of the `gap`."""

    accepted: bool
    reason: str = ""
    gap: int = 0
    missing: tuple[int, ...] = ()


class CounterWatch:
    """Watches the counter of one sender under one key. `last` is None before the first message."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last

    def see(self, counter: int) -> CounterVerdict:
        """Judge a number that arrived; an accepted one becomes the last."""
        if not 0 <= counter < COUNTER_LIMIT:
            return CounterVerdict(False, f"invocation counter {counter} is no 32-bit number")
        if self.last is not None and counter <= self.last:
            return CounterVerdict(False, self._replayed(counter))
        first = counter if self.last is None else self.last + 1
        missing = tuple(range(first, min(counter, first + _LISTED)))
        self.last = counter
        return CounterVerdict(True, gap=counter - first, missing=missing)

    def _replayed(self, counter: int) -> str:
        word = "again" if counter == self.last else f"after {self.last}"
        return f"replay: invocation counter {counter} {word}"
