"""Commands to modules in the admin: given, followed, taken back; archives read again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.base import CompanyFilter
from accounts.admin.writing import ServiceAdmin, ServiceForm
from ingestion.forms import ArchiveForm, day_field
from ingestion.services.commands import archive_reading_request, order_cancel, order_request
from meters.models import Command, CommandKind, TelemetryModule, UsagePoint
from meters.selectors.commands import may_order, modules_orderable, usage_points_orderable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

__all__ = ["CommandAdmin"]

_MOST = 200
# Commands that one page makes; a month of a register is one.
_MOST_COMMANDS = 1_000
# What a reporting schedule says, in the order of the protocol.
_SCHEDULE = ("interval", "report_every", "report_offset", "spread", "window", "tries")
_NEEDED: dict[str, tuple[str, ...]] = {
    CommandKind.READ_ARCHIVE: ("first", "last"),
    CommandKind.CONFIGURE: _SCHEDULE,
}


def _number(label: Any, initial: int, most: int, *, least: int = 0) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, initial=initial, required=False
    )


class CommandForm(ServiceForm):
    """One command to one module; what belongs to another kind is not looked at."""

    first = day_field(gettext_lazy("Archive from"), required=False)
    last = day_field(gettext_lazy("Archive until"), required=False)
    interval = _number(gettext_lazy("Interval of values, minutes"), 60, 1_440, least=1)
    report_every = _number(gettext_lazy("A report every, minutes"), 1_440, 10_080, least=1)
    report_offset = _number(gettext_lazy("First report, minutes into the period"), 0, 10_079)
    spread = _number(gettext_lazy("Spread over the fleet, seconds"), 3_600, 65_535)
    window = _number(gettext_lazy("Listens after a frame, seconds (0: as is usual)"), 0, 255)
    tries = _number(gettext_lazy("Tries of one frame"), 6, 255, least=1)

    class Meta:
        model = Command
        fields = ("module", "kind", "note")

    def _get_validation_exclusions(self) -> set[str]:
        # The company is that of the module: the service knows it and checks the rest.
        return super()._get_validation_exclusions() | {"company"}

    def clean(self) -> dict[str, Any] | None:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in _NEEDED.get(data.get("kind", ""), ()):
            if data.get(name) is None and name not in self.errors:
                self.add_error(name, _("This command needs it."))
        return data

    def write(self) -> Command:
        data = self.cleaned_data
        common = {"actor": self.actor, "module": data["module"], "note": data["note"]}
        if data["kind"] == CommandKind.READ_ARCHIVE:
            return archive_reading_request(first=data["first"], last=data["last"], **common)[0]
        schedule = data["kind"] == CommandKind.CONFIGURE
        parameters = {name: data[name] for name in _SCHEDULE} if schedule else None
        return order_request(kind=data["kind"], parameters=parameters, **common)


@admin.register(Command)
class CommandAdmin(ServiceAdmin):
    """Commands are given and taken back, never changed or deleted."""

    form = CommandForm
    list_display = ("module", "kind", "content", "state", "answer", "created_at", "company")
    list_filter = (CompanyFilter, "state", "kind")
    list_select_related = ("module", "usage_point", "company")
    search_fields = ("^module__serial", "^module__address", "^usage_point__code")
    search_help_text = gettext_lazy("Serial number or device id of a module, code of a usage point")
    ordering = ("-pk",)
    sortable_by = ("created_at",)
    linked_lookups = ("module", "usage_point")
    autocomplete_fields = ("module",)
    actions = ("cancel",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["module", "usage_point", "kind", "content", "note", "requested_by", "created_at"]
        way = ["approved_at", "queued_at", "sent_at", "last_sent_at", "attempts", "delivered_at"]
        return [*asked, "valid_until", "state", *way, "ended_at", "answer"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return (
            (None, {"fields": ("module", "kind", "note")}),
            (_("Only to read the archive again"), {"fields": ("first", "last")}),
            (_("Only to change the reporting schedule"), {"fields": _SCHEDULE}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_order_permission(self, request: HttpRequest) -> bool:
        """Whether the reader may have some module read, or give it any command."""
        return may_order(request.user)

    @admin.display(description=gettext_lazy("what exactly"))
    def content(self, row: Command) -> str:
        given = row.parameters
        if row.kind == CommandKind.READ_ARCHIVE:
            zone = ZoneInfo(row.company.time_zone)
            days = [
                f"{datetime.fromtimestamp(given[name], UTC).astimezone(zone):%Y-%m-%d %H:%M}"
                for name in ("start", "end")
            ]
            text = _("port %(port)d, register %(register)d, %(first)s – %(last)s")
            return text % {**given, "first": days[0], "last": days[1]}
        if row.kind == CommandKind.CONFIGURE:
            text = _(
                "version %(version)d: values of %(interval)d min, a report every %(every)d min"
            )
            return text % {**given, "every": given["report_every"]}
        return ""

    @admin.display(description=gettext_lazy("answer"))
    def answer(self, row: Command) -> str:
        if row.result_status is None:
            return ""
        told = str(row.get_result_status_display())
        return f"{told} ({row.result})" if row.result else told

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.__dict__.update(form.write().__dict__)

    @admin.action(description=gettext_lazy("Take back"), permissions=["order"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Command]) -> None:
        done = 0
        for row in queryset.select_related("module"):
            try:
                order_cancel(actor=request.user, command=row)
                done += 1
            except ValidationError as error:
                messages.error(request, f"{row}: {' '.join(error.messages)}")
        if done:
            text = ngettext(
                "%(count)d command is sent no more.", "%(count)d commands are sent no more.", done
            )
            messages.success(request, text % {"count": done})

    def get_urls(self) -> list[Any]:
        own = path(
            "archive/", self.admin_site.admin_view(self.archive_view), name="meters_command_archive"
        )
        return [own, *super().get_urls()]

    def archive_view(self, request: HttpRequest) -> HttpResponse:
        """Read the archives of chosen modules or usage points again: `?module=1&module=2`."""
        if not self.has_order_permission(request):
            raise PermissionDenied
        subjects = _subjects(request)
        if not subjects:
            messages.warning(request, _("Choose modules or usage points in their list first."))
            return HttpResponseRedirect(reverse("admin:meters_telemetrymodule_changelist"))
        form = ArchiveForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            _read_archives(request, subjects, form.cleaned_data)
            return HttpResponseRedirect(reverse("admin:meters_command_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Read the archive again"),
            "form": form,
            "subjects": subjects,
        }
        return TemplateResponse(request, "admin/ingestion/read_archive.html", context)


def _subjects(request: HttpRequest) -> list[TelemetryModule | UsagePoint]:
    """What the address names and the reader may have read."""
    found: list[Any] = []
    for name, orderable in (("module", modules_orderable), ("usage_point", usage_points_orderable)):
        texts = request.GET.getlist(name)[:_MOST]
        keys = {int(text) for text in texts if text.isdecimal() and len(text) < 19}
        rows: Any = orderable(request.user)
        found += rows.filter(pk__in=keys).select_related("company") if keys else ()
    return found


def _read_archives(request: HttpRequest, subjects: Iterable[Any], period: dict[str, Any]) -> None:
    """period: first and last day, and the reason."""
    made = 0
    for subject in subjects:
        if made >= _MOST_COMMANDS:
            text = _("%(subject)s and what comes after it was not asked: that is enough for once.")
            messages.warning(request, text % {"subject": subject})
            break
        which = "module" if isinstance(subject, TelemetryModule) else "usage_point"
        asked: dict[str, Any] = {which: subject, **period}
        try:
            made += len(archive_reading_request(actor=request.user, **asked))
        except ValidationError as error:
            messages.error(request, f"{subject}: {' '.join(error.messages)}")
    if made:
        text = ngettext(
            "%(count)d command waits until its module calls.",
            "%(count)d commands wait until their modules call.",
            made,
        )
        messages.success(request, text % {"count": made})
