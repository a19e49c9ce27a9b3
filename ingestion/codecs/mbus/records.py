"""Data records of EN 13757-3:2018, clause 6: one after the other, each with its header and data.

    record   DIF (1) · DIFE (0–10) · VIF (1) · VIFE (0–10, after a text if it has one) · data

A compact frame has the data alone: `read_values` takes the headers from a frame that had them.
Three DIFs stand alone: 2Fh fills, 0Fh and 1Fh begin what only the maker knows, and 1Fh tells that
more records follow in the next telegram.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import DecodeError
from ..telegram import Item, Value
from .header import Header, header_end, read_header
from .values import SPECIAL, Reading, data_end, read_data

__all__ = ["Record", "RecordList", "items_of", "read_records", "read_values"]

_FILLER, _MAKER, _MAKER_MORE = 0x2F, 0x0F, 0x1F
_MOST_RECORDS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
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
    warnings: tuple[str, ...] = field(default=())


def read_records(octets: bytes, start: int, end: int) -> RecordList:
    """The records between two places. Raises DecodeError at the first byte that breaks the form."""
    return _Reader(octets, start, end).whole()


def read_values(headers: bytes, octets: bytes, start: int, end: int) -> RecordList:
    """The records of a compact frame: `headers` one after the other, the data alone in `octets`.

    Raises DecodeError where the data do not fit the headers, counted in `octets`.
    """
    records, place, at = [], 0, start
    while place < len(headers):
        if headers[place] == _FILLER:
            place += 1
            continue
        following = header_end(headers, place, len(headers))
        header = read_header(headers[place:following])
        stop = data_end(header.coding, octets, at, end)
        records.append(_record(header, octets, (at, at, at, at, stop)))
        place, at = following, stop
    fillers = _fillers(octets, at, end)
    return RecordList(records=tuple(records), headers=headers, fillers=fillers)


def _fillers(octets: bytes, at: int, end: int) -> tuple[tuple[int, int], ...]:
    """Idle bytes at the end; anything else there is a fault."""
    rest = octets[at:end]
    if rest.strip(bytes((_FILLER,))):
        raise DecodeError(at, f"{len(rest)} bytes are left behind the last value of the format")
    return ((at, end),) if rest else ()


class _Reader:
    """A place in the octets and what was found before it."""

    def __init__(self, octets: bytes, start: int, end: int) -> None:
        self.octets, self.at, self.end = octets, start, end
        self.records: list[Record] = []
        self.fillers: list[tuple[int, int]] = []
        self.tail: tuple[int, int] | None = None

    def whole(self) -> RecordList:
        start, more = self.at, False
        while self.at < self.end:
            dif = self.octets[self.at]
            if dif & 0x0F != SPECIAL:
                self._record()
            elif dif == _FILLER:
                self._filler()
            elif dif in (_MAKER, _MAKER_MORE):
                start, self.tail, self.at = self.at, (self.at + 1, self.end), self.end
                more = dif == _MAKER_MORE
            else:
                raise DecodeError(self.at, f"DIF {dif:02X}h is no function of a meter's answer")
        return RecordList(
            records=tuple(self.records),
            headers=b"".join(record.header.octets for record in self.records),
            tail=self.tail,
            tail_dif=(start, start + 1) if self.tail else None,
            fillers=tuple(self.fillers),
            more_follows=more,
        )

    def _filler(self) -> None:
        """One more idle byte; neighbours are one span."""
        at, self.at = self.at, self.at + 1
        if self.fillers and self.fillers[-1][1] == at:
            at = self.fillers.pop()[0]
        self.fillers.append((at, self.at))

    def _record(self) -> None:
        start = self.at
        data = header_end(self.octets, start, self.end)
        header = read_header(self.octets[start:data])
        stop = data_end(header.coding, self.octets, data, self.end)
        vib = start + header.vib_start
        self.records.append(_record(header, self.octets, (start, start, vib, data, stop)))
        self.at = stop
        if len(self.records) > _MOST_RECORDS:
            raise DecodeError(self.at, f"more than {_MOST_RECORDS} records")


def _record(header: Header, octets: bytes, marks: tuple[int, int, int, int, int]) -> Record:
    """`marks`: start of the record, of its DIB, of its VIB, of its data, and its end."""
    start, dib, vib, data, stop = marks
    reading: Reading = read_data(header, octets, data, stop)
    return Record(
        header=header,
        start=start,
        end=stop,
        dib=(dib, vib),
        vib=(vib, data),
        data=(data, stop),
        value=None if header.status else reading.value,
        valid=reading.valid and not header.status,
        raw=reading.raw,
        coding=reading.coding,
        summer_time=reading.summer_time,
    )


def items_of(records: Iterable[Record]) -> tuple[Item, ...]:
    """Records as items of a telegram.

    Names are `[maximum_|minimum_|error_]quantity[_modifiers][_tariff_n][_subunit_n][_storage_n]`,
    and `_2`, `_3` … behind one that comes again. Facts: quantity, function, storage, tariff,
    subunit, modifier (words joined by "+", "" for none), vif (hex), coding, valid; status and
    summer_time where there is one.
    """
    name = _names()
    return tuple(_item(record, name(record.header)) for record in records)


def _names() -> Callable[[Header], str]:
    """Gives names that do not repeat."""
    seen: dict[str, int] = {}

    def name(header: Header) -> str:
        plain = _base_name(header)
        seen[plain] = count = seen.get(plain, 0) + 1
        return plain if count == 1 else f"{plain}_{count}"

    return name


@lru_cache(maxsize=4096)
def _base_name(header: Header) -> str:
    """The name of a record before it is told apart from others of the same header."""
    function = "" if header.function == "instantaneous" else header.function
    quantity = re.sub(r"[^a-z0-9]+", "_", header.quantity.lower()).strip("_") or "plain_text"
    numbers = (("tariff", header.tariff), ("subunit", header.subunit), ("storage", header.storage))
    parts = [function, quantity, *header.modifiers]
    parts += [f"{word}_{number}" for word, number in numbers if number]
    return "_".join(filter(None, parts))


def _item(record: Record, name: str) -> Item:
    header = record.header
    return Item(
        name=name,
        value=record.value,
        unit=header.unit if header.kind in ("number", "unsigned") else "",
        start=record.start,
        end=record.end,
        raw=record.raw,
        formula=f"{record.coding} {header.formula}".rstrip(),
        facts=dict(_facts(record)),
    )


def _facts(record: Record) -> Iterator[tuple[str, Value]]:
    header = record.header
    yield "quantity", header.quantity
    yield "function", header.function
    yield "storage", header.storage
    yield "tariff", header.tariff
    yield "subunit", header.subunit
    yield "modifier", "+".join(header.modifiers)
    yield "vif", header.vif
    yield "coding", record.coding
    yield "valid", record.valid
    if header.status:
        yield "status", header.status
    if record.summer_time:
        yield "summer_time", True
