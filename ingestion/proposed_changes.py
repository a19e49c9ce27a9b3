"""Reading what second decodings would change: by day, by channel, by reading type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Count, Sum

from meters.models import Channel, ReadingType

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from ingestion.models import RedecodedBlock, Redecoding

__all__ = [
    "CHANNELS_SHOWN",
    "Change",
    "redecoding_channels",
    "redecoding_days",
    "redecoding_kinds",
    "redecoding_sums",
]

CHANNELS_SHOWN = 50
_DAYS_SHOWN = 200


class Change(NamedTuple):
    """What differs in a channel or of a reading type (`name`), in displayed units.

    day: None for all days together; days: how many, 0 where it is one of a day.
    """

    name: str
    day: date | None
    changed: int
    before: Decimal
    after: Decimal
    unit: str
    days: int = 0

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


def redecoding_days(redecoding: Redecoding) -> list[Change]:
    """The days that differ, at most as many as a page shows."""
    related = ("channel__reading_type", "channel__usage_point", "channel__module")
    rows = redecoding.days.select_related(*related).order_by("channel", "day")
    return [_of_day(row) for row in rows[:_DAYS_SHOWN]]


def redecoding_sums(redecoding: Redecoding) -> list[Change]:
    """The same by channel, over all days."""
    return _by_channel(_summed(redecoding, "channel"))


def redecoding_channels(redecoding: Redecoding, *, page: int) -> tuple[list[Change], bool]:
    """A page of channels, counted from 0, and whether there are more."""
    first = page * CHANNELS_SHOWN
    rows = _by_channel(_summed(redecoding, "channel")[first : first + CHANNELS_SHOWN + 1])
    return rows[:CHANNELS_SHOWN], len(rows) > CHANNELS_SHOWN


def redecoding_kinds(redecoding: Redecoding) -> list[Change]:
    """Sums by reading type, over all channels and days."""
    rows = _summed(redecoding, "channel__reading_type")
    kinds = ReadingType.objects.in_bulk([row["channel__reading_type"] for row in rows])
    found = []
    for row in rows:
        kind = kinds[row["channel__reading_type"]]
        found.append(_change(str(kind), kind, row))
    return found


def _summed(redecoding: Redecoding, by: str) -> QuerySet[RedecodedBlock, dict[str, Any]]:
    rows: QuerySet[RedecodedBlock, dict[str, Any]] = redecoding.days.order_by(by).values(by)
    return rows.annotate(
        days=Count("pk"),
        values_changed=Sum("changed"),
        before_sum=Sum("sum_before"),
        after_sum=Sum("sum_after"),
    )


def _by_channel(rows: QuerySet[RedecodedBlock, dict[str, Any]]) -> list[Change]:
    listed = list(rows)
    related = ("reading_type", "usage_point", "module")
    channels = Channel.objects.select_related(*related).in_bulk([row["channel"] for row in listed])
    return [
        _change(str(channels[row["channel"]]), channels[row["channel"]].reading_type, row)
        for row in listed
        if row["channel"] in channels
    ]


def _change(name: str, kind: ReadingType, row: dict[str, Any]) -> Change:
    factor = _factor(kind)
    before, after = row["before_sum"] * factor, row["after_sum"] * factor
    return Change(name, None, row["values_changed"], before, after, kind.display_unit, row["days"])


def _of_day(row: RedecodedBlock) -> Change:
    kind = row.channel.reading_type
    before, after = row.sum_before * _factor(kind), row.sum_after * _factor(kind)
    return Change(str(row.channel), row.day, row.changed, before, after, kind.display_unit)


def _factor(kind: ReadingType) -> Decimal:
    # The archive counts Wh where people read kWh.
    thousand = kind.display_unit.startswith("k") and not kind.unit.startswith("k")
    return Decimal(1).scaleb(kind.exponent) / (1000 if thousand else 1)
