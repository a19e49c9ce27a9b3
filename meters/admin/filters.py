"""Filters of the lists of devices that stay fast with a million rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meters.models import DeviceType
from meters.quantities import Resource

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

__all__ = ["ResourceFilter", "VerificationFilter"]

_SOON_DAYS = 90


class ResourceFilter(admin.SimpleListFilter):
    """What a meter measures, by its type: meters in store have no usage point yet."""

    title = _("resource")
    parameter_name = "resource"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [choice for choice in Resource.choices if choice[0] != Resource.DEVICE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        # Types are few, and the planner can only tell how many rows keys stand for, not a join.
        types = DeviceType.objects.filter(resource=self.value()).values_list("pk", flat=True)
        return queryset.filter(device_type__in=list(types))


class VerificationFilter(admin.SimpleListFilter):
    """Whose verification has run out, or soon will."""

    title = _("verification")
    parameter_name = "verification"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _("overdue")),
            ("soon", _("due within 90 days")),
            ("none", _("no date")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        conditions: dict[str, dict[str, Any]] = {
            "overdue": {"verification_due_on__lt": today},
            "soon": {
                "verification_due_on__gte": today,
                "verification_due_on__lte": today + timedelta(days=_SOON_DAYS),
            },
            "none": {"verification_due_on__isnull": True},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))
