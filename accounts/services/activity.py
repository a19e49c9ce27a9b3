"""Activity: what somebody did that changes no business row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Activity, Membership

if TYPE_CHECKING:
    from accounts.models import Company, User

__all__ = ["activity_record"]


def activity_record(
    *,
    user: User | None,
    kind: Activity.Kind,
    detail: str = "",
    ip: str | None = None,
    company: Company | None = None,
) -> None:
    """One row for `company` or, without one, for each company whose member the user is.

    Operators of the platform get a row without a company beside; nothing secret goes in `detail`.
    """
    for company_id in [company.pk] if company else _company_ids(user):
        Activity.objects.create(
            company_id=company_id, user=user, kind=kind, detail=detail[:500], ip=ip or None
        )


def _company_ids(user: User | None) -> list[int | None]:
    memberships = Membership.objects.filter(user=user, accepted_at__isnull=False)
    found = set(memberships.values_list("company_id", flat=True))
    return sorted(found, key=lambda pk: pk or 0) or [None]
