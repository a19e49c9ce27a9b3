"""Guardian rows written from memberships: the rows are derived, the memberships are the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from guardian.models import UserObjectPermission

from accounts.capabilities import CATALOGUE
from accounts.models import Company, Membership, RolePermission
from config.lib.locks import lock

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["GrantRow", "GrantsDifference", "grants_compare", "grants_sync"]

_ON_COMPANY = frozenset(item.codename for item in CATALOGUE if not item.platform_only)
_ON_NODE = frozenset(item.codename for item in CATALOGUE if item.on_nodes)


class GrantRow(NamedTuple):
    """One guardian row: `object_pk` as text, as guardian stores it."""

    user_id: int
    content_type_id: int
    permission_id: int
    object_pk: str


class GrantsDifference(NamedTuple):
    """Rows the memberships call for but the table lacks, and rows nothing calls for."""

    missing: set[GrantRow]
    surplus: set[GrantRow]


def grants_compare(users: Collection[int] | None = None) -> GrantsDifference:
    """Guardian's rows against the memberships, for some users (ids) or for all."""
    expected, present = _expected(users), set(_present(users))
    return GrantsDifference(expected - present, present - expected)


@transaction.atomic
def grants_sync(users: Collection[int] | None = None) -> GrantsDifference:
    """Make guardian's rows those the memberships call for; returns what it changed.

    Idempotent. Callers that change memberships or roles do so in the same transaction, after
    `authority_lock`.
    """
    lock("accounts:authority")
    difference = grants_compare(users)
    if difference.surplus:
        _delete(difference.surplus)
    UserObjectPermission.objects.bulk_create(
        [UserObjectPermission(**row._asdict()) for row in sorted(difference.missing)],
        batch_size=1000,
    )
    return difference


def _delete(rows: set[GrantRow]) -> None:
    by_user: dict[int, set[GrantRow]] = {}
    for row in rows:
        by_user.setdefault(row.user_id, set()).add(row)
    for user_id, surplus in by_user.items():
        stored = UserObjectPermission.objects.filter(user_id=user_id)
        doomed = [
            pk
            for pk, *rest in stored.values_list("pk", *GrantRow._fields)
            if GrantRow(*rest) in surplus
        ]
        stored.filter(pk__in=doomed).delete()


def _present(users: Collection[int] | None) -> list[GrantRow]:
    rows = UserObjectPermission.objects.all()
    if users is not None:
        rows = rows.filter(user_id__in=users)
    return [GrantRow(*row) for row in rows.values_list(*GrantRow._fields)]


def _expected(users: Collection[int] | None) -> set[GrantRow]:
    memberships = Membership.objects.filter(accepted_at__isnull=False, company__isnull=False)
    if users is not None:
        memberships = memberships.filter(user_id__in=users)
    scopes = list(memberships.values_list("user_id", "role_id", "company_id", "node_id"))
    capabilities = _capabilities_of({role_id for _, role_id, _, _ in scopes})
    company_type, on_company = _permissions(Company, _ON_COMPANY)
    node_type, on_node = _permissions(_node_model(), _ON_NODE)
    rows: set[GrantRow] = set()
    for user_id, role_id, company_id, node_id in scopes:
        type_id, permissions, pk = (
            (company_type, on_company, company_id)
            if node_id is None
            else (node_type, on_node, node_id)
        )
        for codename in capabilities.get(role_id, set()) & permissions.keys():
            rows.add(GrantRow(user_id, type_id, permissions[codename], str(pk)))
    return rows


def _capabilities_of(roles: set[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for role_id, codename in RolePermission.objects.filter(role_id__in=roles).values_list(
        "role_id", "permission__codename"
    ):
        found.setdefault(role_id, set()).add(codename)
    return found


def _permissions(
    model: type[models.Model], codenames: frozenset[str]
) -> tuple[int, dict[str, int]]:
    """Content type of the model and the ids of those of its permissions that can be granted."""
    content_type = ContentType.objects.get_for_model(model)
    found = Permission.objects.filter(content_type=content_type, codename__in=codenames)
    return content_type.pk, dict(found.values_list("codename", "pk"))


def _node_model() -> type[models.Model]:
    # The tree lives in the app above; the foreign key knows it.
    return Membership._meta.get_field("node").related_model
