"""Inputs of modules in the admin: what a pulse is worth."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter, ScopedAdmin
from ingestion.models import ModuleInput

__all__ = ["ModuleInputAdmin"]


@admin.register(ModuleInput)
class ModuleInputAdmin(ScopedAdmin):
    """A change counts for what waits in quarantine and for what comes; not for what is stored."""

    fields = ("module", "port", "pulse_weight", "pulse_unit", "sampling_period")
    list_display = (
        "module",
        "port",
        "pulse_weight",
        "pulse_unit",
        "sampling_period",
        "company_name",
    )
    list_filter = (CompanyFilter,)
    list_select_related = ("module__company",)
    search_fields = ("^module__serial", "^module__address")
    ordering = ("module", "port")
    sortable_by = ("port",)
    linked_lookups = ("module",)
    autocomplete_fields = ("module",)

    @admin.display(description=gettext_lazy("company"))
    def company_name(self, row: Any) -> str:
        return str(row.module.company)
