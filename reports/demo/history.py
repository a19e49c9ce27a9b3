"""Thirteen months of the demo's archive, through the loader like everything else.

Hourly values of every usage point, a register reading a day, and what an archive of this age shows:
outages, some of them filled with estimates, a meter that stands still, meters read by hand,
exchanged meters. The numbers are those of `town`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection

from ingestion.loader import LoadBatch, Loader, Readings, Registers
from meters.models import InstallationReading, Quality, RegisterKind
from meters.partitions import BLOCKS, REGISTERS, partitions_ensure

from .gauges import gauges_read
from .town import town_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from accounts.models import Company

    from .gauges import Gauges
    from .town import Town

    Ints = NDArray[np.int64]

__all__ = ["HISTORY_DAYS", "halves", "history_load", "reactive_of"]

HISTORY_DAYS = 396
# Enough for one transaction to be worth its commit, few enough to see progress.
_DAYS_AT_ONCE = 12
_THOUSAND = 1_000
_OUTAGE_SHARE = 0.04
# Gauges go back so far; the archive of a year would be mostly voltages.
_GAUGE_DAYS = 31
_PERIODS = """
SELECT i.usage_point_id, i.id, extract(epoch FROM i.installed_at)::bigint,
    extract(epoch FROM i.removed_at)::bigint, r.opening
FROM meters_installation i
JOIN meters_installationreading r ON r.installation_id = i.id
JOIN meters_channel c ON c.usage_point_id = i.usage_point_id AND c.reading_type_id = r.reading_type_id
WHERE i.company_id = %s AND c.id = ANY(%s) ORDER BY i.usage_point_id, i.installed_at
"""


class Outage(NamedTuple):
    """A register without values in [start, end); estimated: filled in later by somebody."""

    row: int
    start: int
    end: int
    estimated: bool


class _Exchange(NamedTuple):
    """The installation that ended at an instant, and the count the new meter came with."""

    row: int
    at: int
    installation: int
    opening: int


@dataclass(slots=True)
class _Counters:
    """What each register shows at the beginning of a day, and the exchanges still to come."""

    state: Ints
    exchanges: list[_Exchange] = field(default_factory=list)
    closings: dict[int, int] = field(default_factory=dict)

    def advance(self, town: Town, day: date, increments: Ints) -> None:
        """To the beginning of the next day."""
        begin, end = town.begins(day), town.begins(day + timedelta(days=1))
        total = increments.sum(axis=1)
        for one in [one for one in self.exchanges if begin <= one.at < end]:
            hours, rest = divmod(one.at - begin, 3_600)
            used = increments[one.row]
            before = int(used[:hours].sum()) + int(used[hours]) * rest // 3_600
            self.closings[one.installation] = int(self.state[one.row]) + before
            self.state[one.row] = one.opening - before
        self.state = self.state + total


def history_load(
    company: Company,
    *,
    today: date,
    until: date,
    days: int = HISTORY_DAYS,
    say: Callable[[date], None] | None = None,
) -> int:
    """Load the days before `until`, from `days` before `today` on; returns how many values.

    Not inside a transaction. say: called with each day that a batch reached.
    """
    town = town_read(company, today=today)
    first = today - timedelta(days=days)
    for table in (BLOCKS, REGISTERS):
        partitions_ensure(table, first=first - timedelta(days=1), last=until)
    gauges, gauged = gauges_read(town), until - timedelta(days=_GAUGE_DAYS)
    counters = _counters(company, town, first)
    outages, loader, stored = _outages(town), Loader(), 0
    for begin in range(0, (until - first).days, _DAYS_AT_ONCE):
        part = [
            first + timedelta(days=begin + number)
            for number in range(min(_DAYS_AT_ONCE, (until - first).days - begin))
        ]
        batch = _batch(town, part, counters, outages)
        for day in part:
            if len(gauges) and day >= gauged:
                batch.readings = _joined(Readings, [batch.readings, _gauged(gauges, day)])
        stored += loader.load(batch).stored
        if say is not None:
            say(part[-1])
    _closings_write(counters)
    return stored


def _batch(town: Town, days: list[date], counters: _Counters, outages: list[Outage]) -> LoadBatch:
    readings: list[Readings] = []
    registers: list[Registers] = []
    for day in days:
        increments = town.increments(day)
        registers.append(_registers(town, day, counters.state))
        readings += _readings(town, day, increments, outages)
        counters.advance(town, day, increments)
    return LoadBatch(readings=_joined(Readings, readings), registers=_joined(Registers, registers))


def _joined(kind: Any, parts: list[Any]) -> Any:
    names = kind.__dataclass_fields__
    return kind(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def _readings(town: Town, day: date, increments: Ints, outages: list[Outage]) -> Iterator[Readings]:
    starts = town.starts(day)
    for interval in (60, 30):
        rows = np.flatnonzero(town.interval == interval)
        if not len(rows):
            continue
        values, begins = increments[rows], starts
        if interval == 30:
            values = halves(values)
            begins = (starts[:, None] + np.array([0, 1_800])).reshape(-1)
        quality = _quality(town, rows, begins, outages)
        factor = town.multiplier[rows][:, None]
        yield _columns(town.channel[rows], begins, interval, values * factor, quality)
        second = town.reactive[rows] > 0
        if bool(second.any()):
            reactive = (reactive_of(values) * factor)[second]
            channel = town.reactive[rows[second]]
            yield _columns(channel, begins, interval, reactive, quality[second])


def _gauged(gauges: Gauges, day: date) -> Readings:
    values = gauges.values(day)
    quality = np.zeros(values.shape, np.uint8)
    return _columns(gauges.channel, gauges.town.starts(day), 60, values, quality)


def _columns(
    channel: Ints, begins: Ints, interval: int, values: Ints, quality: NDArray[np.uint8]
) -> Readings:
    """From channels × intervals; what is missing is left out."""
    present = (quality != Quality.MISSING).reshape(-1)
    columns = Readings(
        channel=np.repeat(channel, len(begins)),
        start=np.tile(begins, len(channel)),
        interval_minutes=np.full(values.size, interval, np.int16),
        value=values.reshape(-1),
        quality=quality.reshape(-1),
        frame=np.full(values.size, -1, np.int32),
    )
    return columns if bool(present.all()) else columns.take(present)


def reactive_of(values: Ints) -> Ints:
    """Reactive energy beside the active: a power factor of about 0.94."""
    return values * 36 // 100


def halves(values: Ints) -> Ints:
    """Rows × hours → rows × half-hours; both halves of an hour add up to it."""
    first = values // 2
    return np.stack([first, values - first], axis=2).reshape(len(values), -1)


def _quality(town: Town, rows: Ints, begins: Ints, outages: list[Outage]) -> NDArray[np.uint8]:
    quality = np.zeros((len(rows), len(begins)), np.uint8)
    by_hand = np.array([town.module[row] is None for row in rows.tolist()])
    quality[by_hand] = Quality.ESTIMATED
    place = {row: number for number, row in enumerate(rows.tolist())}
    for one in outages:
        if one.row in place and one.start < begins[-1] + 3_600 and one.end > begins[0]:
            out = (begins >= one.start) & (begins < one.end)
            quality[place[one.row], out] = Quality.ESTIMATED if one.estimated else Quality.MISSING
    return quality


def _registers(town: Town, day: date, state: Ints) -> Registers:
    """What the registers show at local midnight; those read by hand only on the first of a month."""
    by_hand = np.array([one is None for one in town.module])
    rows = np.flatnonzero((town.register > 0) & (~by_hand | (day.day == 1)))
    kind = np.where(by_hand[rows], RegisterKind.MANUAL, RegisterKind.SELF_READ)
    return Registers(
        channel=town.register[rows],
        at=np.full(len(rows), town.begins(day)),
        value=state[rows] % 10 ** town.digits[rows],
        quality=np.zeros(len(rows), np.uint8),
        kind=kind.astype(np.uint8),
        frame=np.full(len(rows), -1, np.int32),
    )


def _counters(company: Company, town: Town, first: date) -> _Counters:
    """Where the registers stood when the history begins: what a year of such days has made of them."""
    with connection.cursor() as cursor:
        cursor.execute(_PERIODS, [company.pk, town.register.tolist()])
        periods = cursor.fetchall()
    row_of = {point: row for row, point in enumerate(town.point.tolist())}
    begin, daily = town.begins(first), town.increments(first).sum(axis=1)
    state, seen = np.zeros(len(town), np.int64), set()
    exchanges = []
    for point, installation, installed, removed, opening in periods:
        row, count = row_of[point], int(opening * _THOUSAND)
        if row not in seen:
            seen.add(row)
            days = max(begin - installed, 0) // 86_400
            state[row] = count + int(daily[row]) * days
        if removed is not None:
            exchanges.append(_Exchange(row, removed, installation, 0))
        elif exchanges and exchanges[-1].row == row:
            exchanges[-1] = exchanges[-1]._replace(opening=count)
    return _Counters(state, exchanges)


def _outages(town: Town) -> list[Outage]:
    """A concentrator that was silent for two days, and single meters now and then."""
    chance = np.random.default_rng([town.seed, 1])
    end = town.begins(town.today)
    found = []
    modules = [one for one in town.module if one is not None]
    busiest = max(set(modules), key=modules.count) if modules else None
    if busiest is not None and modules.count(busiest) > 2:
        start = end - 57 * 86_400 + 14 * 3_600
        found += [
            Outage(row, start, start + 41 * 3_600, estimated=False)
            for row, module in enumerate(town.module)
            if module == busiest
        ]
    for row in np.flatnonzero(chance.random(len(town)) < _OUTAGE_SHARE).tolist():
        if town.module[row] is not None:
            start = end - int(chance.integers(8 * 24, 380 * 24)) * 3_600
            hours = int(chance.integers(4, 72))
            estimated = bool(chance.random() < 0.5)
            found.append(Outage(row, start, start + hours * 3_600, estimated))
    return found


def _closings_write(counters: _Counters) -> None:
    """What the exchanged meters showed when they went; their other registers in proportion."""
    rows = InstallationReading.objects.filter(installation__in=counters.closings)
    rows = rows.select_related("reading_type").order_by("installation", "reading_type__code")
    changed = []
    main: dict[int, Decimal] = {}
    for row in rows:
        code = row.reading_type.code
        if row.installation_id not in main:
            shown = Decimal(counters.closings[row.installation_id]) / _THOUSAND
            main[row.installation_id] = shown - row.opening
        row.closing = row.opening + _part(code, main[row.installation_id])
        changed.append(row)
    InstallationReading.objects.bulk_update(changed, ["closing"])


def _part(code: str, used: Decimal) -> Decimal:
    """Of what the main register counted: three tenths at night, and 23 kWh a cubic metre of heat."""
    night = (used * 3 / 10).quantize(Decimal("0.001"))
    if code.endswith(".t1"):
        return used - night
    if code.endswith(".t2"):
        return night
    if code == "heat.volume.register":
        return (used / 23).quantize(Decimal("0.001"))
    return used
