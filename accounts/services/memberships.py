"""Memberships: who has which role where. The guardian rows follow in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import NotAllowed, NotPossible
from accounts.grants import forget_grants
from accounts.models import Membership, Role

from .authority import authority_lock, manages_membership, require_hand_out, require_role_fits
from .grants import grants_sync

if TYPE_CHECKING:
    from accounts.grants import Grants
    from accounts.models import Company, User

__all__ = [
    "is_member",
    "membership_accept",
    "membership_change",
    "membership_decline",
    "membership_grant",
    "membership_invite",
    "membership_revoke",
    "require_operator_left",
]


@transaction.atomic
def membership_grant(
    *,
    actor: User | None,
    user: User,
    company: Company | None,
    role: Role,
    node: Any = None,
    accepted: bool = False,
) -> Membership:
    """Give `user` a role in a company (None: the platform), over all of it or below `node`.

    accepted: it counts at once. Only the system (`actor=None`) and platform operators may skip
    the user's consent, and others for somebody who is a member of the company already.
    The user must be one the actor sees; anybody else is reached by `user_invite`.
    Raises NotAllowed, NotPossible.
    """
    grants = authority_lock(actor)
    if actor is not None and not type(user).objects.visible_to(actor).filter(pk=user.pk).exists():
        raise NotAllowed(_("You don't see this user. Invite the person by e-mail."), field="user")
    if accepted and not _needs_no_consent(grants, user, company):
        raise NotAllowed(_("The user has to accept the membership first."))
    return _write(grants, user=user, company=company, role=role, node=node, accepted=accepted)


@transaction.atomic
def membership_invite(
    *, actor: User | None, user: User, company: Company | None, role: Role, node: Any = None
) -> Membership:
    """A membership that waits for the user's consent; the one of before when it waits already."""
    grants = authority_lock(actor)
    waiting = Membership.objects.filter(
        user=user, company=company, role=role, node=node, accepted_at=None
    ).first()
    if waiting is None:
        return _write(grants, user=user, company=company, role=role, node=node, accepted=False)
    require_hand_out(grants, company=company, role=role, node=node)
    return waiting


def is_member(user: User, company: Company | None) -> bool:
    """Whether the user has accepted any membership in the company."""
    return Membership.objects.filter(user=user, company=company, accepted_at__isnull=False).exists()


def _needs_no_consent(grants: Grants | None, user: User, company: Company | None) -> bool:
    return grants is None or "manage_platform" in grants.platform or is_member(user, company)


def _write(
    grants: Grants | None,
    *,
    user: User,
    company: Company | None,
    role: Role,
    node: Any,
    accepted: bool,
) -> Membership:
    role = Role.objects.get(pk=role.pk)
    require_role_fits(company=company, role=role, node=node)
    require_hand_out(grants, company=company, role=role, node=node)
    membership = Membership(user=user, company=company, role=role, node=node)
    _refuse_twin(membership)
    membership.accepted_at = timezone.now() if accepted else None
    membership.save()
    _follow(user)
    return membership


@transaction.atomic
def membership_change(
    *, actor: User | None, membership: Membership, role: Role, node: Any = None
) -> Membership:
    """Another role or scope in the same company; both the old and the new must be the actor's."""
    grants = authority_lock(actor)
    stored = _stored(grants, membership)
    role = Role.objects.get(pk=role.pk)
    require_role_fits(company=stored.company, role=role, node=node)
    require_hand_out(grants, company=stored.company, role=role, node=node)
    stored.role, stored.node = role, node
    _refuse_twin(stored)
    stored.save()
    if stored.company_id is None:
        require_operator_left()
    _follow(stored.user)
    return stored


@transaction.atomic
def membership_revoke(*, actor: User | None, membership: Membership) -> None:
    """Take the membership away; what the user's other memberships give stays."""
    grants = authority_lock(actor)
    stored = _stored(grants, membership)
    user, company_id = stored.user, stored.company_id
    stored.delete()
    if company_id is None:
        require_operator_left()
    _follow(user)


@transaction.atomic
def membership_accept(*, user: User, membership: Membership) -> Membership:
    """The invited user says yes; from now on the membership counts."""
    authority_lock(user)
    stored = _own(user, membership)
    stored.accepted_at = stored.accepted_at or timezone.now()
    stored.save(update_fields=["accepted_at", "updated_at"])
    _follow(user)
    return stored


@transaction.atomic
def membership_decline(*, user: User, membership: Membership) -> None:
    """The invited user says no; an accepted membership can be left only by being revoked."""
    authority_lock(user)
    stored = _own(user, membership)
    if stored.accepted_at is not None:
        raise NotPossible(_("You have accepted this membership; ask an administrator to end it."))
    stored.delete()


def require_operator_left() -> None:
    """Raise NotPossible when nobody active runs the platform any more."""
    operators = Membership.objects.filter(
        company=None, role__is_platform=True, accepted_at__isnull=False, user__is_active=True
    )
    if not operators.exists():
        raise NotPossible(
            _("This is the last platform operator. Make another user platform operator first.")
        )


def _refuse_twin(membership: Membership) -> None:
    twins = Membership.objects.filter(
        user=membership.user,
        company=membership.company,
        role=membership.role,
        node=membership.node,
    )
    if twins.exclude(pk=membership.pk).exists():
        raise NotPossible(_("The user already has this role there."), field="role")


def _stored(grants: Grants | None, membership: Membership) -> Membership:
    """The membership as stored, when the actor could have handed it out."""
    stored = Membership.objects.select_related("user", "company", "role", "node").get(
        pk=membership.pk
    )
    if not manages_membership(grants, stored):
        raise NotAllowed(
            _("This membership gives more than you could hand out, so you can't change it.")
        )
    return stored


def _own(user: User, membership: Membership) -> Membership:
    try:
        return Membership.objects.get(pk=membership.pk, user=user)
    except Membership.DoesNotExist as error:
        raise NotAllowed(_("This invitation is for somebody else.")) from error


def _follow(user: User) -> None:
    grants_sync({user.pk})
    forget_grants(user)
