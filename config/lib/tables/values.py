"""Cells to values: exact decimals, dates, moments in the company's time zone, choices."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import override

from .columns import normalised
from .errors import CellError

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from .columns import Column

__all__ = ["local_text", "parser_of"]

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,40}(?:[.,]\d{1,40})?")
_SPACES = re.compile(r"[ \u00a0\u202f\u2009']")
_DATE = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4}))")
_TIME = re.compile(r"[ T]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$")
_YEARS = range(1900, 2200)
_TRUE = {"true", "yes", "1", "так", "да", "y", "t", "+"}
_FALSE = {"false", "no", "0", "ні", "нет", "n", "f", "-"}


def parser_of(column: Column, zone: ZoneInfo) -> Callable[[str], Any]:
    """A function from a filled cell to the column's value; it raises CellError.

    zone: in which times without an offset are meant. Moments come in UTC. A cell that was seen
    before costs one look-up.
    """
    convert = _CONVERTERS[column.kind](column, zone)
    remembered: dict[str, Any] = {}

    def parse(cell: str) -> Any:
        if cell in remembered:
            return remembered[cell]
        value = convert(cell)
        for validate in column.validators:
            try:
                validate(value)
            except ValidationError as error:
                raise CellError(" ".join(error.messages)) from error
        if len(remembered) < 5_000:
            remembered[cell] = value
        return value

    return parse


def _text(column: Column, zone: ZoneInfo) -> Callable[[str], str]:
    return str


def _integer(column: Column, zone: ZoneInfo) -> Callable[[str], int]:
    def convert(cell: str) -> int:
        bare = _SPACES.sub("", cell)
        if not _INTEGER.fullmatch(bare):
            raise CellError(_("This is not a whole number."))
        return int(bare)

    return convert


def _decimal(column: Column, zone: ZoneInfo) -> Callable[[str], Decimal]:
    def convert(cell: str) -> Decimal:
        bare = _SPACES.sub("", cell)
        if not _DECIMAL.fullmatch(bare):
            raise CellError(_("This is not a number. Write it as 1234.5 or 1234,5."))
        return Decimal(bare.replace(",", "."))

    return convert


def _choice(column: Column, zone: ZoneInfo) -> Callable[[str], str]:
    known: dict[str, str] = {}
    for code, _language in settings.LANGUAGES:
        with override(code):
            known |= {normalised(str(label)): value for value, label in column.choices}
    known |= {normalised(value): value for value, _label in column.choices}

    def convert(cell: str) -> str:
        value = known.get(normalised(cell))
        if value is None:
            allowed = ", ".join(str(label) for _value, label in column.choices)
            raise CellError(_("This is none of: %s.") % allowed)
        return value

    return convert


def _flag(column: Column, zone: ZoneInfo) -> Callable[[str], bool]:
    def convert(cell: str) -> bool:
        word = cell.casefold()
        if word not in _TRUE and word not in _FALSE:
            raise CellError(_("Write yes or no."))
        return word in _TRUE

    return convert


def _date(column: Column, zone: ZoneInfo) -> Callable[[str], date]:
    def convert(cell: str) -> date:
        day, rest = _leading_date(cell)
        if rest.strip() and not re.fullmatch(r"[ T]0{1,2}:00(:00)?", rest):
            raise CellError(_("A day is wanted here, without a time."))
        return day

    return convert


def _moment(column: Column, zone: ZoneInfo) -> Callable[[str], datetime]:
    def convert(cell: str) -> datetime:
        day, rest = _leading_date(cell)
        if not rest:
            return _aware(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001
        found = _TIME.match(rest)
        if not found:
            raise CellError(_("This is not a time. Write it as 2025-01-31 09:30."))
        hour, minute, second = (int(part or 0) for part in found.groups()[:3])
        fraction = int((found[4] or "0").ljust(6, "0"))
        try:
            naive = datetime(day.year, day.month, day.day, hour, minute, second, fraction)  # noqa: DTZ001
        except ValueError as error:
            raise CellError(_("There is no such time of day.")) from error
        return _with_offset(naive, found[5]) if found[5] else _aware(naive, zone)

    return convert


def _leading_date(cell: str) -> tuple[date, str]:
    found = _DATE.match(cell)
    if not found:
        raise CellError(_("This is not a date. Write it as 2025-01-31 or 31.01.2025."))
    year, month, day, day2, month2, year2 = found.groups()
    try:
        value = date(int(year or year2), int(month or month2), int(day or day2))
    except ValueError as error:
        raise CellError(_("There is no such day in the calendar.")) from error
    if value.year not in _YEARS:
        raise CellError(_("The year must lie between 1900 and 2199."))
    return value, cell[found.end() :]


def _with_offset(naive: datetime, offset: str) -> datetime:
    text = "+00:00" if offset == "Z" else offset
    try:
        return datetime.fromisoformat(naive.isoformat() + text).astimezone(UTC)
    except ValueError as error:
        raise CellError(_("There is no such offset from UTC.")) from error


def _aware(naive: datetime, zone: ZoneInfo) -> datetime:
    """Local time of the company to UTC; what the clocks skip or show twice is asked back."""
    first = naive.replace(tzinfo=zone).astimezone(UTC)
    second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return first
    names = {"time": naive.strftime("%H:%M"), "zone": zone.key}
    if first.astimezone(zone).replace(tzinfo=None) != naive:
        raise CellError(_("The clocks of %(zone)s skipped %(time)s on that day.") % names)
    text = _(
        "The clocks of %(zone)s showed %(time)s twice on that day. Add the offset: %(example)s."
    )
    example = first.astimezone(zone).isoformat(sep=" ", timespec="minutes")
    raise CellError(text % {**names, "example": example})


def local_text(moment: datetime, zone: ZoneInfo) -> datetime | str:
    """A moment as a table shows it: local without zone, or as text where that would not be exact.

    Text has the offset when the clocks showed the time twice, and the fraction of a second.
    """
    local = moment.astimezone(zone)
    naive = local.replace(tzinfo=None)
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    if twice:
        return local.isoformat(sep=" ")
    return naive.isoformat(sep=" ") if naive.microsecond else naive.replace(fold=0)


_CONVERTERS: dict[str, Callable[[Column, ZoneInfo], Callable[[str], Any]]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "choice": _choice,
    "flag": _flag,
    "date": _date,
    "moment": _moment,
}
