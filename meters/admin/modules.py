"""Telemetry modules in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedInline
from meters.models import Meter, ModuleState, TelemetryModule
from meters.services.channels import instantiate
from meters.tables.resources import ModuleResource

from .archives import ArchiveOrders, archive_page
from .tables import TableAdmin, tables_with_all

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


class MeterInline(ScopedInline):
    """Meters on the ports of a module."""

    model = Meter
    fields = ("port", "serial", "device_type", "usage_point", "status")
    readonly_fields = fields
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TelemetryModule)
class TelemetryModuleAdmin(ArchiveOrders, TableAdmin, ScopedAdmin):
    """Modems, radio modules and concentrators."""

    table_resources = tables_with_all(ModuleResource)
    list_display = (
        "serial",
        "device_type",
        "address",
        "place",
        "status",
        "last_seen_at",
        "battery_percent",
        "signal_dbm",
        "company",
    )
    list_filter = (CompanyFilter, "status")
    list_select_related = ("device_type", "place", "company", "state")
    search_fields = ("^serial", "^address", "place__path")
    ordering = ("company_id", "serial", "pk")
    sortable_by = ("serial",)
    autocomplete_fields = ("device_type", "place")
    readonly_fields = ("last_seen_at", "battery_percent", "signal_dbm")
    inlines = (MeterInline,)
    actions = ("read_archive",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        instantiate(modules=[form.instance.pk])

    @admin.display(description=gettext_lazy("last seen"))
    def last_seen_at(self, module: TelemetryModule) -> datetime | None:
        state = _state_of(module)
        return None if state is None else state.last_seen_at

    @admin.display(description=gettext_lazy("battery, %"))
    def battery_percent(self, module: TelemetryModule) -> int | None:
        state = _state_of(module)
        return None if state is None else state.battery_percent

    @admin.display(description=gettext_lazy("signal, dBm"))
    def signal_dbm(self, module: TelemetryModule) -> int | None:
        state = _state_of(module)
        return None if state is None else state.signal_dbm

    @admin.action(description=gettext_lazy("Read the archive again"), permissions=["order"])
    def read_archive(
        self, request: HttpRequest, queryset: QuerySet[TelemetryModule]
    ) -> HttpResponse:
        return archive_page("module", queryset)


def _state_of(module: TelemetryModule) -> ModuleState | None:
    """None of a module that was never heard."""
    return getattr(module, "state", None)
