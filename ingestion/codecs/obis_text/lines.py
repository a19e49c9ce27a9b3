"""Data sets of a data block: an address and what stands in the parentheses behind it.

Source: IEC 62056-21, clause 6 (data block). A line may hold several data sets; a line that starts
with a parenthesis goes on with the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..cosem.obis import Code
from ..errors import DecodeError

__all__ = ["DataSet", "Group", "data_sets", "parse_code"]

MAX_GROUPS = 4_096
_ADDRESS = re.compile(
    r"(?:(?P<a>\d{1,3})-(?P<b>\d{1,3}):)?"
    r"(?P<c>\d{1,3}|[CFLP])\.(?P<d>\d{1,3}|F)(?:\.(?P<e>\d{1,3}))?(?:[*&](?P<f>\d{1,3}))?"
)
# Letters of reduced codes stand for whole numbers.
_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
_CURRENT = 255
_HIGHEST = 255


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between parentheses; places are those of the text inside."""

    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        return self.text.partition("*")[0]

    @property
    def unit(self) -> str:
        return self.text.partition("*")[2]


@dataclass(frozen=True, slots=True)
class DataSet:
    """`end` is behind the last parenthesis. `code` is None for an address that is no OBIS code."""

    address: str
    code: Code | None
    groups: tuple[Group, ...]
    start: int
    end: int


@lru_cache(maxsize=4_096)
def parse_code(address: str) -> Code | None:
    """The code of an address; reduced ones are electricity's (A 1, B 0), E left out is 0."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return None
    parts = match.groupdict()
    given = [parts["a"] or "1", parts["b"] or "0", parts["c"], parts["d"], parts["e"] or "0"]
    numbers = [*(_number(part) for part in given), int(parts["f"] or _CURRENT)]
    if max(numbers) > _HIGHEST:
        return None
    a, b, c, d, e, f = numbers
    return a, b, c, d, e, f


def _number(part: str) -> int:
    return _LETTERS[part] if part in _LETTERS else int(part)


def data_sets(octets: bytes, start: int, end: int) -> list[DataSet]:
    """All data sets between two places; DecodeError where parentheses do not fit."""
    found: list[DataSet] = []
    total = 0
    for address, place, groups in _pieces(octets, start, end):
        total += len(groups)
        if total > MAX_GROUPS:
            raise DecodeError(place, f"more than {MAX_GROUPS} values in one readout")
        if address or not found:
            last = DataSet(address, parse_code(address), tuple(groups), place, groups[-1].end + 1)
            found.append(last)
        else:
            last = found.pop()
            joined = (*last.groups, *groups)
            found.append(DataSet(last.address, last.code, joined, last.start, groups[-1].end + 1))
    return found


def _pieces(octets: bytes, start: int, end: int) -> Iterator[tuple[str, int, list[Group]]]:
    """Address, its place, and the groups that follow without a break."""
    place = start
    while True:
        opening = octets.find(b"(", place, end)
        if opening < 0:
            return
        first = max(octets.rfind(b"\n", place, opening), octets.rfind(b")", place, opening)) + 1
        first = max(first, place)
        address = octets[first:opening].decode("latin-1")
        groups, place = _groups(octets, opening, end)
        stripped = address.strip()
        yield stripped, first + len(address) - len(address.lstrip()), groups


def _groups(octets: bytes, opening: int, end: int) -> tuple[list[Group], int]:
    groups = []
    while octets[opening : opening + 1] == b"(" and opening < end:
        closing = octets.find(b")", opening, end)
        inner = octets.find(b"(", opening + 1, end)
        if closing < 0 or 0 <= inner < closing:
            raise DecodeError(opening, "a value without its closing parenthesis")
        text = octets[opening + 1 : closing].decode("latin-1")
        groups.append(Group(text, opening + 1, closing))
        opening = closing + 1
    return groups, opening
