"""Invitations: by mail, the same for known and unknown addresses, nothing before consent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.urls import reverse

from accounts.errors import NotAllowed, NotPossible
from accounts.grants import grants_of
from accounts.models import Membership, User
from accounts.services.users import invitation_resend, user_invite

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

NEW = "newcomer@city.test"


def invite(world: World, roles: Any, email: str, capture: Any, **changes: Any) -> Membership:
    wanted = {
        "actor": world.city.administrator,
        "email": email,
        "full_name": "Nina New",
        "company": world.city.company,
        "role": roles("engineer"),
    }
    with capture(execute=True):
        return user_invite(**{**wanted, **changes})


def link(body: str) -> str:
    found = re.search(r"https?://[^/]+(/\S+)", body)
    assert found
    return found.group(1)


def test_new_user_sets_password_signs_in_and_accepts(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    membership = invite(world, role, NEW, django_capture_on_commit_callbacks)
    assert mail.outbox[-1].to == [NEW]
    page = client.get(link(mail.outbox[-1].body), follow=True)
    path = page.redirect_chain[-1][0]
    secret = "a quite long new phrase"
    done = client.post(path, {"password1": secret, "password2": secret})
    assert done.status_code == 302
    user = User.objects.get(email=NEW)
    assert not grants_of(user).may("view_meters")
    entered = client.post(reverse("account_login"), {"login": NEW, "password": secret})
    assert entered["Location"] == reverse("invitations")
    answer = {"membership": membership.pk, "answer": "accept"}
    client.post(reverse("invitations"), answer)
    assert grants_of(User.objects.get(email=NEW)).may("manage_meters", world.city.company.pk)


def test_known_and_unknown_addresses_answer_alike(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    client.force_login(world.city.administrator)
    answers = []
    for email in (NEW, world.hill.clerk.email):
        fields = {
            "email": email,
            "full_name": "Nina New",
            "company": world.city.company.pk,
            "role": role("clerk").pk,
        }
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(reverse("admin:accounts_user_add"), fields)
        listed = client.get(answer["Location"])
        text = listed.content.decode().replace(email, "ADDRESS")
        answers.append((answer.status_code, answer["Location"], world.hill.canary in text))
    assert answers == [(302, reverse("admin:accounts_membership_changelist"), False)] * 2
    assert {tuple(message.to) for message in mail.outbox} == {(NEW,), (world.hill.clerk.email,)}


def test_existing_user_gets_no_password_link_and_reveals_no_name(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    clerk = world.hill.clerk
    membership = invite(world, role, clerk.email.upper(), django_capture_on_commit_callbacks)
    assert membership.user == clerk
    assert link(mail.outbox[-1].body) == reverse("invitations")
    assert not User.objects.visible_to(world.city.administrator).filter(pk=clerk.pk).exists()
    client.force_login(world.city.administrator)
    for url in (
        reverse("admin:accounts_membership_changelist"),
        reverse("admin:accounts_membership_change", args=[membership.pk]),
        reverse("admin:accounts_membership_delete", args=[membership.pk]),
        reverse("admin:accounts_user_changelist"),
        reverse("admin:accounts_auditentry_changelist"),
    ):
        page = client.get(url)
        assert page.status_code == 200
        assert clerk.full_name not in page.content.decode(), url
    gone = client.get(reverse("admin:accounts_user_change", args=[clerk.pk]), follow=True)
    assert clerk.full_name not in gone.content.decode()


def test_full_name_of_an_existing_user_is_kept(
    world: World, role: Any, django_capture_on_commit_callbacks: Any
) -> None:
    before = world.hill.clerk.full_name
    invite(world, role, world.hill.clerk.email, django_capture_on_commit_callbacks)
    world.hill.clerk.refresh_from_db()
    assert world.hill.clerk.full_name == before


def test_invited_twice_waits_once(
    world: World, role: Any, django_capture_on_commit_callbacks: Any
) -> None:
    first = invite(world, role, NEW, django_capture_on_commit_callbacks)
    second = invite(world, role, NEW, django_capture_on_commit_callbacks)
    assert first == second
    assert len(mail.outbox) == 2


def test_resent_only_while_it_waits_and_by_who_may(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    membership = invite(world, role, NEW, django_capture_on_commit_callbacks)
    with pytest.raises(NotAllowed):
        invitation_resend(actor=world.hill.administrator, membership=membership)
    with django_capture_on_commit_callbacks(execute=True):
        invitation_resend(actor=world.city.administrator, membership=membership)
    assert len(mail.outbox) == 2
    accepted = Membership.objects.get(user=world.city.clerk)
    with pytest.raises(NotPossible):
        invitation_resend(actor=world.city.administrator, membership=accepted)


def test_refused_invitation_leaves_nothing(
    world: World, role: Any, django_capture_on_commit_callbacks: Any
) -> None:
    for changes in (
        {"actor": world.city.engineer},
        {"company": world.hill.company},
        {"role": role("platform_operator"), "company": None},
        {"role": world.hill.role},
    ):
        with pytest.raises((NotAllowed, NotPossible)):
            invite(world, role, NEW, django_capture_on_commit_callbacks, **changes)
    assert not User.objects.filter(email=NEW).exists()
    assert mail.outbox == []


def test_declined_invitation_is_gone(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    membership = invite(world, role, world.hill.clerk.email, django_capture_on_commit_callbacks)
    client.force_login(world.hill.clerk)
    answer = {"membership": membership.pk, "answer": "decline"}
    client.post(reverse("invitations"), answer)
    assert not Membership.objects.filter(pk=membership.pk).exists()


def test_others_invitations_are_not_there(
    world: World, role: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    membership = invite(world, role, NEW, django_capture_on_commit_callbacks)
    client.force_login(world.stranger)
    for pk in (membership.pk, 10**17, "x", "9" * 40, ""):
        answer = client.post(reverse("invitations"), {"membership": pk, "answer": "accept"})
        assert answer.status_code == 404
    assert Membership.objects.get(pk=membership.pk).accepted_at is None
