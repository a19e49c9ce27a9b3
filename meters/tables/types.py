"""Device types that a file names by code."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from meters.models import DeviceType

if TYPE_CHECKING:
    from hierarchy.tables.plan import Entry, Plan

__all__ = ["TypeLookup"]


class TypeLookup:
    """Types a company may use in one role. Its own one comes before a shipped one of that code."""

    def __init__(self, plan: Plan, *roles: str) -> None:
        self._roles = roles
        self._types: dict[str, list[DeviceType]] = defaultdict(list)
        rows = DeviceType.objects.all()
        if plan.actor is not None:
            rows = rows.visible_to(plan.actor)
        mine = rows.filter(Q(company=plan.company) | Q(company__isnull=True))
        for row in mine.order_by("company_id", "pk"):
            self._types[row.code].append(row)

    def of(self, entry: Entry, name: str = "type") -> list[DeviceType]:
        """Types the row may mean; empty after an unknown or unfit code was reported."""
        code = entry.get(name)
        found = self._types.get(code, [])
        fit = [row for row in found if row.role in self._roles]
        if not found:
            entry.fail(name, _("There is no device type with the code “%s”.") % code)
        elif not fit:
            labels = ", ".join(str(DeviceType.Role(role).label) for role in self._roles)
            entry.fail(name, _("The device type is none of: %s.") % labels)
        return fit


def typed(found: list[Any], types: list[DeviceType]) -> list[Any]:
    """Those of the devices that are of one of the types, of the preferred type first."""
    order = {row.pk: index for index, row in enumerate(types)}
    fit = [device for device in found if device.device_type_id in order]
    return sorted(fit, key=lambda device: order[device.device_type_id])
