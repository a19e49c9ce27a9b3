"""How much one person may ask of the workbench: a page asks often while somebody types."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from django.core.cache import cache

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["HINTS", "LARGEST_REQUEST", "QUESTIONS", "Limit", "one_at_a_time", "seconds_to_wait"]

# Bytes of one question: a definition and a telegram of the greatest length, escaped.
LARGEST_REQUEST = 1_500_000
_SECONDS = 60
# After so many seconds a question that died with its process stands in nobody's way.
_LONGEST = 30


class Limit(NamedTuple):
    """So many questions of a sort in a minute."""

    sort: str
    most: int


# What decodes, and what only offers words while somebody types.
QUESTIONS = Limit("questions", 150)
HINTS = Limit("hints", 400)


def seconds_to_wait(user: User, limit: Limit) -> int:
    """0 where the question is allowed; it is counted. Else the seconds until one is."""
    now = int(time.time())
    key = f"workbench:{limit.sort}:{user.pk}:{now // _SECONDS}"
    cache.add(key, 0, timeout=2 * _SECONDS)
    try:
        asked = cache.incr(key)
    except ValueError:  # it ran out between the two
        return 0
    return 0 if asked <= limit.most else _SECONDS - now % _SECONDS


@contextmanager
def one_at_a_time(user: User) -> Iterator[bool]:
    """Whether no other question of the user is being answered: decoding takes a processor."""
    key = f"workbench:busy:{user.pk}"
    free = cache.add(key, True, timeout=_LONGEST)
    try:
        yield free
    finally:
        if free:
            cache.delete(key)
