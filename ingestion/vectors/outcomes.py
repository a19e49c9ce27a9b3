"""What comparing one published vector with the decoders gave."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFERENT", "EQUAL", "REFUSED", "Outcome"]

EQUAL = "equal"
DIFFERENT = "different"
# The decoder refused a vector that is published with values.
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`verdict` is one of the three words above; `detail` says in words what differs and why."""

    name: str
    verdict: str
    detail: str = ""
