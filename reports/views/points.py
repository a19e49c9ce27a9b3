"""The page of a usage point: its values as chart and table, what measures it, where it is."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.addresses import client_address
from accounts.grants import grants_of
from accounts.models import Activity
from accounts.services.activity import activity_record
from config.lib.tables.downloads import attachment
from config.lib.tables.neutral import neutralised
from meters.models import Channel, Meter, UsagePoint
from meters.quantities import Accumulation
from meters.selectors.commands import usage_points_orderable
from reports.panel.amounts import Scale, scale_of
from reports.panel.charts import Row, chart_of, rows_of, words_of
from reports.panel.periods import Period, PeriodKind, day_of
from reports.panel.points import channels_of, latest_day, register_readings
from reports.panel.series import Series, series_read
from reports.selectors import usage_point_page

from .asked import choice, key_of

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpRequest, HttpResponse

__all__ = ["usage_point", "usage_point_csv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One channel over one period, as the address asks for it."""

    channel: Channel
    series: Series
    before: Series | None
    scale: Scale
    rows: list[Row]


@require_safe
@login_required
def usage_point(request: HttpRequest, pk: int) -> HttpResponse:
    """One usage point: what was measured, where it is, what measures it, what did before."""
    point = _point(request, pk)
    installations = list(point.installations.all())
    current = next((row for row in installations if row.removed_at is None), None)
    context = {
        "point": point,
        "installations": installations,
        "connections": list(point.connections.all()),
        "current": current,
        "today": timezone.localdate(),
        "change_url": _change_url(request, point),
        "may_order": usage_points_orderable(request.user).filter(pk=point.pk).exists(),
        "meter_url": _change_url(request, current.meter) if current else None,
        **_readings(request, point),
    }
    return render(request, "reports/usage_point.html", context)


@require_safe
@login_required
def usage_point_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The table that the page shows for the same address, as a file."""
    point = _point(request, pk)
    shown = _shown(request, point)
    if shown is None or not _may_export(request, point):
        raise Http404
    name = f"{point.code} {shown.channel.reading_type.code} {shown.series.period.label}"
    activity_record(
        user=request.user,  # type: ignore[arg-type]
        kind=Activity.Kind.EXPORT,
        detail=name,
        ip=client_address(request),
        company=point.company,
    )
    period = shown.series.period
    file = f"{shown.channel.reading_type.code}-{pk}-{period.kind}-{period.first}.csv"
    return attachment(_csv(shown), name=file, content_type="text/csv; charset=utf-8")


def _point(request: HttpRequest, pk: int) -> UsagePoint:
    point = usage_point_page(request.user, pk) if key_of(pk) is not None else None
    if point is None:
        raise Http404
    return point


def _may_export(request: HttpRequest, point: UsagePoint) -> bool:
    grants = grants_of(request.user)
    return any(
        grants.covers("export_data", company_id=point.company_id, node=node)
        for node in (point.place, point.network_node)
    )


def _readings(request: HttpRequest, point: UsagePoint) -> dict[str, Any]:
    """What the part of the page with chart and table needs."""
    channels = channels_of(request.user, point)
    context: dict[str, Any] = {"channels": channels, "period_kinds": PeriodKind.choices}
    shown = _shown(request, point, channels)
    if shown is None:
        return context
    kind = shown.channel.reading_type
    chart = chart_of(
        shown.rows, instant=shown.series.instant, resource=point.resource, unit=shown.scale.unit
    )
    states = {row.state for row in shown.rows}
    address = {"channel": shown.channel.pk, "period": str(shown.series.period.kind)}
    return context | {
        "shown": shown,
        "address": address | ({"compare": "1"} if shown.before else {}),
        "chart": chart,
        "legend": [(state, text) for state, text in words_of().items() if state in states],
        "label": kind.label,
        "registers": register_readings(request.user, point, kind, shown.series.period),
        "may_export": _may_export(request, point),
        "today_local": _today(point),
    }


def _shown(
    request: HttpRequest, point: UsagePoint, channels: list[Channel] | None = None
) -> Shown | None:
    if channels is None:
        channels = channels_of(request.user, point)
    if not channels:
        return None
    asked = key_of(request.GET.get("channel", ""))
    channel = next((row for row in channels if row.pk == asked), channels[0])
    kind = PeriodKind(choice(request, "period", PeriodKind.values, PeriodKind.DAY))
    default = latest_day(request.user, channel) or _today(point)
    period = Period.around(kind, day_of(request.GET.get("date", ""), default))
    series = series_read(request.user, channel, period)
    compared = request.GET.get("compare") == "1"
    before = series_read(request.user, channel, period.previous) if compared else None
    scale = scale_of(channel.reading_type)
    query = "&compare=1" if compared else ""
    rows = rows_of(channel, series, before, scale, query=query)
    return Shown(channel=channel, series=series, before=before, scale=scale, rows=rows)


def _today(point: UsagePoint) -> date:
    return datetime.now(ZoneInfo(point.company.time_zone)).date()


def _csv(shown: Shown) -> bytes:
    instant = shown.channel.reading_type.accumulation == Accumulation.INSTANTANEOUS
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    unit = shown.scale.unit
    value = _("mean") if instant else _("amount")
    headings = [_("from"), _("until"), f"{value}, {unit}", _("quality")]
    if shown.before:
        headings.append(f"{_('before')}, {unit}")
    writer.writerow([neutralised(heading) for heading in headings])
    for row in shown.rows:
        cells = [row.start, row.end, "" if row.number is None else f"{row.number:f}"]
        cells.append(neutralised("; ".join(mark.text for mark in row.marks)))
        if shown.before:
            cells.append("" if row.before is None else f"{row.before:f}")
        writer.writerow(cells)
    # With a mark, so that spreadsheets know UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _change_url(request: HttpRequest, row: UsagePoint | Meter) -> str | None:
    """Address of the row in the administration, for readers who may change it there."""
    if not getattr(request.user, "is_staff", False):
        return None
    if not type(row).objects.visible_to(request.user, "change").filter(pk=row.pk).exists():
        return None
    return reverse(f"admin:meters_{row._meta.model_name}_change", args=[row.pk])
