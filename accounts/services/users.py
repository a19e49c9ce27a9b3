"""Users: invited, changed and locked by those who manage all of their memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import mails
from accounts.errors import NotAllowed, NotPossible
from accounts.models import Activity, Membership, User

from .activity import activity_record
from .authority import authority_lock, manages_membership
from .memberships import membership_invite, require_operator_left
from .sessions import sessions_end

if TYPE_CHECKING:
    from accounts.grants import Grants
    from accounts.models import Company, Role

__all__ = [
    "invitation_resend",
    "may_change_account",
    "user_create",
    "user_deactivate",
    "user_end_sessions",
    "user_invite",
    "user_reactivate",
    "user_update",
]


@transaction.atomic
def user_create(
    *, email: str, full_name: str = "", password: str | None = None, language: str = "en"
) -> User:
    """A user with a proven address, for the system itself (first set-up, demo data).

    Raises NotPossible when somebody uses the address already.
    """
    email = _clean_email(email)
    if User.objects.filter(email__iexact=email).exists():
        raise NotPossible(_("Somebody already uses this e-mail address."), field="email")
    user: User = User.objects.create_user(email, password, full_name=full_name, language=language)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@transaction.atomic
def user_invite(
    *,
    actor: User | None,
    email: str,
    full_name: str,
    company: Company | None,
    role: Role,
    node: Any = None,
) -> Membership:
    """Invite whoever owns the address; the membership waits until that person accepts it.

    What the caller learns is the same whether or not the address is known. A new user gets a
    link to set a password; `full_name` counts only for a new user.
    """
    email = _clean_email(email)
    authority_lock(actor)
    user = User.objects.filter(email__iexact=email).first() or _new_user(email, full_name)
    membership = membership_invite(actor=actor, user=user, company=company, role=role, node=node)
    transaction.on_commit(lambda: mails.invitation_send(membership))
    return membership


@transaction.atomic
def invitation_resend(*, actor: User | None, membership: Membership) -> None:
    """Send the mail of a membership that still waits once more."""
    grants = authority_lock(actor)
    stored = Membership.objects.get(pk=membership.pk)
    if not manages_membership(grants, stored):
        raise NotAllowed(_("You may not invite to this role, so you can't repeat the invitation."))
    if stored.accepted_at is not None:
        raise NotPossible(_("This invitation was accepted already."))
    transaction.on_commit(lambda: mails.invitation_send(stored))


@transaction.atomic
def user_update(
    *,
    actor: User | None,
    user: User,
    full_name: str | None = None,
    email: str | None = None,
    language: str | None = None,
) -> User:
    """Change account fields; what is left out stays.

    Users change their own name and language; the rest needs `may_change_account`. A new address
    must be proven by its owner at the next sign-in, ends all sessions and voids invitations that
    other companies sent to the old one.
    """
    grants = authority_lock(actor)
    stored: User = User.objects.get(pk=user.pk)
    new_email = None if email is None else _clean_email(email)
    moves = new_email is not None and new_email != stored.email.lower()
    itself = actor is not None and actor.pk == stored.pk and not moves
    if not itself:
        _require_account(grants, stored)
    stored.full_name = stored.full_name if full_name is None else full_name
    stored.language = language or stored.language
    stored.email = new_email if new_email is not None and moves else stored.email
    stored.full_clean(exclude=["password"])
    stored.save(update_fields=["full_name", "language", "email"])
    if moves:
        _follow_address(stored)
    return stored


@transaction.atomic
def user_deactivate(*, actor: User | None, user: User) -> None:
    """Lock the account out at once and everywhere; its memberships stay for a later return."""
    _require_account(authority_lock(actor), user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    if Membership.objects.filter(user=user, company=None).exists():
        require_operator_left()
    _end_all(user)


@transaction.atomic
def user_reactivate(*, actor: User | None, user: User) -> None:
    """Let a locked account sign in again."""
    _require_account(authority_lock(actor), user)
    User.objects.filter(pk=user.pk).update(is_active=True)


@transaction.atomic
def user_end_sessions(*, actor: User | None, user: User) -> None:
    """Sign the user out everywhere."""
    _require_account(authority_lock(actor), user)
    _end_all(user)


def may_change_account(grants: Grants | None, user: User) -> bool:
    """Whether all that the user accepted lies within what the actor manages, and something does."""
    memberships = list(
        Membership.objects.filter(user=user, accepted_at__isnull=False).select_related(
            "company", "role", "node"
        )
    )
    if grants is None or "manage_platform" in grants.platform:
        return True
    return bool(memberships) and all(manages_membership(grants, item) for item in memberships)


def _require_account(grants: Grants | None, user: User) -> None:
    if not may_change_account(grants, user):
        raise NotAllowed(
            _(
                "This account also reaches beyond what you manage, so its name, address and state"
                " aren't yours to change. You can end its membership here."
            )
        )


def _new_user(email: str, full_name: str) -> User:
    user: User = User.objects.create_user(email, None, full_name=full_name)
    EmailAddress.objects.create(user=user, email=email, verified=False, primary=True)
    return user


def _follow_address(user: User) -> None:
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    Membership.objects.filter(user=user, accepted_at=None).delete()
    _end_all(user)


def _end_all(user: User) -> None:
    if ended := sessions_end(user=user):
        activity_record(user=user, kind=Activity.Kind.SESSIONS_REVOKED, detail=str(ended))


def _clean_email(email: str) -> str:
    cleaned = email.strip().lower()
    try:
        validate_email(cleaned)
    except ValidationError as error:
        raise NotPossible(
            _("“%(email)s” is not an e-mail address.") % {"email": email[:100]}, field="email"
        ) from error
    return cleaned
