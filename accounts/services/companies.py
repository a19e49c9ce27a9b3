"""Companies: made by the platform, kept by their administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed
from accounts.models import Company

from .authority import authority_lock

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["SETTINGS", "company_create", "company_update"]

# What a company's own administrator may change; `is_active` and `code` are the platform's.
SETTINGS = (
    "name",
    "time_zone",
    "currency",
    "languages",
    "allowed_subnets",
    "second_factor_required",
)
_PLATFORM = ("code", "is_active")


@transaction.atomic
def company_create(*, actor: User | None, **fields: Any) -> Company:
    """A new tenant; only the platform makes them. Raises NotAllowed, ValidationError."""
    grants = authority_lock(actor)
    if grants is not None and "manage_platform" not in grants.platform:
        raise NotAllowed(_("Only platform operators can create companies."))
    company = Company(**_only(fields, (*SETTINGS, *_PLATFORM)))
    company.full_clean()
    company.save()
    return company


@transaction.atomic
def company_update(*, actor: User | None, company: Company, **fields: Any) -> Company:
    """Change settings; what is left out stays. Raises NotAllowed, ValidationError."""
    grants = authority_lock(actor)
    stored = Company.objects.select_for_update().get(pk=company.pk)
    changed = {
        name: value
        for name, value in _only(fields, (*SETTINGS, *_PLATFORM)).items()
        if getattr(stored, name) != value
    }
    if grants is not None:
        if not grants.may("manage_company", company.pk):
            raise NotAllowed(_("You may not change this company's settings."))
        if set(changed) & set(_PLATFORM) and "manage_platform" not in grants.platform:
            raise NotAllowed(_("Only platform operators change a company's code or close it."))
    for name, value in changed.items():
        setattr(stored, name, value)
    stored.full_clean()
    stored.save()
    return stored


def _only(fields: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    if unknown := fields.keys() - set(known):
        raise TypeError(f"a company has no setting {sorted(unknown)[0]!r}")
    return fields
