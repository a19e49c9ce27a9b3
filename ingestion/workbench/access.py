"""Who may open what on the workbench: all of it is asked of the one door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.grants import grants_of
from accounts.models import Company
from meters.models import DeviceType, DeviceTypeVersion

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "companies_of",
    "may_change",
    "require_author",
    "require_reader",
    "version_of",
    "zone_of",
]

_LARGEST = 2**62
_MOST_COMPANIES = 200


def require_reader(user: User) -> None:
    """PermissionDenied for who may see no device type at all."""
    if not grants_of(user).may(DeviceTypeVersion.access.capability("view")):
        raise PermissionDenied


def require_author(user: User) -> None:
    """PermissionDenied for who may enter no device type anywhere."""
    if not companies_of(user):
        raise PermissionDenied


def companies_of(user: User) -> list[Company]:
    """Companies that the user may enter device types in."""
    grants = grants_of(user)
    capability = DeviceType.access.capability("add")
    rows = Company.objects.filter(is_active=True).order_by("name")
    if capability not in grants.platform:
        rows = rows.filter(pk__in=grants.companies.get(capability, ()))
    return list(rows[:_MOST_COMPANIES])


def version_of(user: User, pk: int, *, action: str = "view") -> DeviceTypeVersion:
    """A version that the user sees; 404 where there is none, PermissionDenied without the right."""
    require_reader(user)
    rows = DeviceTypeVersion.objects.visible_to(user).select_related(
        "device_type__company", "published_by"
    )
    version = rows.filter(pk=pk).first() if pk < _LARGEST else None
    if version is None:
        raise Http404
    if action != "view" and not may_change(user, version):
        raise PermissionDenied
    return version


def may_change(user: User, version: DeviceTypeVersion) -> bool:
    """Whether the user may write versions of its type."""
    return bool(DeviceTypeVersion.objects.visible_to(user, "change").filter(pk=version.pk).exists())


def zone_of(company: Company | None) -> str:
    """IANA name of the zone that clocks of the company's devices are read in."""
    return company.time_zone if company else settings.TIME_ZONE
