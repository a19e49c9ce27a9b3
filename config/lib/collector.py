"""The garbage collector, held back while very many objects are made that all stay."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Don't look for cycles among objects that are all in use: a quarter of a bulk job's time.

    For seconds, not for minutes: cycles of other threads wait as well. Whoever finishes first
    among several ends the pause for all, which costs time and nothing else.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
