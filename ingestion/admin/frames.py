"""Raw frames under the admin: a table with a composite key has pages of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.grants import grants_of
from ingestion.foreign.explaining import explained
from ingestion.models import FrameOutcome, RawFrame
from ingestion.selectors import FrameQuestion, TooMuchAsked, device_of, raw_frame, raw_frames

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest, HttpResponse

__all__ = ["FrameViews"]

_A_PAGE = 100
_MOST_DAYS = 31
# There is room before and behind for the days that are added.
_FIRST_YEAR, _LAST_YEAR = 1971, 9_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**62


class FrameFilterForm(forms.Form):
    """Which frames: names of the fields are the parameters of the address."""

    device = forms.CharField(label=gettext_lazy("Device id"), required=False, max_length=64)
    module = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=_LARGEST)
    outcome = forms.TypedChoiceField(
        label=gettext_lazy("Outcome"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", gettext_lazy("not stored as data")), *FrameOutcome.choices],
    )
    first = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    before = forms.RegexField(r"^\d{1,18}-\d{1,18}$", required=False, widget=forms.HiddenInput)

    def add_prefix(self, field_name: str) -> str:
        return {"first": "from", "last": "to"}.get(field_name, field_name)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and not 0 <= (last - first).days < _MOST_DAYS:
            text = _("Choose at most %(days)d days, the first one first.")
            self.add_error("last", text % {"days": _MOST_DAYS})
        for name, day in (("first", first), ("last", last)):
            if day and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
                self.add_error(name, _("Nothing was collected then."))
        return data

    def question(self) -> FrameQuestion:
        """What is asked for; a week up to today where nothing is said."""
        data = self.cleaned_data
        last: date = data.get("last") or datetime.now(UTC).date()
        first: date = data.get("first") or last - timedelta(days=6)
        return FrameQuestion(
            first=_midnight(max(first, last - timedelta(days=_MOST_DAYS - 1))),
            end=_midnight(last) + timedelta(days=1),
            module=data.get("module"),
            device=data.get("device") or "",
            outcome=data.get("outcome"),
            before=_place(data.get("before") or ""),
        )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _place(text: str) -> tuple[datetime, int] | None:
    if not text:
        return None
    at, _dash, number = text.partition("-")
    return _instant(int(at)), int(number)


def _instant(microseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _EPOCH


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


class FrameViews:
    """Mixed into the admin of the quarantine: a list of raw frames, and one of them."""

    admin_site: AdminSite
    opts: Any

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("frames/", wrap(require_safe(self.frames_view)), name="ingestion_rawframe_list"),
            path(
                "frames/<int:at>/<int:number>/",
                wrap(require_safe(self.frame_view)),
                name="ingestion_rawframe_detail",
            ),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def frames_view(self, request: HttpRequest) -> HttpResponse:
        _check(request)
        form = FrameFilterForm(request.GET)
        rows: list[RawFrame] = []
        asked_too_much = False
        if form.is_valid():
            try:
                rows = raw_frames(user=request.user, question=form.question(), limit=_A_PAGE + 1)
            except TooMuchAsked:
                asked_too_much = True
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Raw frames"),
            "form": form,
            "asked_too_much": asked_too_much,
            "rows": [_row(frame) for frame in rows[:_A_PAGE]],
            "older": _older(request, rows),
        }
        return TemplateResponse(request, "admin/ingestion/frames.html", context)

    def frame_view(self, request: HttpRequest, at: int, number: int) -> HttpResponse:
        _check(request)
        frame = None
        if max(at, number) < _LARGEST:
            frame = raw_frame(user=request.user, at=_instant(at), number=number)
        if frame is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Raw frame"),
            "row": _row(frame),
            "lines": _lines(bytes(frame.payload)),
            "said": [] if frame.identity is None else explained(frame),
        }
        return TemplateResponse(request, "admin/ingestion/frame.html", context)


def _check(request: HttpRequest) -> None:
    if not grants_of(request.user).may(RawFrame.access.capability("view")):
        raise PermissionDenied


def _row(frame: RawFrame) -> dict[str, Any]:
    return {
        "frame": frame,
        "at": _microseconds(frame.received_at),
        "device": device_of(frame),
        "length": len(bytes(frame.payload)),
        "stored": frame.outcome == FrameOutcome.STORED,
    }


def _older(request: HttpRequest, rows: list[RawFrame]) -> str:
    if len(rows) <= _A_PAGE:
        return ""
    last = rows[_A_PAGE - 1]
    query = {key: value for key, value in request.GET.items() if key != "before"}
    return "?" + urlencode({**query, "before": f"{_microseconds(last.received_at)}-{last.id}"})


def _lines(payload: bytes) -> list[tuple[str, str]]:
    """Sixteen bytes a line: their place, and they in hexadecimal."""
    return [
        (f"{start:04d}", payload[start : start + 16].hex(" "))
        for start in range(0, len(payload), 16)
    ]
