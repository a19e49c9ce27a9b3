"""Interval files NEM12 and NEM13 of the Australian market: a format that has no decoder here yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .outcomes import REFUSED, Outcome

__all__ = ["compare"]

_REASON = "NEM12 and NEM13 files have no decoder yet: nothing was read, nothing was compared"


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """Every file refused; also those that must be, since they were not judged either."""
    for listed in ("files", "rejected"):
        for vector in vector_file.get(listed, ()):
            yield Outcome(str(vector["file"]), REFUSED, _REASON)
