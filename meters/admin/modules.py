"""Telemetry modules in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedInline
from meters.models import Meter, TelemetryModule
from meters.services.channels import instantiate
from meters.tables.resources import ModuleResource

from .archives import archive_page
from .tables import TableAdmin, tables_with_all

if TYPE_CHECKING:
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
class TelemetryModuleAdmin(TableAdmin, ScopedAdmin):
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
    list_select_related = ("device_type", "place", "company")
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

    @admin.action(description=gettext_lazy("Read the archive again"), permissions=["change"])
    def read_archive(
        self, request: HttpRequest, queryset: QuerySet[TelemetryModule]
    ) -> HttpResponse:
        return archive_page("module", queryset)
