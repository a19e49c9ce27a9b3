"""What a role can allow. Roles are sets of these; every model names the ones its actions need.

A capability exists as an `auth.Permission` twice: on Company (granted over the whole company)
and, where that makes sense, on Node (granted over a subtree). django-guardian carries the grants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["CATALOGUE", "Capability", "capability_label", "company_permissions", "node_permissions"]


class Capability(NamedTuple):
    """One thing a role may allow."""

    codename: str
    label: str | _StrPromise
    group: str | _StrPromise
    on_nodes: bool = True
    platform_only: bool = False


_ORGANISATION = _("Organisation")
_NETWORK = _("Network and places")
_METERING = _("Metering")
_PLATFORM = _("Platform")

CATALOGUE: tuple[Capability, ...] = (
    Capability("use_admin", _("Enter the administration"), _ORGANISATION),
    Capability("view_company", _("See the company's settings"), _ORGANISATION, on_nodes=False),
    Capability("manage_company", _("Change the company's settings"), _ORGANISATION, on_nodes=False),
    Capability("view_users", _("See users and roles"), _ORGANISATION),
    Capability("manage_users", _("Invite users and give them roles"), _ORGANISATION),
    Capability("manage_roles", _("Define own roles"), _ORGANISATION, on_nodes=False),
    Capability("view_audit", _("Read the audit trail"), _ORGANISATION, on_nodes=False),
    Capability("view_hierarchy", _("See places and networks"), _NETWORK),
    Capability("manage_hierarchy", _("Change places and networks"), _NETWORK),
    Capability("view_meters", _("See usage points, modules and meters"), _METERING),
    Capability("manage_meters", _("Change usage points, modules and meters"), _METERING),
    Capability("order_readings", _("Order readings of meters"), _METERING),
    Capability("view_device_types", _("See device types"), _METERING, on_nodes=False),
    Capability("manage_device_types", _("Change device types"), _METERING, on_nodes=False),
    Capability("import_data", _("Import tables"), _METERING, on_nodes=False),
    Capability("export_data", _("Export tables"), _METERING),
    Capability("manage_platform", _("Run the platform"), _PLATFORM, False, platform_only=True),
)

_LABELS = {capability.codename: capability.label for capability in CATALOGUE}


def capability_label(codename: str) -> str:
    """What a person reads for a capability, in the active language."""
    return str(_LABELS.get(codename, codename))


def company_permissions() -> list[tuple[str, str | _StrPromise]]:
    """`Meta.permissions` of Company."""
    return [(item.codename, _english(item)) for item in CATALOGUE]


def node_permissions() -> list[tuple[str, str | _StrPromise]]:
    """`Meta.permissions` of Node."""
    return [(item.codename, _english(item)) for item in CATALOGUE if item.on_nodes]


def _english(item: Capability) -> str:
    # The row in the database is a key; what people read is translated by `capability_label`.
    return item.codename.replace("_", " ").capitalize()
