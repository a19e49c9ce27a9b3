"""Roles: those that ship, and those a company defines for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed, NotPossible
from accounts.models import Company, Membership, Role, RolePermission
from accounts.roles import SHIPPED_ROLES
from config.lib.locks import lock

from .authority import authority_lock, require_capabilities
from .grants import grants_sync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

__all__ = ["role_copy", "role_create", "role_delete", "role_update", "shipped_roles_sync"]


@transaction.atomic
def shipped_roles_sync() -> None:
    """Write the roles that ship, as the code has them; grants of their members follow."""
    lock("accounts:authority")
    changed: set[int] = set()
    for code, shipped in SHIPPED_ROLES.items():
        with translation.override("en"):
            values = {"name": str(shipped.name), "is_platform": shipped.is_platform}
        role, _created = Role.objects.get_or_create(company=None, code=code, defaults=values)
        if any(getattr(role, field) != value for field, value in values.items()):
            Role.objects.filter(pk=role.pk).update(**values)
        if _write_capabilities(role, shipped.capabilities):
            changed.add(role.pk)
    _sync_members(changed)


@transaction.atomic
def role_create(
    *, actor: User | None, company: Company, name: str, code: str, capabilities: Iterable[str]
) -> Role:
    """A company's own role; its capabilities lie within what the actor holds over the company."""
    wanted = frozenset(capabilities)
    require_capabilities(authority_lock(actor), company=company, capabilities=wanted)
    role = Role(company=company, name=name, code=code)
    role.full_clean()
    role.save()
    _write_capabilities(role, wanted)
    return role


@transaction.atomic
def role_copy(*, actor: User | None, role: Role, company: Company, name: str, code: str) -> Role:
    """A role of `company` with what `role` allows, to be changed from there."""
    if role.is_platform or role.company_id not in {None, company.pk}:
        raise NotAllowed(_("This role can't be copied into your company."))
    return role_create(
        actor=actor, company=company, name=name, code=code, capabilities=role.capabilities()
    )


@transaction.atomic
def role_update(
    *,
    actor: User | None,
    role: Role,
    name: str | None = None,
    code: str | None = None,
    capabilities: Iterable[str] | None = None,
) -> Role:
    """Change a company's own role; what is left out stays. Its members' grants follow."""
    stored = _own_role(actor, role)
    if name is not None:
        stored.name = name
    if code is not None:
        stored.code = code
    stored.full_clean()
    stored.save()
    if capabilities is not None:
        wanted = frozenset(capabilities)
        require_capabilities(
            authority_lock(actor), company=_company_of(stored), capabilities=wanted
        )
        if _write_capabilities(stored, wanted):
            _sync_members({stored.pk})
    return stored


@transaction.atomic
def role_delete(*, actor: User | None, role: Role) -> None:
    """Remove a company's own role that nobody has."""
    stored = _own_role(actor, role)
    if Membership.objects.filter(role=stored).exists():
        raise NotPossible(
            _("“%(role)s” is still given to users. Give them another role first.")
            % {"role": stored.label}
        )
    stored.delete()


def _own_role(actor: User | None, role: Role) -> Role:
    """The role as stored, under the lock, when the actor could have defined it."""
    grants = authority_lock(actor)
    stored = Role.objects.get(pk=role.pk)
    if stored.company is None:
        raise NotAllowed(_("Roles that ship with the product can't be changed. Copy it instead."))
    require_capabilities(grants, company=stored.company, capabilities=stored.capabilities())
    return stored


def _company_of(role: Role) -> Company:
    if role.company is None:
        raise NotAllowed(_("Roles that ship with the product can't be changed. Copy it instead."))
    return role.company


def _write_capabilities(role: Role, wanted: frozenset[str]) -> bool:
    """Whether anything had to be changed."""
    present = role.capabilities()
    if present == wanted:
        return False
    RolePermission.objects.filter(role=role, permission__codename__in=present - wanted).delete()
    permissions = Permission.objects.filter(
        content_type__app_label="accounts",
        content_type__model="company",
        codename__in=wanted - present,
    )
    RolePermission.objects.bulk_create(
        RolePermission(role=role, permission=permission) for permission in permissions
    )
    return True


def _sync_members(roles: set[int]) -> None:
    members = set(
        Membership.objects.filter(role_id__in=roles, company__isnull=False).values_list(
            "user_id", flat=True
        )
    )
    if members:
        grants_sync(members)
