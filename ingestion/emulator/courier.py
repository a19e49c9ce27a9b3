"""Delivering frames as docs/protocol.md asks of a module: in order, few at once, again and again.

Frames wait in a queue for each module, oldest first. At most `in_flight` of a module wait for their
acknowledgements; one that does not come is awaited for a time that doubles, then the same bytes are
sent again. When the tries are used up the data stays for the next report.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.universal import decode
from ingestion.codecs.universal_frame import Direction
from ingestion.codecs.universal_messages import AckFlag, Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingestion.codecs.universal_messages import Message
    from ingestion.emulator.fleet import Modules
    from ingestion.emulator.ledger import Ledger, Told
    from ingestion.emulator.links import Link
    from ingestion.emulator.misbehaviour import Mischief

__all__ = ["Courier", "Manners", "Parcel", "Score"]

_HEADER = np.dtype([("first", "u1"), ("device", ">u8"), ("counter", ">u4")])
_SHORTEST = 26
# After so many later frames the server may have closed its window: the messages are sealed anew.
_OVERTAKEN = 32


@dataclass(frozen=True, slots=True)
class Manners:
    """How a module sends. back_off: seconds, doubled with each try; window: frames under way at once
    of the whole fleet, which share one socket buffer."""

    in_flight: int = 8
    back_off: float = 4.0
    longest: float = 900.0
    tries: int = 6
    window: int = 4_000


class Parcel(NamedTuple):
    """Messages for one frame, and what of them goes into the ledger."""

    row: int
    plaintext: bytes
    told: tuple[Told, ...] = ()


@dataclass(slots=True)
class Score:
    """Counts since the start."""

    posted: int = 0
    sent: int = 0
    repeated: int = 0
    acknowledged: int = 0
    not_understood: int = 0
    given_up: int = 0
    clocks_set: int = 0
    foreign_answers: int = 0


@dataclass(slots=True)
class _Flight:
    """A frame under way."""

    parcel: Parcel
    frame: bytes
    tries: int = 1


@dataclass(slots=True)
class Courier:
    """One thread drives it by `step`. clock: monotonic seconds; wall: Unix seconds."""

    modules: Modules
    link: Link
    ledger: Ledger
    mischief: Mischief
    manners: Manners = field(default_factory=Manners)
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    on_message: Callable[[int, Message], None] | None = None
    score: Score = field(default_factory=Score)
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - spreads load
    _queues: dict[int, deque[Parcel]] = field(default_factory=dict)
    _ready: deque[int] = field(default_factory=deque)
    _flights: dict[tuple[int, int], _Flight] = field(default_factory=dict)
    _of_module: dict[int, int] = field(default_factory=dict)
    _due: list[tuple[float, tuple[int, int]]] = field(default_factory=list)
    _kept: list[Parcel] = field(default_factory=list)

    def post(self, parcels: Iterable[Parcel]) -> None:
        """Queue frames; oldest data first for each module."""
        for parcel in parcels:
            queue = self._queues.setdefault(parcel.row, deque())
            queue.append(parcel)
            self.score.posted += 1
            if len(queue) == 1:
                self._ready.append(parcel.row)

    @property
    def waiting(self) -> int:
        """Frames not acknowledged yet, those kept for the next report included."""
        queued = sum(map(len, self._queues.values()))
        return queued + len(self._flights) + len(self._kept)

    @property
    def busy(self) -> bool:
        """Whether something is under way or to be sent before the next report."""
        return bool(self._queues or self._flights)

    def rekey(self, row: int, selector: int, key: bytes, first: Parcel) -> None:
        """The module has a new key: `first`, then what was under way, is sealed with it.

        Answers under the key before are heard no more: what they acknowledge is sent once more.
        """
        self.modules.rekey(row, selector, key)
        flying = sorted(one for one in self._flights if one[0] == row)
        parcels = [first, *(self._flights[one].parcel for one in flying)]
        for one in flying:
            self._land(one)
        self._queues.setdefault(row, deque()).extendleft(reversed(parcels))
        if row not in self._ready:
            self._ready.append(row)

    def report(self) -> None:
        """It is report time: what was kept is tried again, before newer data."""
        kept, self._kept = self._kept, []
        for parcel in reversed(kept):
            queue = self._queues.setdefault(parcel.row, deque())
            queue.appendleft(parcel)
            if len(queue) == 1:
                self._ready.append(parcel.row)

    def step(self, timeout: float = 0.05) -> None:
        """Send what may be sent, repeat what is due, take what has come."""
        self._send_ready()
        self._repeat_due()
        pause = timeout
        if self._due:
            pause = max(0.0, min(timeout, self._due[0][0] - self.clock()))
        for row, frame in self.mischief.release() if not self._ready else ():
            self.link.send(row, frame)
        self._take(self.mischief.incoming(self.link.receive(pause)))

    def deliver(self, *, seconds: float) -> bool:
        """Until all is acknowledged; False when that took longer."""
        end = self.clock() + seconds
        while self.waiting:
            if self.clock() >= end:
                return False
            if not self.busy:
                self.report()
            self.step()
        self.ledger.flush()
        return True

    def _send_ready(self) -> None:
        room = self.manners.window - len(self._flights)
        parcels: list[Parcel] = []
        while self._ready and room > len(parcels):
            row = self._ready.popleft()
            parcels += self._next_of(row, room - len(parcels))
        if not parcels:
            return
        for number, parcel, frame in self._sealed(parcels):
            key = (parcel.row, number)
            self._flights[key] = _Flight(parcel, frame)
            self._send(key, frame, tries=1)

    def _next_of(self, row: int, room: int) -> list[Parcel]:
        """What a module may send now. It is ready again when an answer makes room."""
        queue = self._queues.get(row)
        if queue is None:
            return []
        free = min(room, self.manners.in_flight - self._of_module.get(row, 0), len(queue))
        taken = [queue.popleft() for _ in range(max(free, 0))]
        if taken:
            self._of_module[row] = self._of_module.get(row, 0) + len(taken)
        if not queue:
            del self._queues[row]
        elif self._of_module.get(row, 0) < self.manners.in_flight:
            self._ready.append(row)
        return taken

    def _sealed(self, parcels: Sequence[Parcel]) -> Iterable[tuple[int, Parcel, bytes]]:
        rows, texts = [one.row for one in parcels], [one.plaintext for one in parcels]
        counters, frames = self.modules.seal(rows, texts)
        return zip(counters.tolist(), parcels, frames, strict=True)

    def _send(self, key: tuple[int, int], frame: bytes, *, tries: int) -> None:
        for row, data in self.mischief.outgoing(key[0], frame):
            self.link.send(row, data)
        self.score.sent += 1
        longest = min(self.manners.back_off * 2**tries, self.manners.longest)
        heapq.heappush(self._due, (self.clock() + self.random.uniform(longest / 2, longest), key))

    def _repeat_due(self) -> None:
        now = self.clock()
        while self._due and self._due[0][0] <= now:
            _at, key = heapq.heappop(self._due)
            flight = self._flights.get(key)
            if flight is None:
                continue
            if flight.tries >= self.manners.tries:
                self._give_up(key, flight)
            elif self.modules.counter[key[0]] - key[1] > _OVERTAKEN:
                self._seal_again(key, flight)
            else:
                flight.tries += 1
                self.score.repeated += 1
                self._send(key, flight.frame, tries=flight.tries)

    def _seal_again(self, key: tuple[int, int], flight: _Flight) -> None:
        del self._flights[key]
        [(counter, parcel, frame)] = self._sealed([flight.parcel])
        again = (parcel.row, counter)
        self._flights[again] = _Flight(parcel, frame, flight.tries + 1)
        self.score.repeated += 1
        self._send(again, frame, tries=flight.tries + 1)

    def _give_up(self, key: tuple[int, int], flight: _Flight) -> None:
        self.score.given_up += 1
        self._kept.append(flight.parcel)
        self._land(key)

    def _land(self, key: tuple[int, int]) -> None:
        del self._flights[key]
        row = key[0]
        left = self._of_module[row] - 1
        if left:
            self._of_module[row] = left
        else:
            del self._of_module[row]
        if row in self._queues and left == self.manners.in_flight - 1:
            self._ready.append(row)

    def _take(self, answers: list[bytes]) -> None:
        answers = [one for one in answers if len(one) >= _SHORTEST]
        if not answers:
            return
        records = np.frombuffer(b"".join([one[:13] for one in answers]), _HEADER)
        rows = self.modules.find(records["device"].astype(np.uint64)).tolist()
        counters = (records["counter"] & 0x7FFF_FFFF).tolist()
        now = self.wall()
        for answer, row, counter in zip(answers, rows, counters, strict=True):
            self._hear(row, counter, answer, now)
        self.ledger.flush()

    def _hear(self, row: int, counter: int, answer: bytes, now: float) -> None:
        if row < 0:
            self.score.foreign_answers += 1
            return
        try:
            messages = decode(open_frame(self.modules.cipher(row), answer), Direction.DOWN)
        except DecodeError:
            self.score.foreign_answers += 1
            return
        # An older frame downward is obeyed by nobody, but its acknowledgement still is true.
        fresh = counter > int(self.modules.down[row])
        self.modules.down[row] = max(counter, int(self.modules.down[row]))
        for message in messages:
            if isinstance(message, Acknowledgement):
                self._acknowledged(row, message, now)
            if fresh and self.on_message is not None:
                self.on_message(row, message)

    def _acknowledged(self, row: int, message: Acknowledgement, now: float) -> None:
        wanted = bool(message.flags & AckFlag.SET_CLOCK)
        if self.modules.set_clock(row, now, message.server_time, wanted=wanted):
            self.score.clocks_set += 1
        flight = self._flights.get((row, message.counter))
        if flight is None:
            return
        self._land((row, message.counter))
        self.score.acknowledged += 1
        if message.flags & AckFlag.NOT_UNDERSTOOD:
            self.score.not_understood += 1
            return
        self.ledger.note(self.modules.label(row), message.counter, flight.parcel.told)
