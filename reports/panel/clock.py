"""Times of bars and rows as people read them: wall clock, with the zone where it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import date_format

from .periods import PeriodKind, month_label

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

__all__ = ["hint_of", "label_of", "tick_of"]


def label_of(kind: PeriodKind, start: datetime, *, is_day: bool = False) -> str:
    """What a row is called; start: local. is_day: it stands for a whole day of a week."""
    if kind == PeriodKind.YEAR:
        return month_label(start.date())
    if kind == PeriodKind.MONTH or is_day:
        return f"{date_format(start, 'D')}, {date_format(start, 'j E')}"
    time = f"{start:%H:%M}"
    if start.replace(fold=0).utcoffset() != start.replace(fold=1).utcoffset():
        # The hour comes twice: the name of the zone tells the two apart.
        time = f"{time} {start:%Z}"
    return time if kind == PeriodKind.DAY else f"{date_format(start, 'D')}, {time}"


def tick_of(kind: PeriodKind, start: datetime, *, is_day: bool = False) -> str:
    """What stands below a bar; "" where nothing needs to."""
    if kind == PeriodKind.YEAR:
        return date_format(start, "M")
    if kind == PeriodKind.MONTH:
        return str(start.day)
    if kind == PeriodKind.WEEK:
        begins = is_day or not (start.hour or start.minute)
        return f"{date_format(start, 'D')} {start.day}" if begins else ""
    return f"{start:%H:%M}" if not start.minute else ""


def hint_of(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Day, time, offset and zone: what shows on hover."""
    day = date_format(start, "DATE_FORMAT")
    offset = f"{start:%z}"
    return f"{day}, {start:%H:%M}–{end:%H:%M} {start:%Z} (UTC{offset[:3]}:{offset[3:]}, {zone.key})"
