"""What modules remember of their registers, to be asked for again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ingestion.codecs.universal_messages import IntervalProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestion.codecs.universal_messages import ArchiveRequest
    from ingestion.emulator.ledger import Told
    from ingestion.emulator.meters import Message

__all__ = ["Memory"]

_Register = tuple[int, int, int]


class Memory:
    """Profiles by (module, port, register), oldest first.

    limit: values that all modules remember together; a fleet of any size needs bounded memory.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._limit = limit
        self._held = 0
        self._profiles: dict[_Register, deque[Told]] = {}
        self._order: deque[_Register] = deque()

    def keep(self, messages: Iterable[Message]) -> None:
        """Remember what these messages tell, whether they are sent or not."""
        for message in messages:
            told = message.told
            if told is None:
                continue
            register = (message.row, told.port, told.register)
            self._profiles.setdefault(register, deque()).append(told)
            self._order.append(register)
            self._held += len(told.values)
        while self._held > self._limit:
            self._forget()

    def _forget(self) -> None:
        register = self._order.popleft()
        profiles = self._profiles[register]
        self._held -= len(profiles.popleft().values)
        if not profiles:
            del self._profiles[register]

    def find(self, row: int, asked: ArchiveRequest) -> Iterator[IntervalProfile]:
        """The answers to an archive request: intervals that begin within it."""
        for told in self._profiles.get((row, asked.port, asked.register), ()):
            step = told.interval * 60
            first = max(0, -((told.base_time - asked.start) // step))
            end = max(0, -((told.base_time - asked.end) // step))
            values = told.values[first:end]
            if values:
                yield IntervalProfile(
                    told.port,
                    told.register,
                    told.base_time + first * step,
                    told.interval,
                    values,
                    told.opening if first == 0 else None,
                    request=asked.request,
                )
