"""Device types that take too long are set aside, so that others are collected meanwhile.

The engine is one thread for all companies. The processor time that a type costs it is measured a
message; how long others had to wait on the machine does not count. Set aside is a type of a
company's own as a whole, a shipped one for the company whose module speaks: nobody can have a type
that others use set aside. It stays so until it is published anew, somebody asks for a replay of its
messages, or the engine starts again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.decoding import Identity

    from .types import ForeignType

__all__ = ["MOST_SECONDS", "Breaker"]

# For one message.
MOST_SECONDS = 1.0
# Messages that take longer are slow; a type may take so much for slow ones at once, and this part
# of the engine's time for long.
_SLOW, _AT_ONCE, _SHARE = 0.05, 5.0, 0.2
# Files of a whole year come seldom; they may take so many times as long.
_PATIENCE = {"nem": 10}
_REMEMBERED = 50_000
_ONE = "its device type takes too long: %.1f s for one message"
_MANY = "its device type takes too long: %.1f s for its last slow messages"

_Key = tuple[int, int]
_Made = TypeVar("_Made")


@dataclass(slots=True)
class _Spent:
    """Seconds of slow messages that are not made good yet, as they stood at `at`."""

    seconds: float = 0.0
    at: float = 0.0


@dataclass(slots=True)
class Breaker:
    """clock: processor time of the engine's thread; now: of the world, both in seconds.

    Where nobody waits (looking at stored messages, decoding a period again) it is not active.
    """

    active: bool = False
    clock: Callable[[], float] = time.thread_time
    now: Callable[[], float] = time.monotonic
    # Source → version of the type and who spoke there last, of types that can be set aside whole.
    _speakers: dict[str, tuple[int, Identity]] = field(default_factory=dict)
    _aside: dict[_Key, str] = field(default_factory=dict)
    _spent: dict[_Key, _Spent] = field(default_factory=dict)

    def timed(self, one: ForeignType, company: int, work: Callable[[], _Made]) -> _Made:
        """What `work` gives, done on one message for a type; company: 0 where nobody knows it."""
        if not self.active:
            return work()
        begun = self.clock()
        try:
            return work()
        finally:
            self.note(one, company, self.clock() - begun)

    def note(self, one: ForeignType, company: int, seconds: float, messages: int = 1) -> None:
        """So much processor time went into messages of the type."""
        key = self._key(one, company) if self.active else None
        seconds /= _PATIENCE.get(one.kind, 1)
        if key is None or seconds <= _SLOW * messages:
            return
        now = self.now()
        if len(self._spent) >= _REMEMBERED:
            self._spent.clear()
        spent = self._spent.setdefault(key, _Spent(at=now))
        spent.seconds = max(0.0, spent.seconds - (now - spent.at) * _SHARE) + seconds
        spent.at = now
        if seconds > MOST_SECONDS * messages:
            self._aside[key] = _ONE % (seconds / messages)
        elif spent.seconds > _AT_ONCE:
            self._aside[key] = _MANY % spent.seconds

    def heard(self, one: ForeignType, source: str, identity: Identity) -> None:
        """A known module of the type spoke from there."""
        if not self.active or not one.company:
            return
        if len(self._speakers) >= _REMEMBERED:
            self._speakers.clear()
        self._speakers[source] = one.version, identity

    def speaker(self, one: ForeignType, source: str) -> Identity | None:
        """Who spoke from there last, where it was a module of the type."""
        version, identity = self._speakers.get(source, (0, None))
        return identity if version == one.version else None

    def why_aside(self, one: ForeignType, company: int) -> str:
        """Why a type may not be asked for this company now; "" if it may."""
        if not self._aside:
            return ""
        key = self._key(one, company)
        return self._aside.get(key, "") if key is not None else ""

    def release(self, one: ForeignType) -> None:
        """Somebody wants its messages tried again."""
        for known in (self._aside, self._spent):
            for key in [key for key in known if key[0] == one.version]:
                del known[key]

    @staticmethod
    def _key(one: ForeignType, company: int) -> _Key | None:
        """What is set aside together; None where it is nobody's own."""
        owner = one.company or company
        return (one.version, owner) if owner else None
