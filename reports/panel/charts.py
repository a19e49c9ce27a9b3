"""A series as the chart and the table beneath it show it: labels, texts, marks and links."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from meters.models import Quality
from meters.models.archives import QUALITY_CLASS

from .clock import hint_of, label_of, tick_of
from .periods import PeriodKind
from .series import flag_names

if TYPE_CHECKING:
    from datetime import datetime

    from meters.models import Channel

    from .amounts import Scale
    from .series import Bucket, Series, Slot

__all__ = ["Mark", "Row", "byte_marks", "chart_of", "marks_of", "rows_of", "slot_marks", "words_of"]


class Mark(NamedTuple):
    """Something to know about a value: the name of its look, and the words."""

    look: str
    text: str


class Row(NamedTuple):
    """One line of the table and one bar of the chart."""

    label: str
    tick: str
    hint: str
    start: str
    end: str
    number: Decimal | None
    value: str
    state: str
    marks: list[Mark]
    before: Decimal | None
    before_text: str
    change: int | None
    href: str


def words_of() -> dict[str, str]:
    """What the looks of values are called."""
    return {
        "valid": _("measured"),
        "partly": _("values missing in it"),
        "estimated": _("estimated"),
        "questionable": _("questionable"),
        "edited": _("edited by hand"),
        "derived": _("derived"),
        "missing": _("no value"),
        "awaited": _("not here yet"),
    }


def rows_of(
    channel: Channel, series: Series, before: Series | None, scale: Scale, *, query: str = ""
) -> list[Row]:
    """The buckets of a series in words. before: the period to compare with."""
    zone = ZoneInfo(channel.company.time_zone)
    earlier = {bucket.key: bucket for bucket in before.buckets} if before else {}
    return [
        _row(channel, series, bucket, earlier.get(bucket.key), scale, zone, query)
        for bucket in series.buckets
    ]


def _row(
    channel: Channel,
    series: Series,
    bucket: Bucket,
    before: Bucket | None,
    scale: Scale,
    zone: ZoneInfo,
    query: str,
) -> Row:
    start, end = bucket.start.astimezone(zone), bucket.end.astimezone(zone)
    kind = series.period.kind
    number = None if bucket.value is None else scale.exact(bucket.value)
    earlier = None if before is None or before.value is None else scale.exact(before.value)
    return Row(
        label=label_of(kind, start, is_day=len(bucket.key) == 1),
        tick=tick_of(kind, start, is_day=len(bucket.key) == 1),
        hint=hint_of(start, end, zone),
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes"),
        number=number,
        value=_text(bucket, scale, instant=series.instant),
        state=bucket.state,
        marks=marks_of(bucket),
        before=earlier,
        before_text="" if before is None else _text(before, scale, instant=series.instant),
        change=_change(number, earlier),
        href=_href(channel, kind, start, bucket, query),
    )


def _text(bucket: Bucket, scale: Scale, *, instant: bool) -> str:
    value = bucket.value
    if value is not None and instant:
        value = value.quantize(Decimal(1))
    return scale.text(value)


def _change(now: Decimal | None, before: Decimal | None) -> int | None:
    """In percent; None where there is nothing to compare."""
    if now is None or not before:
        return None
    return round((now - before) / abs(before) * 100)


def _href(channel: Channel, kind: PeriodKind, start: datetime, bucket: Bucket, query: str) -> str:
    slot = bucket.slot
    if bucket.state == "awaited":
        return ""
    if slot is not None:
        page = reverse("channel_value", args=[channel.pk])
        return f"{page}?day={slot.day.isoformat()}&slot={slot.number}"
    if channel.usage_point_id is None:
        return ""
    inner = PeriodKind.MONTH if kind == PeriodKind.YEAR else PeriodKind.DAY
    page = reverse("usage_point", args=[channel.usage_point_id])
    return f"{page}?channel={channel.pk}&period={inner}&date={start.date().isoformat()}{query}"


def marks_of(bucket: Bucket) -> list[Mark]:
    """Everything that sets a value apart from a plain measured one."""
    marks = []
    words = words_of()
    if bucket.state in {"missing", "awaited"}:
        marks.append(Mark(bucket.state, words[bucket.state]))
    elif bucket.missing:
        text = ngettext("%(count)d missing", "%(count)d missing", bucket.missing)
        marks.append(Mark("missing", text % {"count": bucket.missing}))
    for quality in (Quality.QUESTIONABLE, Quality.ESTIMATED, Quality.EDITED, Quality.DERIVED):
        if count := bucket.marks[quality]:
            word = words[quality.name.lower()]
            text = word if bucket.slots == 1 else f"{count} × {word}"
            marks.append(Mark(quality.name.lower(), text))
    return marks + [Mark("flag", name) for name in flag_names(bucket.flags)]


def byte_marks(quality: int) -> list[Mark]:
    """The same for a single quality byte."""
    kind = Quality(quality & QUALITY_CLASS) if quality & QUALITY_CLASS in Quality else Quality.VALID
    marks = (
        [] if kind == Quality.VALID else [Mark(kind.name.lower(), words_of()[kind.name.lower()])]
    )
    return marks + [Mark("flag", name) for name in flag_names(quality)]


def slot_marks(slot: Slot) -> list[Mark]:
    """The same for one value of a block."""
    if slot.value is None:
        return [Mark("missing", words_of()["missing"])]
    return byte_marks(slot.quality | slot.flags)


def chart_of(rows: list[Row], *, instant: bool, resource: str, unit: str) -> dict[str, Any]:
    """What static/readout/js/chart.js draws; numbers are only drawn, their texts are exact."""
    compared = any(row.before is not None for row in rows)
    return {
        "kind": "line" if instant else "bars",
        "resource": resource,
        "unit": unit,
        "before": _("before") if compared else "",
        "points": [
            {
                "tick": row.tick,
                "label": row.label,
                "hint": row.hint,
                "value": None if row.number is None else float(row.number),
                "text": row.value,
                "state": row.state,
                "marks": [mark.text for mark in row.marks],
                "before": None if row.before is None else float(row.before),
                "beforeText": row.before_text,
                "href": row.href,
            }
            for row in rows
        ],
    }
