"""The quarantine in the admin: what was refused, why, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.base import CompanyFilter, ScopedAdmin
from accounts.grants import grants_of
from ingestion.advice import advice_on
from ingestion.models import Quarantine, Reason
from ingestion.quarantine import NEVER_DATA
from ingestion.services.replay import replay_request

from .frames import FrameViews
from .reading import ReadOnly

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

__all__ = ["QuarantineAdmin"]


class StateFilter(admin.SimpleListFilter):
    """What still waits comes first; what is done stays to be looked up."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("waiting", gettext_lazy("frames wait")),
            ("open", gettext_lazy("not settled")),
            ("done", gettext_lazy("stored since")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions: dict[str, dict[str, Any]] = {
            "waiting": {"waiting__gt": 0},
            "open": {"resolved_at__isnull": True},
            "done": {"resolved_at__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))


@admin.register(Quarantine)
class QuarantineAdmin(FrameViews, ReadOnly, ScopedAdmin):
    """Counts by reason and device; nobody writes them but the engine."""

    list_display = (
        "why",
        "device",
        "module",
        "company",
        "network",
        "count",
        "waiting",
        "last_at",
        "state",
    )
    list_filter = (CompanyFilter, StateFilter, "reason")
    list_select_related = ("module", "company")
    search_fields = ("^device", "^module__serial", "^network")
    search_help_text = gettext_lazy("Device id, serial number or network of origin")
    ordering = ("-last_at", "pk")
    sortable_by = ("count", "waiting", "last_at")
    linked_lookups = ("module", "device", "reason")
    actions = ("replay_now",)
    fields = (
        "why",
        "advice",
        "device",
        "module",
        "company",
        "network",
        "detail",
        "count",
        "kept",
        "waiting",
        "first_at",
        "last_at",
        "state",
        "frames",
    )

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Whether the reader may have frames of some device tried again."""
        return grants_of(request.user).may(Quarantine.access.capability("change"))

    @admin.display(description=gettext_lazy("reason"), ordering="reason")
    def why(self, row: Quarantine) -> str:
        return str(row.get_reason_display())

    @admin.display(description=gettext_lazy("what to do"))
    def advice(self, row: Quarantine) -> str:
        text = advice_on(Reason(row.reason))
        link = self._remedy(row)
        return format_html('{} <a href="{}">{}</a>', text, *link) if link else text

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Quarantine) -> str:
        if row.resolved_at is not None:
            return _("stored since")
        if row.reason in NEVER_DATA:
            return _("refused")
        if not row.kept:
            return _("counted only")
        text = ngettext("%(count)d frame waits", "%(count)d frames wait", row.waiting)
        return text % {"count": row.waiting}

    @admin.display(description=gettext_lazy("frames"))
    def frames(self, row: Quarantine) -> str:
        if not row.kept:
            return _("None of them was kept.")
        query = {"from": f"{row.first_at:%Y-%m-%d}", "to": f"{row.last_at:%Y-%m-%d}"}
        query |= {"device": row.device} if row.device else {}
        address = f"{reverse('admin:ingestion_rawframe_list')}?{urlencode(query)}"
        return format_html('<a href="{}">{}</a>', address, _("Frames kept"))

    def _remedy(self, row: Quarantine) -> tuple[str, str] | None:
        """Where in the administration the cause is mended."""
        if row.reason == Reason.UNKNOWN_DEVICE and row.device:
            query = urlencode({"address": row.device})
            return reverse("admin:meters_telemetrymodule_add") + f"?{query}", _("Enter the module")
        if row.module_id is None:
            return None
        if row.reason in {Reason.NO_KEY, Reason.WRONG_KEY}:
            query = urlencode({"module": row.module_id})
            return reverse("admin:ingestion_modulekey_add") + f"?{query}", _("Enter the key")
        page = reverse("admin:meters_telemetrymodule_change", args=[row.module_id])
        return page, _("Open the module")

    @admin.action(description=gettext_lazy("Replay now"), permissions=["replay"])
    def replay_now(self, request: HttpRequest, queryset: QuerySet[Quarantine]) -> None:
        try:
            count = replay_request(actor=request.user, rows=queryset)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        if not count:
            messages.warning(
                request, _("There is no device in what you chose that you may change.")
            )
            return
        text = ngettext(
            "The frames of %(count)d device are tried again within seconds.",
            "The frames of %(count)d devices are tried again within seconds.",
            count,
        )
        messages.success(request, text % {"count": count})
