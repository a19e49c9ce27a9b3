"""The garbage collector, kept from objects that all stay."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collector_paused", "collector_settled"]


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


def collector_settled() -> None:
    """What is loaded by now stays: it is not looked through again.

    A web process holds some 160,000 such objects, and every full look at them was a pause of 70 ms
    in whatever answer came just then.
    """
    gc.collect()
    gc.freeze()
