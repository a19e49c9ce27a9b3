"""What devices told, in the admin: a list to look things up in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter, ScopedAdmin
from meters.models import DeviceEvent

from .reading import ReadOnly

__all__ = ["DeviceEventAdmin"]


@admin.register(DeviceEvent)
class DeviceEventAdmin(ReadOnly, ScopedAdmin):
    """Written by the engine; nobody changes a fact."""

    list_display = (
        "received_at",
        "what",
        "severity",
        "module",
        "meter",
        "at",
        "detail",
        "count",
        "company",
    )
    list_filter = (CompanyFilter, "severity", "code")
    list_select_related = ("module", "meter", "company")
    search_fields = ("^module__serial", "^meter__serial")
    ordering = ("-received_at", "-pk")
    sortable_by = ()
    linked_lookups = ("module", "meter")
    actions: Any = None
    fields = (
        "what",
        "severity",
        "company",
        "module",
        "meter",
        "port",
        "at",
        "has_clock",
        "received_at",
        "detail",
        "count",
    )

    @admin.display(description=gettext_lazy("event"))
    def what(self, event: DeviceEvent) -> str:
        return event.label
