"""Local days: which day of its company, and which slot of it, an interval belongs to."""

from __future__ import annotations

import time
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from meters.blocks import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["BEYOND", "FIRST_DAY", "ChannelCalendar", "Midnights", "midnights"]

DAY = 86_400
BEYOND = 2**40
# Days since 1970-01-01 for which local midnights are known: 1990 to 2099.
FIRST_DAY = date(1990, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY = date(2100, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
_ORDINAL = date(1970, 1, 1).toordinal()
# A company that moves to another time zone is noticed after this many seconds.
_ZONE_SECONDS = 60.0
# So many channels learned lately are not worth joining with the rest yet.
_RECENT = 4_096


class Midnights(NamedTuple):
    """Instants at which local days begin, of several time zones behind one another.

    starts[base[z] + d − FIRST_DAY] is the Unix second at which day d begins in zone z. A day that a
    zone left out (Samoa, 30 December 2011) begins where the next one does and has no length.
    """

    starts: Ints
    base: Ints

    def place(self, zone: NDArray[np.int64], start: Ints) -> tuple[Ints, Ints, Ints]:
        """Day, its first second and its length in seconds, of each instant.

        The local date is at most one away from the UTC date, so two comparisons find it. Instants
        out of range get their UTC date, and BEYOND as length of a day that begins with them.
        """
        guess = start // DAY
        known = (guess > FIRST_DAY) & (guess < _LAST_DAY - 1)
        index = self.base[zone] + np.where(known, guess, FIRST_DAY + 1) - FIRST_DAY
        index += start >= self.starts[index + 1]
        index -= start < self.starts[index]
        begins = self.starts[index]
        day = index - self.base[zone] + FIRST_DAY
        length = self.starts[index + 1] - begins
        if bool(known.all()):
            return day, begins, length
        return (
            np.where(known, day, guess),
            np.where(known, begins, start),
            np.where(known, length, BEYOND),
        )

    def span(self, day: int) -> tuple[int, int]:
        """First second of a day and of the next one, in the first zone."""
        first = self.base[0] + day - FIRST_DAY
        return int(self.starts[first]), int(self.starts[first + 1])


@lru_cache(maxsize=64)
def _zone_midnights(name: str) -> Ints:
    zone = ZoneInfo(name)
    days = (date.fromordinal(_ORDINAL + day) for day in range(FIRST_DAY, _LAST_DAY + 1))
    return np.fromiter(
        (int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) for day in days),
        np.int64,
        _LAST_DAY + 1 - FIRST_DAY,
    )


@lru_cache(maxsize=256)
def midnights(zones: tuple[str, ...]) -> Midnights:
    """Of several zones, numbered as given."""
    length = _LAST_DAY + 1 - FIRST_DAY
    tables = [_zone_midnights(name) for name in zones] or [np.zeros(0, np.int64)]
    return Midnights(np.concatenate(tables), np.arange(max(len(zones), 1)) * length)


class _Known(NamedTuple):
    """Channel ids, ascending, and the company of each."""

    channel: Ints
    company: Ints

    @classmethod
    def empty(cls) -> _Known:
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def find(self, channels: Ints) -> Ints:
        """The company of each, −1 where a channel is not among them."""
        if not len(self.channel):
            return np.full(len(channels), -1)
        place = np.minimum(np.searchsorted(self.channel, channels), len(self.channel) - 1)
        return np.where(self.channel[place] == channels, self.company[place], -1)

    def joined(self, channels: Ints, companies: Ints) -> _Known:
        channel, first = np.unique(np.concatenate([self.channel, channels]), return_index=True)
        return _Known(channel, np.concatenate([self.company, companies])[first])


class ChannelCalendar:
    """Which time zone each channel lives in; learns channels as they come, 16 bytes each.

    One may be used by several threads: what is known is replaced as a whole, never changed. What
    was learned lately stands by itself until it is worth joining with the rest, else a million
    channels that come in batches would be copied for each of them.
    """

    def __init__(self) -> None:
        self._known = (_Known.empty(), _Known.empty())
        self._zones: dict[int, str] = {}
        self._read_at = -_ZONE_SECONDS

    def zones(self, channels: Ints) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Number of the zone of each channel (−1: there is no such channel), and the zones' names.

        Asks the database once for all channels it does not know.
        """
        self._refresh_zones()
        company = self._companies(channels)
        if bool((company < 0).any()):
            self._learn(np.unique(channels[company < 0]))
            company = self._companies(channels)
        companies = distinct(np.sort(company))
        names = [self._zones.get(key, "") for key in companies.tolist()]
        unique = tuple(sorted(set(filter(None, names))))
        numbers = np.array([unique.index(name) if name else -1 for name in names], np.int64)
        return numbers[np.searchsorted(companies, company)], unique

    def _companies(self, channels: Ints) -> Ints:
        settled, recent = self._known
        company = settled.find(channels)
        rest = company < 0
        if len(recent.channel) and bool(rest.any()):
            company[rest] = recent.find(channels[rest])
        return company

    def remember(self, channels: Ints, companies: Ints) -> None:
        """Make channels and their companies known without asking for them."""
        settled, recent = self._known
        recent = recent.joined(channels, companies)
        if len(recent.channel) > max(_RECENT, len(settled.channel) // 8):
            settled, recent = settled.joined(*recent), _Known.empty()
        self._known = (settled, recent)
        if set(np.unique(companies).tolist()) - self._zones.keys():
            self._read_at = -_ZONE_SECONDS
            self._refresh_zones()

    def _learn(self, channels: Ints) -> None:
        rows = _query(
            "SELECT id, company_id FROM meters_channel WHERE id = ANY(%s)", [channels.tolist()]
        )
        if rows:
            found = np.array(rows, np.int64)
            self.remember(found[:, 0], found[:, 1])

    def _refresh_zones(self) -> None:
        if time.monotonic() - self._read_at < _ZONE_SECONDS:
            return
        self._zones = dict(_query("SELECT id, time_zone FROM accounts_company", []))
        self._read_at = time.monotonic()


def _query(statement: str, parameters: list[Any]) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [(row[0], row[1]) for row in cursor.fetchall()]
