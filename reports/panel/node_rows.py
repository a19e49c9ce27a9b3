"""Bars of a node's chart in the words of the table beneath it."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import ngettext

from .charts import Mark, Row, words_of
from .clock import hint_of, label_of, tick_of
from .periods import PeriodKind, midnight

if TYPE_CHECKING:
    from datetime import datetime

    from hierarchy.models import Node

    from .amounts import Scale
    from .networks import NodePart
    from .periods import Period

__all__ = ["node_rows"]


def node_rows(node: Node, parts: list[NodePart], period: Period, scale: Scale) -> list[Row]:
    """One row a bar; `before` carries what entered."""
    zone = ZoneInfo(node.company.time_zone)
    return [_row(node, part, period, scale, zone) for part in parts]


def _row(node: Node, part: NodePart, period: Period, scale: Scale, zone: ZoneInfo) -> Row:
    begin = midnight(part.day, zone).astimezone(UTC) + timedelta(hours=part.number)
    start = begin.astimezone(zone)
    hourly = period.kind in (PeriodKind.DAY, PeriodKind.WEEK)
    end = (begin + timedelta(hours=1)).astimezone(zone)
    incomplete = not hourly and 0 < part.received < part.expected
    state = "missing" if part.used is None else "partly" if incomplete else "valid"
    return Row(
        label=label_of(period.kind, start),
        tick=tick_of(period.kind, start),
        hint=hint_of(start, end, zone) if hourly else "",
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes"),
        number=None if part.used is None else scale.exact(part.used),
        value=scale.text(part.used),
        state=state,
        marks=_marks(part, state),
        before=None if part.entered is None else scale.exact(part.entered),
        before_text=scale.text(part.entered),
        change=None,
        href=_href(node, period.kind, start, hourly=hourly),
    )


def _marks(part: NodePart, state: str) -> list[Mark]:
    if state == "missing":
        return [Mark("missing", words_of()["missing"])]
    if state != "partly":
        return []
    count = part.expected - part.received
    text = ngettext("%(count)d value missing", "%(count)d values missing", count)
    return [Mark("missing", text % {"count": count})]


def _href(node: Node, kind: PeriodKind, start: datetime, *, hourly: bool) -> str:
    if hourly:
        return ""
    inner = PeriodKind.MONTH if kind == PeriodKind.YEAR else PeriodKind.DAY
    page = reverse("node", args=[node.pk])
    return f"{page}?period={inner}&date={start.date().isoformat()}"
