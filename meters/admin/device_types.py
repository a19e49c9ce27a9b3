"""Device types and their versions in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import CompanyFilter, ScopedAdmin, ScopedInline
from meters.errors import MetersError
from meters.models import DeviceType, DeviceTypeVersion, RegisterTemplate
from meters.services.device_types import device_type_version_publish

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from accounts.models import User


def _workbench(row: DeviceTypeVersion) -> str:
    """Where the definition is written and tried; the pages are those of the app above."""
    if row.pk is None:
        return "–"
    address = reverse("admin:workbench_version", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, gettext("Open"))


class VersionInline(ScopedInline):
    """Versions of a type; a version is edited on its own page."""

    model = DeviceTypeVersion
    fields = ("number", "status", "comment", "published_at", "published_by", "workbench")
    readonly_fields = fields
    can_delete = False

    @admin.display(description=_("workbench"))
    def workbench(self, row: DeviceTypeVersion) -> str:
        return _workbench(row)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DeviceType)
class DeviceTypeAdmin(ScopedAdmin):
    """Models of meters and modules."""

    list_display = ("name", "manufacturer", "code", "role", "resource", "company")
    list_filter = (CompanyFilter, "role", "resource")
    list_select_related = ("company",)
    search_fields = ("name", "manufacturer", "code")
    ordering = ("manufacturer", "name", "pk")
    inlines = (VersionInline,)
    change_list_template = "admin/workbench/type_list.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DeviceType], search_term: str
    ) -> tuple[QuerySet[DeviceType], bool]:
        """Devices are given no type that is a draft still: nothing of theirs could be read."""
        rows, repeated = super().get_search_results(request, queryset, search_term)
        if request.GET.get("model_name") in {"meter", "telemetrymodule"}:
            versions = DeviceTypeVersion.objects.filter(device_type=OuterRef("pk"))
            published = versions.exclude(status=DeviceTypeVersion.Status.DRAFT)
            rows = rows.filter(Exists(published) | ~Exists(versions))
        return rows, repeated


class RegisterInline(ScopedInline):
    """What devices of the version tell."""

    model = RegisterTemplate
    autocomplete_fields = ("reading_type",)


@admin.register(DeviceTypeVersion)
class DeviceTypeVersionAdmin(ScopedAdmin):
    """Definitions. A published version is read-only; publishing is an action."""

    list_display = (
        "device_type",
        "number",
        "status",
        "workbench",
        "comment",
        "published_at",
        "published_by",
    )
    list_filter = ("status",)
    list_select_related = ("device_type", "published_by")
    search_fields = ("device_type__name", "device_type__manufacturer", "device_type__code")
    autocomplete_fields = ("device_type",)
    readonly_fields = ("status", "published_at", "published_by", "workbench")
    inlines = (RegisterInline,)
    actions = ("publish",)

    @admin.display(description=_("workbench"))
    def workbench(self, row: DeviceTypeVersion) -> str:
        return _workbench(row)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        draft = obj is None or obj.status == DeviceTypeVersion.Status.DRAFT
        return draft and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    @admin.action(description=_("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[DeviceTypeVersion]) -> None:
        for version in queryset.select_related("device_type")[:50]:
            try:
                device_type_version_publish(actor=cast("User", request.user), version=version)
            except MetersError as error:
                messages.error(request, f"{version}: {error}")
            else:
                text = gettext("%(version)s is published.") % {"version": version}
                messages.success(request, text)
