"""Who may hand out what: nobody gives a permission, role or scope that they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from accounts.capabilities import CATALOGUE, capability_label
from accounts.errors import NotAllowed, NotPossible
from accounts.grants import Grants, grants_of
from accounts.models import User
from config.lib.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import Company, Membership, Role

__all__ = [
    "authority_lock",
    "manages_membership",
    "may_hand_out",
    "require_capabilities",
    "require_hand_out",
    "require_role_fits",
]

_PLATFORM_ONLY = frozenset(item.codename for item in CATALOGUE if item.platform_only)
_KNOWN = frozenset(item.codename for item in CATALOGUE)


def authority_lock(actor: User | None) -> Grants | None:
    """Hold every other writer of roles and memberships off and read the actor's grants anew.

    None stands for the system itself, which may do everything. Needs a transaction.
    """
    lock("accounts:authority")
    if actor is None:
        return None
    fresh = User.objects.filter(pk=actor.pk, is_active=True).first()
    return grants_of(fresh) if fresh else Grants()


def may_hand_out(grants: Grants, *, company: Company | None, role: Role, node: Any) -> bool:
    """Whether these grants include everything `role` allows over (company, node)."""
    if company is None or role.is_platform:
        return "manage_platform" in grants.platform
    needed = role.capabilities() | {"manage_users"}
    return all(grants.covers(item, company_id=company.pk, node=node) for item in needed)


def require_hand_out(
    grants: Grants | None, *, company: Company | None, role: Role, node: Any
) -> None:
    """Raise NotAllowed unless `may_hand_out`; names what is missing."""
    if grants is None or may_hand_out(grants, company=company, role=role, node=node):
        return
    if company is None or role.is_platform:
        raise NotAllowed(_("Only platform operators can give out the role of a platform operator."))
    if not grants.covers("manage_users", company_id=company.pk, node=node):
        raise NotAllowed(
            _("You do not manage users there. Choose a part of the company you manage.")
        )
    raise NotAllowed(
        _("The role “%(role)s” allows more than you may do there. Choose a smaller role.")
        % {"role": role.label},
        field="role",
    )


def require_role_fits(*, company: Company | None, role: Role, node: Any) -> None:
    """A role belongs to the company it is used in; platform roles to none. For the system too."""
    if role.is_platform != (company is None):
        raise NotPossible(_("A platform role is given without a company, any other with one."))
    if company is None:
        return
    if role.company_id not in {None, company.pk}:
        raise NotPossible(_("This role belongs to another company. Choose another."), field="role")
    if node is not None and node.company_id != company.pk:
        raise NotPossible(_("This place belongs to another company."), field="node")


def require_capabilities(
    grants: Grants | None, *, company: Company, capabilities: Iterable[str]
) -> None:
    """Raise unless the actor defines roles in the company and holds all of these over all of it."""
    asked = frozenset(capabilities)
    if unknown := asked - _KNOWN:
        raise NotPossible(
            _("There is no permission called “%(name)s”.") % {"name": sorted(unknown)[0]}
        )
    if asked & _PLATFORM_ONLY:
        raise NotAllowed(_("A company's role can't run the platform."))
    if grants is None:
        return
    if not grants.may("manage_roles", company.pk):
        raise NotAllowed(_("You may not define roles in this company."))
    lacking = sorted(item for item in asked if not grants.may(item, company.pk))
    if lacking:
        raise NotAllowed(
            _("You can't put “%(name)s” into a role: you do not have it over the whole company.")
            % {"name": capability_label(lacking[0])},
            field="capabilities",
        )


def manages_membership(grants: Grants | None, membership: Membership) -> bool:
    """Whether the actor could have handed out this membership and so may touch it."""
    return grants is None or may_hand_out(
        grants, company=membership.company, role=membership.role, node=membership.node
    )
