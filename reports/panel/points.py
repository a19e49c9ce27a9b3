"""Channels of a usage point, and what its registers showed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from meters.models import Channel, IntervalBlock, RegisterReading
from meters.quantities import Accumulation

from .periods import midnight

if TYPE_CHECKING:
    from datetime import date

    from meters.models import ReadingType, UsagePoint

    from .periods import Period

__all__ = ["channels_of", "latest_day", "register_readings"]

# Self-reads come once a day or so; a page shows as many as a month has, twice over.
_READINGS = 62
_ORDER = {Accumulation.DELTA: 0, Accumulation.INSTANTANEOUS: 1}


def channels_of(user: Any, point: UsagePoint) -> list[Channel]:
    """Channels with values over time, the main amount of the resource first."""
    rows = (
        Channel.objects.visible_to(user)
        .filter(usage_point=point, reading_type__accumulation__in=list(_ORDER))
        .select_related("reading_type", "company")
    )
    return sorted(rows, key=_place)


def _place(channel: Channel) -> tuple[Any, ...]:
    kind = channel.reading_type
    return (
        not channel.is_active,
        _ORDER[Accumulation(kind.accumulation)],
        kind.direction == "reverse",
        "reactive" in kind.quantity,
        kind.tariff,
        kind.code,
    )


def latest_day(user: Any, channel: Channel) -> date | None:
    """The last day that has any value: what a reader sees first is never an empty page."""
    rows = IntervalBlock.objects.visible_to(user).filter(channel=channel)
    found: date | None = rows.order_by("-day").values_list("day", flat=True).first()
    return found


def register_readings(
    user: Any, point: UsagePoint, kind: ReadingType, period: Period
) -> list[RegisterReading]:
    """What the register behind an amount showed in the period, newest first, at most 62."""
    register = (
        Channel.objects.visible_to(user)
        .filter(
            usage_point=point,
            reading_type__accumulation=Accumulation.CUMULATIVE,
            reading_type__quantity=kind.quantity,
            reading_type__direction=kind.direction,
            reading_type__tariff=kind.tariff,
        )
        .first()
    )
    if register is None or kind.accumulation != Accumulation.DELTA:
        return []
    zone = ZoneInfo(point.company.time_zone)
    rows = RegisterReading.objects.visible_to(user).filter(
        channel=register,
        at__gte=midnight(period.first, zone),
        at__lte=midnight(period.following.first, zone),
    )
    return list(rows.select_related("channel__reading_type").order_by("-at")[:_READINGS])
