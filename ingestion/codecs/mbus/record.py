"""A data record and a list of them, as EN 13757-3:2018, clause 6, has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..telegram import Value
from .header import Header

__all__ = ["Record", "RecordList"]


class Record(NamedTuple):
    """One value. Spans count bytes in the octets that were read; `dib` and `vib` are empty spans
    at the start of the data in a compact frame.

    `value` is exact and in `unit` (Wh, J, m3, W, m3/h, °C, K, bar, s …);
    None where there is none or the meter marks it invalid (`valid` is False then).
    `function` is instantaneous, maximum, minimum or error; `modifiers` narrow the quantity
    (l1, backward_flow, upper_limit …); `status` is what the meter says instead of a value.
    """

    header: Header
    start: int
    end: int
    dib: tuple[int, int]
    vib: tuple[int, int]
    data: tuple[int, int]
    value: Value
    valid: bool
    raw: str
    coding: str
    summer_time: bool = False

    @property
    def quantity(self) -> str:
        """What is measured, in words with underscores."""
        return self.header.quantity

    @property
    def unit(self) -> str:
        """The symbol of the value's unit."""
        return self.header.unit

    @property
    def function(self) -> str:
        """instantaneous, maximum, minimum or error."""
        return self.header.function

    @property
    def storage(self) -> int:
        """Which stored value; 0 is the current one."""
        return self.header.storage

    @property
    def tariff(self) -> int:
        """0 is the total."""
        return self.header.tariff

    @property
    def subunit(self) -> int:
        """Which part of the device."""
        return self.header.subunit

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What narrows the quantity."""
        return self.header.modifiers

    @property
    def status(self) -> str:
        """What the meter says of a record without a good value."""
        return self.header.status


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordList:
    """All records of a telegram.

    `tail` is the span of what only the maker knows, after DIF 0Fh or 1Fh; `tail_dif` the span of
    that DIF. `fillers` are the places of idle bytes. `more_follows`: the rest is in the next
    telegram. `headers` are the headers of all records together, whose CRC names the format of a
    compact frame.
    """

    records: tuple[Record, ...]
    headers: bytes
    tail: tuple[int, int] | None = None
    tail_dif: tuple[int, int] | None = None
    fillers: tuple[tuple[int, int], ...] = ()
    more_follows: bool = False
    warnings: tuple[str, ...] = ()
