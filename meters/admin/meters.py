"""Meters and installations in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedInline
from meters.admin.filters import ResourceFilter, VerificationFilter
from meters.models import Installation, InstallationReading, Meter
from meters.services.installations import installations_settle, meters_settle
from meters.tables.resources import InstallationResource, MeterResource

from .tables import TableAdmin, tables_with_all

if TYPE_CHECKING:
    from django.http import HttpRequest


class InstalledInline(ScopedInline):
    """Where the meter was."""

    model = Installation
    autocomplete_fields = ("usage_point",)
    fields = ("usage_point", "installed_at", "removed_at", "multiplier", "reason")


@admin.register(Meter)
class MeterAdmin(TableAdmin, ScopedAdmin):
    """Measuring devices."""

    table_resources = tables_with_all(MeterResource)
    list_display = (
        "serial",
        "device_type",
        "status",
        "usage_point",
        "place",
        "module",
        "verification_due_on",
        "company",
    )
    list_filter = (CompanyFilter, "status", ResourceFilter, VerificationFilter)
    list_select_related = ("device_type", "usage_point__place", "module", "company")
    search_fields = ("^serial", "^usage_point__code", "usage_point__place__path")
    # The company first, so that one index serves its own lists and those of the platform.
    ordering = ("company_id", "serial", "pk")
    sortable_by = ("serial", "verification_due_on")
    autocomplete_fields = ("device_type", "module")
    readonly_fields = ("status", "usage_point")
    linked_lookups = ("module", "usage_point", "device_type")
    inlines = (InstalledInline,)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # In the order of the index that finds what was filtered: another index would be walked
        # through to the end before it meets the first row of a resource.
        if VerificationFilter.parameter_name in request.GET:
            return ("company_id", "verification_due_on", "serial", "pk")
        if ResourceFilter.parameter_name in request.GET:
            # These three are unique, so the order is settled without the key.
            return ("company_id", "device_type_id", "serial")
        return self.ordering

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        filters = (VerificationFilter, ResourceFilter)
        filtered = any(item.parameter_name in request.GET for item in filters)
        return () if filtered else self.sortable_by

    @admin.display(description=_("address"))
    def place(self, meter: Meter) -> str:
        return meter.usage_point.place.path if meter.usage_point else ""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        rows = Installation.objects.filter(meter=form.instance.pk)
        installations_settle(installations=rows.values_list("pk", flat=True))
        meters_settle(meters=[form.instance.pk])


class ReadingInline(ScopedInline):
    """Opening and closing readings."""

    model = InstallationReading
    autocomplete_fields = ("reading_type",)
    fields = ("reading_type", "opening", "closing")


@admin.register(Installation)
class InstallationAdmin(TableAdmin, ScopedAdmin):
    """Which meter was where, and what it showed when it came and went."""

    table_resources = tables_with_all(InstallationResource)
    list_display = (
        "meter",
        "usage_point",
        "place",
        "installed_at",
        "removed_at",
        "multiplier",
        "company",
    )
    list_filter = (CompanyFilter, "installed_at")
    list_select_related = ("meter", "usage_point__place", "company")
    search_fields = ("^meter__serial", "^usage_point__code", "usage_point__place__path")
    ordering = ("-installed_at", "pk")
    sortable_by = ("installed_at",)
    autocomplete_fields = ("meter", "usage_point")
    fields = ("meter", "usage_point", "installed_at", "removed_at", "multiplier", "reason")
    linked_lookups = ("meter", "usage_point")
    inlines = (ReadingInline,)

    @admin.display(description=_("address"))
    def place(self, installation: Installation) -> str:
        return installation.usage_point.place.path

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form._post_clean = _in_company_of_point(form._post_clean)
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        installations_settle(installations=[form.instance.pk])


def _in_company_of_point(post_clean: Any) -> Any:
    """The company of an installation is its usage point's, known once the form is cleaned."""

    def wrapped(form: Any) -> None:
        if point := form.cleaned_data.get("usage_point"):
            form.instance.company_id = point.company_id
        post_clean(form)

    return wrapped
