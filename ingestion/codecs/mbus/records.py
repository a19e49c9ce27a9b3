"""Data records of EN 13757-3:2018, clause 6: one after the other, each with its header and data.

    record   DIF (1) · DIFE (0–10) · VIF (1) · VIFE (0–10, after a text if it has one) · data

A compact frame has the data alone: `read_values` takes the headers from a frame that had them.
Three DIFs stand alone: 2Fh fills, 0Fh and 1Fh begin what only the maker knows, and 1Fh tells that
more records follow in the next telegram.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import DecodeError
from .header import Header, header_end, read_header
from .items import items_of
from .record import Record, RecordList
from .values import SPECIAL, VARIABLE, data_end, read_data

__all__ = ["Record", "RecordList", "items_of", "read_records", "read_values"]

_FILLER, _MAKER, _MAKER_MORE = 0x2F, 0x0F, 0x1F
_MOST_RECORDS = 4096


def read_records(octets: bytes, start: int, end: int, *, big_endian: bool = False) -> RecordList:
    """The records between two places; `big_endian` is mode 2 of the 1997 edition.

    Raises DecodeError at the first byte that breaks the form.
    """
    return _Reader(octets, start, end, big_endian=big_endian).whole()


def read_values(headers: bytes, octets: bytes, start: int, end: int) -> RecordList:
    """The records of a compact frame: `headers` one after the other, the data alone in `octets`.

    Headers may hold fillers, and end with DIF 0Fh or 1Fh: the rest of the data is the maker's.
    Raises DecodeError where the data do not fit the headers, counted in `octets`.
    """
    records, at, tail, more = [], start, None, False
    for header in _headers(headers, start):
        if header in _MAKERS:
            tail, at, more = (at, end), end, header == _MAKERS[1]
            break
        known = read_header(header)
        stop = data_end(known.coding, octets, at, end)
        records.append(_record(known, octets[at:stop], (at, at, at, stop)))
        at = stop
    return RecordList(
        records=tuple(records),
        headers=headers,
        tail=tail,
        fillers=_fillers(octets, at, end),
        more_follows=more,
    )


_MAKERS = (bytes((_MAKER,)), bytes((_MAKER_MORE,)))


def _headers(headers: bytes, offset: int) -> Iterator[bytes]:
    """Headers one by one; their faults are told at `offset`, where the data begin."""
    place = 0
    while place < len(headers):
        dif = headers[place]
        following = place + 1
        if dif & 0x0F != SPECIAL:
            following = _format_end(headers, place, offset)
        elif dif not in (_FILLER, _MAKER, _MAKER_MORE):
            raise DecodeError(offset, f"DIF {dif:02X}h in a format of compact frames")
        if dif != _FILLER:
            yield headers[place:following]
        place = following


def _format_end(headers: bytes, place: int, offset: int) -> int:
    try:
        return header_end(headers, place, len(headers))
    except DecodeError as error:
        reason = f"the format of the compact frame is broken: {error.reason}"
        raise DecodeError(offset, reason) from error


def _fillers(octets: bytes, at: int, end: int) -> tuple[tuple[int, int], ...]:
    """Idle bytes at the end; anything else there is a fault."""
    rest = octets[at:end]
    if rest.strip(bytes((_FILLER,))):
        raise DecodeError(at, f"{len(rest)} bytes are left behind the last value of the format")
    return ((at, end),) if rest else ()


class _Reader:
    """A place in the octets and what was found before it."""

    def __init__(self, octets: bytes, start: int, end: int, *, big_endian: bool) -> None:
        self.octets, self.at, self.end = octets, start, end
        self.big_endian = big_endian
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
        raw = self.octets[data:stop]
        if self.big_endian:
            raw = _reversed(header, raw)
        self.records.append(_record(header, raw, (start, vib, data, stop)))
        self.at = stop
        if len(self.records) > _MOST_RECORDS:
            raise DecodeError(self.at, f"more than {_MOST_RECORDS} records")


def _reversed(header: Header, raw: bytes) -> bytes:
    """Data that came highest byte first; a length stays in front."""
    if header.coding == VARIABLE:
        return raw[:1] + raw[:0:-1]
    return raw[::-1]


def _record(header: Header, raw: bytes, marks: tuple[int, int, int, int]) -> Record:
    """`marks`: start of the record, of its VIB, of its data, and its end."""
    start, vib, data, stop = marks
    reading = read_data(header, raw, data)
    good = not header.status
    return Record(
        header,
        start,
        stop,
        (start, vib),
        (vib, data),
        (data, stop),
        reading.value if good else None,
        reading.valid and good,
        reading.raw,
        reading.coding,
        reading.summer_time,
    )
