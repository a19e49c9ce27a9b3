"""Periods that people look at: a local day, week, month or year, and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from meters.partitions import month_add, month_start

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["Period", "PeriodKind", "day_of", "midnight"]

# What an address may ask for: the archive's calendar ends there.
_FIRST, _LAST = date(1991, 1, 1), date(2098, 12, 31)


class PeriodKind(models.TextChoices):
    DAY = "day", _("day")
    WEEK = "week", _("week")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, both included."""

    kind: PeriodKind
    first: date
    last: date

    @classmethod
    def around(cls, kind: PeriodKind, day: date) -> Period:
        """The period of this kind that holds `day`; days beyond the calendar become its ends."""
        day = min(max(day, _FIRST), _LAST)
        if kind == PeriodKind.DAY:
            return cls(kind, day, day)
        if kind == PeriodKind.WEEK:
            first = day - timedelta(days=day.weekday())
            return cls(kind, first, first + timedelta(days=6))
        if kind == PeriodKind.MONTH:
            first = month_start(day)
            return cls(kind, first, month_add(first, 1) - timedelta(days=1))
        return cls(kind, date(day.year, 1, 1), date(day.year, 12, 31))

    @property
    def previous(self) -> Period:
        return Period.around(self.kind, self.first - timedelta(days=1))

    @property
    def following(self) -> Period:
        return Period.around(self.kind, self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        return [
            self.first + timedelta(days=number)
            for number in range((self.last - self.first).days + 1)
        ]

    @property
    def label(self) -> str:
        """As a heading, in the active language."""
        if self.kind == PeriodKind.DAY:
            return f"{date_format(self.first, 'D')}, {date_format(self.first, 'DATE_FORMAT')}"
        if self.kind == PeriodKind.WEEK:
            return f"{date_format(self.first, 'j E')} – {date_format(self.last, 'DATE_FORMAT')}"
        if self.kind == PeriodKind.MONTH:
            return month_label(self.first)
        return str(self.first.year)


def month_label(day: date) -> str:
    """November 2026: the month by itself, not as part of a date."""
    text = date_format(day, pgettext("format of a month with its year", "F Y"))
    return text[:1].upper() + text[1:]


def day_of(text: str, default: date) -> date:
    """The day that an address names as 2026-11-22, within the calendar; else the default."""
    try:
        return min(max(date.fromisoformat(text), _FIRST), _LAST)
    except ValueError:
        return default


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)
