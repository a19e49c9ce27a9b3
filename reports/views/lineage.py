"""Where a value comes from, and the frames of a module with every byte explained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.lib.paging import BoundedPaginator
from ingestion.codecs.universal_frame import HEADER_BYTES, TAG_BYTES
from ingestion.foreign.explaining import explained
from ingestion.models import FrameOutcome
from meters.models import Channel, TelemetryModule
from reports.panel.amounts import scale_of
from reports.panel.charts import Mark, slot_marks
from reports.panel.frame_words import sections_shown
from reports.panel.frames import Keyring, frame_find, frame_sections, frames_of
from reports.panel.lineage import Lineage, lineage_read
from reports.panel.periods import day_of
from reports.panel.points import latest_day

from .asked import choice, key_of, one_or_404

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from ingestion.models import RawFrame
    from reports.panel.amounts import Scale
    from reports.panel.series import Slot

__all__ = ["channel_value", "module_frames"]

_FRAMES_A_PAGE = 50
_STATES = {
    "stored": FrameOutcome.STORED,
    "partly": FrameOutcome.PARTLY,
    "refused": FrameOutcome.REFUSED,
    "quarantined": FrameOutcome.QUARANTINED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotShown:
    """A value of a block in words."""

    slot: Slot
    text: str
    marks: list[Mark]
    time: str
    until: str


@require_safe
@login_required
def channel_value(request: HttpRequest, pk: int) -> HttpResponse:
    """One value: the block it stands in, what it was before, and the frames that said it."""
    channels = Channel.objects.visible_to(request.user).select_related(
        "reading_type", "company", "usage_point__place", "module"
    )
    channel = one_or_404(channels, pk)
    zone = ZoneInfo(channel.company.time_zone)
    today = timezone.now().astimezone(zone).date()
    day = day_of(request.GET.get("day", ""), latest_day(request.user, channel) or today)
    found = lineage_read(request.user, channel, day, key_of(request.GET.get("slot", "0")) or 0)
    if found is None:
        raise Http404
    return render(request, "reports/value.html", _value_context(found, zone))


def _value_context(found: Lineage, zone: ZoneInfo) -> dict[str, Any]:
    scale = scale_of(found.channel.reading_type)
    shown = [_slot_shown(slot, scale, zone) for slot in found.slots]
    number = found.slot.number
    return {
        "found": found,
        "channel": found.channel,
        "point": found.channel.usage_point,
        "zone": zone.key,
        "scale": scale,
        "slots": shown,
        "now": shown[number],
        "earlier": shown[number - 1] if number else None,
        "later": shown[number + 1] if number + 1 < len(shown) else None,
        "steps": [
            (step, _slot_shown(step.before, scale, zone), _slot_shown(step.after, scale, zone))
            for step in found.steps
        ],
        "wanted": int(found.slot.start.timestamp()),
    }


def _slot_shown(slot: Slot, scale: Scale, zone: ZoneInfo) -> SlotShown:
    return SlotShown(
        slot=slot,
        text=scale.text(slot.value),
        marks=slot_marks(slot),
        time=f"{slot.start.astimezone(zone):%H:%M}",
        until=f"{slot.end.astimezone(zone):%H:%M %Z}",
    )


@require_safe
@login_required
def module_frames(request: HttpRequest, pk: int) -> HttpResponse:
    """A module's frames, newest first; with `frame` one of them, explained byte by byte."""
    modules = TelemetryModule.objects.visible_to(request.user).select_related(
        "company", "device_type", "place", "state"
    )
    module = one_or_404(modules, pk)
    if "frame" in request.GET:
        return _frame(request, module)
    state = choice(request, "state", list(_STATES), "")
    rows = frames_of(request.user, module)
    if state:
        rows = rows.filter(outcome=_STATES[state])
    page = BoundedPaginator(rows, _FRAMES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "module": module,
        "page": page,
        "zone": module.company.time_zone,
        "state": state,
        "states": [(name, FrameOutcome(code).label) for name, code in _STATES.items()],
    }
    return render(request, "reports/frames.html", context)


def _frame(request: HttpRequest, module: TelemetryModule) -> HttpResponse:
    day = request.GET.get("day", "")
    frame = frame_find(
        request.user,
        module,
        key_of(request.GET["frame"]),
        day_of(day, date(1970, 1, 1)) if day else None,
    )
    if frame is None:
        raise Http404
    zone = ZoneInfo(module.company.time_zone)
    context = {
        "module": module,
        "frame": frame,
        "zone": zone.key,
        **_explained(request, frame, zone),
    }
    return render(request, "reports/frame.html", context)


def _explained(request: HttpRequest, frame: RawFrame, zone: ZoneInfo) -> dict[str, Any]:
    payload = bytes(frame.payload)
    plaintext = Keyring([frame.module_id or 0]).open(frame)
    sections = frame_sections(frame, plaintext)
    opened = payload
    if plaintext is not None:
        opened = payload[:HEADER_BYTES] + plaintext + payload[-TAG_BYTES:]
    wanted = key_of(request.GET.get("at", ""))
    return {
        "size": len(payload),
        "is_open": plaintext is not None,
        "sections": sections_shown(payload, opened, sections, zone, wanted),
        "raw": payload.hex(" "),
        "lines": [] if frame.identity is None else explained(frame),
    }
