"""Usage points in the admin, with their connections and installations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedInline
from meters.models import Channel, Connection, Installation, UsagePoint
from meters.services.installations import installations_settle
from meters.services.usage_points import connections_settle
from meters.tables.resources import UsagePointResource

from .archives import ArchiveOrders, archive_page
from .tables import TableAdmin, tables_with_all

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

__all__ = ["InstallationInline"]


class ConnectionInline(ScopedInline):
    """Where in the network the point hung, and from when."""

    model = Connection
    autocomplete_fields = ("node",)
    fields = ("node", "valid_from", "valid_to")


class InstallationInline(ScopedInline):
    """Meters that were here; opening and closing readings are on the installation's page."""

    model = Installation
    autocomplete_fields = ("meter",)
    fields = ("meter", "installed_at", "removed_at", "multiplier", "reason")


class ChannelInline(ScopedInline):
    """What is measured here."""

    model = Channel
    fields = ("reading_type", "interval_minutes", "is_active")
    readonly_fields = ("reading_type", "interval_minutes")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UsagePoint)
class UsagePointAdmin(ArchiveOrders, TableAdmin, ScopedAdmin):
    """Where resources are measured."""

    table_resources = tables_with_all(UsagePointResource)
    list_display = (
        "code",
        "resource",
        "role",
        "place",
        "network_node",
        "is_active",
        "company",
    )
    list_filter = (CompanyFilter, "resource", "role", "is_active")
    list_select_related = ("place", "network_node", "company")
    search_fields = ("^code", "place__path")
    ordering = ("company_id", "code", "pk")
    sortable_by = ("code",)
    autocomplete_fields = ("place",)
    readonly_fields = ("network_node",)
    inlines = (ConnectionInline, InstallationInline, ChannelInline)
    actions = ("read_archive",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        connections_settle(usage_points=[form.instance.pk])
        rows = Installation.objects.filter(usage_point=form.instance.pk)
        installations_settle(installations=rows.values_list("pk", flat=True))

    @admin.action(description=gettext_lazy("Read the archive again"), permissions=["order"])
    def read_archive(self, request: HttpRequest, queryset: QuerySet[UsagePoint]) -> HttpResponse:
        return archive_page("usage_point", queryset)
