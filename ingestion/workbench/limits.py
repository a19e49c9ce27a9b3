"""How much one person may ask of the workbench: a page asks often while somebody types."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.core.cache import cache

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["LARGEST_REQUEST", "seconds_to_wait"]

# Bytes of one question: a definition and a telegram of the greatest length, escaped.
LARGEST_REQUEST = 1_500_000
_SECONDS = 60
_IN_THAT_TIME = 150


def seconds_to_wait(user: User) -> int:
    """0 where the question is allowed; it is counted. Else the seconds until one is."""
    now = int(time.time())
    key = f"workbench:{user.pk}:{now // _SECONDS}"
    cache.add(key, 0, timeout=2 * _SECONDS)
    try:
        asked = cache.incr(key)
    except ValueError:  # it ran out between the two
        return 0
    return 0 if asked <= _IN_THAT_TIME else _SECONDS - now % _SECONDS
