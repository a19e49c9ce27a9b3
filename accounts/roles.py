"""The roles that ship with the product, as data. `accounts.services.roles` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from .capabilities import CATALOGUE

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["SHIPPED_ROLES", "ShippedRole"]


class ShippedRole(NamedTuple):
    """Name and capabilities of a role every company finds ready."""

    name: str | _StrPromise
    capabilities: frozenset[str]
    is_platform: bool = False


_ALL = frozenset(item.codename for item in CATALOGUE)
_COMPANY = frozenset(item.codename for item in CATALOGUE if not item.platform_only)
_VIEW = frozenset({"view_hierarchy", "view_meters", "view_device_types"})

SHIPPED_ROLES: dict[str, ShippedRole] = {
    "platform_operator": ShippedRole(_("Platform operator"), _ALL, is_platform=True),
    "company_administrator": ShippedRole(_("Company administrator"), _COMPANY),
    "engineer": ShippedRole(
        _("Engineer"),
        _VIEW
        | {
            "use_admin",
            "view_company",
            "manage_hierarchy",
            "manage_meters",
            "order_readings",
            "manage_device_types",
            "import_data",
            "export_data",
        },
    ),
    "dispatcher": ShippedRole(_("Dispatcher"), _VIEW),
    "clerk": ShippedRole(_("Consumer-service clerk"), _VIEW | {"order_readings"}),
    "billing": ShippedRole(_("Billing"), _VIEW | {"export_data"}),
    "auditor": ShippedRole(
        _("Read-only auditor"),
        _VIEW | {"use_admin", "view_company", "view_users", "view_audit"},
    ),
}
