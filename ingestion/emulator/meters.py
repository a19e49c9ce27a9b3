"""Registers as columns: where each stands, and the frames that tell what it counted since."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.codecs.universal import MAX_PLAINTEXT_BYTES
from ingestion.codecs.universal_frames import Profiles, profiles
from ingestion.codecs.universal_messages import IntervalProfile
from ingestion.codecs.universal_profile import encode_profile
from ingestion.emulator.courier import Parcel
from ingestion.emulator.ledger import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    # (lines, starts of intervals, interval in minutes) → increments, lines × intervals
    Amounts = Callable[[Ints, Ints, int], Ints]

__all__ = ["Message", "Meters", "joined", "messages"]

# Twelve digits: the longest register there is.
_MODULUS = 10**12
_NARROW_PORTS, _NARROW_REGISTERS = 8, 32


class Message(NamedTuple):
    """A message to be put into a frame of a module; told is None where it is no profile."""

    row: int
    text: bytes
    told: Told | None = None


@dataclass(slots=True, eq=False)
class Meters:
    """A row is a register. row: of its module; opening: what it shows at next_start (Unix seconds),
    where the first interval begins that was not sent yet; interval: minutes; modulus: where it
    rolls over."""

    row: Ints
    port: Ints
    register: Ints
    interval: Ints
    opening: Ints
    next_start: Ints
    modulus: Ints

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(
        cls,
        row: Ints,
        *,
        port: Ints,
        register: Ints,
        interval: Ints,
        opening: Ints,
        next_start: Ints,
        modulus: Ints | None = None,
    ) -> Meters:
        limit = np.full(len(row), _MODULUS) if modulus is None else modulus
        return cls(row, port, register, interval, opening % limit, next_start, limit)

    def closed(self, now: Ints) -> Ints:
        """How many intervals have ended and were not sent; now: of each register's module."""
        return np.asarray(np.maximum((now - self.next_start) // (self.interval * 60), 0))

    def tell(self, now: Ints, amounts: Amounts, *, most: int = 24) -> list[Message]:
        """Profiles of what has ended, at most so many values each; the registers move on."""
        count = np.minimum(self.closed(now), most)
        made: list[Message] = []
        due = np.flatnonzero(count)
        if not len(due):
            return made
        kinds = np.stack([self.interval[due], self.next_start[due], count[due]])
        _unique, group = np.unique(kinds, axis=1, return_inverse=True)
        for number in range(int(group.max()) + 1):
            lines = due[group.reshape(-1) == number]
            interval, start = int(self.interval[lines[0]]), int(self.next_start[lines[0]])
            starts = start + np.arange(int(count[lines[0]])) * interval * 60
            made += self._advance(lines, starts, interval, amounts(lines, starts, interval))
        return made

    def _advance(self, lines: Ints, starts: Ints, interval: int, values: Ints) -> list[Message]:
        base = np.full(len(lines), starts[0])
        made = messages(
            self.row[lines],
            port=self.port[lines],
            register=self.register[lines],
            base_time=base,
            interval=interval,
            opening=self.opening[lines],
            values=values,
        )
        limit = self.modulus[lines]
        self.opening[lines] = (self.opening[lines] + values.sum(axis=1)) % limit
        self.next_start[lines] = starts[-1] + interval * 60
        return made


def messages(
    row: Ints,
    *,
    port: Ints,
    register: Ints,
    base_time: Ints,
    interval: int,
    opening: Ints,
    values: Ints,
) -> list[Message]:
    """A profile for each row of values; those with small addresses are packed together."""
    narrow = (port < _NARROW_PORTS) & (register < _NARROW_REGISTERS)
    texts: list[bytes] = [b""] * len(row)
    chosen = np.flatnonzero(narrow)
    if len(chosen):
        packed = profiles(
            Profiles(
                port[chosen],
                register[chosen],
                base_time[chosen],
                interval,
                opening[chosen],
                values[chosen],
            )
        )
        for place, text in zip(chosen.tolist(), packed, strict=True):
            texts[place] = text
    told = [
        Told(one, number, begin, interval, shown, tuple(used))
        for one, number, begin, shown, used in zip(
            port.tolist(),
            register.tolist(),
            base_time.tolist(),
            opening.tolist(),
            values.tolist(),
            strict=True,
        )
    ]
    for place in np.flatnonzero(~narrow).tolist():
        texts[place] = encode_profile(_profile(told[place]))
    return [Message(*one) for one in zip(row.tolist(), texts, told, strict=True)]


def _profile(told: Told) -> IntervalProfile:
    return IntervalProfile(
        told.port, told.register, told.base_time, told.interval, told.values, told.opening
    )


def joined(made: Iterable[Message]) -> list[Parcel]:
    """As few frames as the messages of each module fit into, in their order."""
    of_module: dict[int, list[Message]] = defaultdict(list)
    for message in made:
        of_module[message.row].append(message)
    parcels = []
    for row, mine in of_module.items():
        part: list[Message] = []
        size = 0
        for message in mine:
            if part and size + len(message.text) > MAX_PLAINTEXT_BYTES:
                parcels.append(_parcel(row, part))
                part, size = [], 0
            part.append(message)
            size += len(message.text)
        parcels.append(_parcel(row, part))
    return parcels


def _parcel(row: int, part: list[Message]) -> Parcel:
    told = tuple(message.told for message in part if message.told is not None)
    return Parcel(row, b"".join(message.text for message in part), told)
