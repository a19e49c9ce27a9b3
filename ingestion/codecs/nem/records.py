"""Lines of a file as records of fields, in the order that the format allows.

Source: AEMO, Meter Data File Format Specification NEM12 & NEM13: record indicators and blocking
cycle. Fields are parted by commas, without quotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from ..errors import DecodeError

__all__ = ["FORMATS", "Record", "records_of"]

# Format → record → records that may follow it.
_NEM12: Mapping[str, str] = {
    "100": "200 900",
    "200": "300",
    "300": "200 300 400 500 900",
    "400": "200 300 400 500 900",
    "500": "200 300 500 900",
    "900": "",
}
_NEM13: Mapping[str, str] = {
    "100": "250 900",
    "250": "250 550 900",
    "550": "250 900",
    "900": "",
}
FORMATS: Mapping[str, Mapping[str, str]] = {"NEM12": _NEM12, "NEM13": _NEM13}
# Record → how many fields it has at least, and at most; None: counted where it is read.
_SIZES: Mapping[str, tuple[int, int] | None] = {
    "100": (3, 5),
    "200": (9, 10),
    "250": (20, 23),
    "300": None,
    "400": (4, 6),
    "500": (2, 5),
    "550": (2, 5),
    "900": (1, 1),
}
_CODE_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Record:
    """One line. `number` counts lines from 1, `start` and `end` bytes; fields have no blanks around."""

    number: int
    start: int
    end: int
    fields: tuple[str, ...]
    text: str

    @property
    def code(self) -> str:
        return self.fields[0]

    def field(self, index: int) -> str:
        """A field; those left out at the end are empty."""
        return self.fields[index] if index < len(self.fields) else ""

    def place(self, index: int) -> int:
        """Where a field begins, in bytes from the start of the file; one too many: behind the end."""
        places = self.places()
        return places[min(index, len(places) - 1)]

    def places(self) -> list[int]:
        """Where each field begins, and where one more would."""
        sizes = (len(part) + 1 for part in self.text.split(","))
        return list(accumulate(sizes, initial=self.start))

    def refused(self, reason: str, index: int = 0) -> DecodeError:
        """The error of this line, at a field of it."""
        return DecodeError(self.place(index), f"line {self.number}: {reason}")


def records_of(octets: bytes) -> Iterator[Record]:
    """Header to end record, each checked for its place and size. DecodeError with the line."""
    follows: Mapping[str, str] = {}
    allowed, last = "100", None
    for record in _lines(octets):
        if last is None:
            follows = _follows(record)
        elif record.code not in allowed.split():
            raise _misplaced(record, last, follows)
        _check_size(record)
        allowed, last = follows[record.code], record
        yield record
    if last is None:
        raise DecodeError(0, "the file is empty")
    if last.code != "900":
        raise DecodeError(
            last.end, f"line {last.number}: the end record (900) is missing behind it"
        )


def _lines(octets: bytes) -> Iterator[Record]:
    """All lines but empty ones at the end."""
    start, kept = 0, octets.rstrip()
    for number, line in enumerate(kept.split(b"\n") if kept else (), 1):
        text = line.removesuffix(b"\r").decode("latin-1")
        fields = [part.strip() for part in text.split(",")]
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        yield Record(number, start, start + len(text), tuple(fields), text)
        start += len(line) + 1


def _follows(header: Record) -> Mapping[str, str]:
    """The order of the format that the header names."""
    if header.code != "100":
        raise header.refused("the file does not begin with a header (record 100)")
    if header.field(1) not in FORMATS:
        raise header.refused(f"“{header.field(1)[:_CODE_SHOWN]}” is neither NEM12 nor NEM13", 1)
    return FORMATS[header.field(1)]


def _misplaced(record: Record, last: Record, follows: Mapping[str, str]) -> DecodeError:
    if last.code == "900":
        return record.refused("something stands behind the end record (900)")
    shown = record.code[:_CODE_SHOWN]
    if not shown:
        return record.refused("the line is empty")
    if shown not in follows:
        return record.refused(f"there is no record “{shown}”")
    return record.refused(f"a record {shown} can't stand behind a record {last.code}")


def _check_size(record: Record) -> None:
    size = _SIZES[record.code]
    if size is None:
        return
    least, most = size
    count = len(record.fields)
    if count > most:
        raise record.refused(f"{count} fields, and a record {record.code} has {most}", most)
    if count < least:
        raise record.refused(f"{count} fields, and a record {record.code} has {least} at least")
