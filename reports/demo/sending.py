"""The demo's modules, telling what flows through their meters (`town`)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from accounts.models import Company
from ingestion.codecs.universal_messages import (
    MODULE_PORT,
    Event,
    EventCode,
    Events,
    IntervalProfile,
    Status,
)
from ingestion.codecs.universal_profile import encode_profile
from ingestion.codecs.universal_up import encode_events, encode_status
from ingestion.emulator.meters import Message
from ingestion.emulator.stock import stock_read
from meters.models import TelemetryModule
from meters.services.usage_points import company_today

from .gauges import gauges_read
from .history import halves, reactive_of
from .town import town_read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ingestion.emulator.stock import Stock

    from .town import Town

    Ints = NDArray[np.int64]

__all__ = ["MQTT", "ON_BATTERY", "SPREAD", "TCP", "UDP", "Voices", "story_day"]

UDP, TCP, MQTT = range(3)
# Radio modules in apartments, gas modules, concentrators and modems reach the server differently.
_WAYS = {"RDW": UDP, "RDG": MQTT, "RDC": TCP, "RDM": TCP}
# Seconds after the hour over which the reports of the fleet are spread.
SPREAD = 900.0
ON_BATTERY = ("RDW", "RDG")
_HOUR = 3_600
# Percent that the oldest batteries have given.
_MOST_DISCHARGED = 92


def story_day(company: Company) -> date:
    """The company's calendar day on which it was loaded: its history ended then."""
    return company_today(company, company.created_at)


class Voices:
    """All modules of the demo with their registers. Reports of a module come at its own second."""

    def __init__(self, companies: Sequence[Company]) -> None:
        self.towns = [town_read(company, today=story_day(company)) for company in companies]
        self.stock: Stock = stock_read([company.pk for company in companies])
        modules = self.stock.modules
        self.labels = [modules.label(row) for row in range(len(modules))]
        self.way = np.array([_WAYS.get(label[:3], UDP) for label in self.labels], np.int64)
        self.share = np.array([crc32(label.encode()) / 2**32 for label in self.labels])
        self._place(self.towns)
        self.gauges = [gauges_read(town) for town in self.towns]
        self._gauges = self._gauges_by_port()
        self._leaking = self._leak_modules()

    def tell(self, now: float, *, spread: float = 0.0, most: int = 24) -> list[Message]:
        """What has ended by `now` and was not told yet, with a status of each module that speaks.

        spread: seconds over which the fleet's reports are spread.
        """
        meters = self.stock.meters
        delay = self.share * spread
        told = meters.tell((now - delay[meters.row]).astype(np.int64), self._amounts, most=most)
        made: list[Message] = []
        for row in dict.fromkeys(message.row for message in told):
            made += self._condition(row, int(now - delay[row]))
        # Values before what is less urgent: a frame holds them in this order.
        return told + self._gauged(told) + made

    def _gauged(self, told: list[Message]) -> list[Message]:
        """What the gauges of the same meters showed in the same hours."""
        made: list[Message] = []
        for message in told:
            profile = message.told
            assert profile is not None
            for town, gauge in self._gauges.get((message.row, profile.port), ()):
                gauges = self.gauges[town]
                values = tuple(
                    int(_hour(gauges.values, gauges.town, start)[gauge])
                    for start in range(
                        profile.base_time,
                        profile.base_time + len(profile.values) * _HOUR,
                        _HOUR,
                    )
                )
                shown = IntervalProfile(
                    profile.port, gauges.number[gauge], profile.base_time, 60, values
                )
                made.append(Message(message.row, encode_profile(shown)))
        return made

    def _condition(self, row: int, at: int) -> list[Message]:
        """Battery and signal once an hour; the leak that the meter behind the module noticed."""
        label, hour = self.labels[row], at // 3_600
        on_battery = label.startswith(ON_BATTERY)
        status = Status(
            time=at,
            battery_mv=3_600 if on_battery else 0,
            battery_percent=100 - round(self.share[row] * _MOST_DISCHARGED) if on_battery else 255,
            signal=-62 - int(self.share[row] * 40) - crc32(f"{label}{hour}".encode()) % 5,
        )
        made = [Message(row, encode_status(status))]
        if row in self._leaking and hour % 24 == 2:
            event = Event(hour * 3_600, MODULE_PORT, EventCode.LEAK)
            made.append(Message(row, encode_events(Events((event,)))))
        return made

    def _place(self, towns: list[Town]) -> None:
        """Town and row there of each register."""
        found: dict[int, tuple[int, int]] = {}
        for number, town in enumerate(towns):
            for column in (town.reactive, town.channel):
                found |= {one: (number, row) for row, one in enumerate(column.tolist())}
        channels = self.stock.channel
        places = [found.get(channel, (-1, -1)) for channel in channels.tolist()]
        reactive = np.concatenate([town.reactive for town in towns])
        self._is_reactive = np.isin(channels, reactive)
        self._town = np.array([number for number, _row in places], np.int64)
        self._row = np.array([row for _number, row in places], np.int64)

    def _gauges_by_port(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """(module, port) → (town, gauge) of the meter there."""
        places = {
            (int(self._town[line]), int(self._row[line])): (
                int(self.stock.meters.row[line]),
                int(self.stock.meters.port[line]),
            )
            for line in np.flatnonzero(~self._is_reactive & (self._town >= 0)).tolist()
        }
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for number, gauges in enumerate(self.gauges):
            for gauge, row in enumerate(gauges.row.tolist()):
                if (number, row) in places:
                    found.setdefault(places[number, row], []).append((number, gauge))
        return found

    def _leak_modules(self) -> set[int]:
        module_ids = [town.module[town.leaking] for town in self.towns if town.leaking >= 0]
        rows = np.flatnonzero(np.isin(self.stock.module_id, [one for one in module_ids if one]))
        return set(rows.tolist())

    def _amounts(self, lines: Ints, starts: Ints, interval: int) -> Ints:
        made = np.zeros((len(lines), len(starts)), np.int64)
        for number in np.unique(self._town[lines]).tolist():
            if number < 0:
                # A register that nobody has a story for stands still.
                continue
            chosen = np.flatnonzero(self._town[lines] == number)
            rows = self._row[lines[chosen]]
            for column, start in enumerate(starts.tolist()):
                made[chosen, column] = _at(self.towns[number], rows, start, interval)
        reactive = self._is_reactive[lines]
        made[reactive] = reactive_of(made[reactive])
        return made


def _hour(values: Callable[[date], Ints], town: Town, start: int) -> Ints:
    """The column of an hour (Unix seconds) in a table of its local day."""
    day = town.day_of(start)
    return np.asarray(values(day)[:, (start - town.begins(day)) // _HOUR])


def _at(town: Town, rows: Ints, start: int, interval: int) -> Ints:
    day = town.day_of(start)
    increments = town.increments(day)[rows]
    if interval == 30:
        increments = halves(increments)
    return np.asarray(increments[:, (start - town.begins(day)) // (interval * 60)])


def modules_active(companies: Sequence[Company]) -> list[TelemetryModule]:
    """Modules that are in use and have no key yet."""
    rows = TelemetryModule.objects.filter(
        company__in=companies, status=TelemetryModule.Status.ACTIVE, keys=None
    )
    return list(rows.order_by("pk"))
