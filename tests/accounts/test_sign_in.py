"""Sign-in: guesses are counted, strangers lock nobody out, sessions turn over (S17, S18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Activity, User
from accounts.services.users import user_deactivate, user_end_sessions
from tests.people import PASSWORD

if TYPE_CHECKING:
    from tests.people import World

HOME, STRANGER = "198.51.100.7", "203.0.113.66"


def signed_in(client: Client) -> bool:
    return client.get(reverse("usersessions_list")).status_code == 200


def test_right_password_signs_in(world: World, sign_in: Any, client: Client) -> None:
    assert sign_in(client, world.city.clerk.email.upper()).status_code == 302
    assert signed_in(client)


def test_guesses_end_after_a_few_and_the_owner_still_enters(world: World, sign_in: Any) -> None:
    """S17: at most 10 a minute from one source, and no lock-out of the victim by a stranger."""
    victim = world.city.clerk.email
    tried = 0
    for number in range(20):
        answer = sign_in(Client(), victim, f"guess {number}", REMOTE_ADDR=STRANGER)
        tried += answer.status_code == 200 and b"Too many" not in answer.content
    assert 0 < tried < 10
    # From now on even the right password is no use to the stranger …
    client = Client()
    sign_in(client, victim, REMOTE_ADDR=STRANGER)
    assert not signed_in(client)
    # … while the owner enters from elsewhere.
    owner = Client()
    assert sign_in(owner, victim, REMOTE_ADDR=HOME).status_code == 302
    assert signed_in(owner)


def test_one_source_guesses_at_many_addresses_in_vain(world: World, sign_in: Any) -> None:
    checked = []
    original = User.check_password

    def counting(user: User, raw: str) -> bool:
        checked.append(user.pk)
        return original(user, raw)

    people = [*world.city.people.values(), *world.hill.people.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(User, "check_password", counting)
        for person in [*people, *people]:
            sign_in(Client(), person.email, "wrong", REMOTE_ADDR=STRANGER)
    assert 0 < len(checked) <= 10


def test_locked_out_visitor_is_told_how_long(world: World, sign_in: Any) -> None:
    answers = [
        sign_in(Client(), world.city.clerk.email, "wrong", REMOTE_ADDR=STRANGER) for _ in range(5)
    ]
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0


def test_header_of_a_visitor_moves_no_address(world: World, sign_in: Any) -> None:
    """A guesser who invents X-Forwarded-For stays one source."""
    answers = [
        sign_in(
            Client(),
            world.city.clerk.email,
            "wrong",
            REMOTE_ADDR=STRANGER,
            HTTP_X_FORWARDED_FOR=f"192.0.2.{number}",
        )
        for number in range(6)
    ]
    assert 429 in {answer.status_code for answer in answers}


def test_unknown_and_known_addresses_cost_the_same(
    world: World, sign_in: Any, django_assert_num_queries: Any, settings: Any
) -> None:
    """As many password hashes and as many statements, whoever is asked for; same words."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    locked = User.objects.create_user("locked@city.test", PASSWORD, is_active=False)
    nameless = User.objects.create_user("nameless@city.test")
    outcomes = []
    for number, email in enumerate(
        (world.city.clerk.email, "nobody@x.test", locked.email, nameless.email)
    ):
        hashed: list[int] = []
        original = Argon2PasswordHasher.encode
        original_verify = Argon2PasswordHasher.verify

        def encode(*args: Any, _hashed: list[int] = hashed, _call: Any = original) -> str:
            _hashed.append(1)
            return str(_call(*args))

        def verify(*args: Any, _hashed: list[int] = hashed, _call: Any = original_verify) -> bool:
            _hashed.append(1)
            return bool(_call(*args))

        with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as queries:
            patch.setattr(Argon2PasswordHasher, "encode", encode)
            patch.setattr(Argon2PasswordHasher, "verify", verify)
            answer = sign_in(Client(), email, "wrong", REMOTE_ADDR=f"203.0.113.{number}")
        text = answer.content.decode().replace(email, "ADDRESS")
        errors = answer.context["form"].non_field_errors()
        outcomes.append((answer.status_code, errors, len(hashed), len(queries)))
        assert "ADDRESS" in text
    statuses = {(status, tuple(errors), hashes) for status, errors, hashes, _ in outcomes}
    assert len(statuses) == 1, outcomes
    assert {hashes for _, _, hashes in statuses} == {1}
    assert max(queries for *_, queries in outcomes) - min(q for *_, q in outcomes) <= 1, outcomes


def test_reset_answers_alike_for_known_and_unknown(world: World, client: Client) -> None:
    answers = []
    for email in (world.city.clerk.email, "nobody@x.test"):
        answer = client.post(reverse("account_reset_password"), {"email": email})
        answers.append((answer.status_code, answer["Location"]))
    assert len(set(answers)) == 1
    assert [message.to for message in mail.outbox] == [
        [world.city.clerk.email],
        ["nobody@x.test"],
    ]


def test_nobody_registers(client: Client, db: None) -> None:
    fields = {"email": "me@x.test", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), fields)
    assert not User.objects.filter(email="me@x.test").exists()


def test_session_is_another_after_sign_in(world: World, sign_in: Any, client: Client) -> None:
    """S18: a session planted before the sign-in is worth nothing after it."""
    client.get(reverse("account_login"))
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    sign_in(client, world.city.clerk.email)
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert not signed_in(thief)
    assert signed_in(client)


def test_password_change_ends_all_other_sessions(world: World, sign_in: Any) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, world.city.clerk.email)
    fresh = "another quite long phrase"
    fields = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
    assert here.post(reverse("account_change_password"), fields).status_code == 302
    assert signed_in(here)
    assert not signed_in(there)
    assert UserSession.objects.filter(user=world.city.clerk).count() == 1


def test_password_reset_ends_all_sessions(world: World, sign_in: Any, client: Client) -> None:
    sign_in(client, world.city.clerk.email)
    other = Client()
    other.post(reverse("account_reset_password"), {"email": world.city.clerk.email})
    start = mail.outbox[-1].body.index("http://testserver") + len("http://testserver")
    page = other.get(mail.outbox[-1].body[start:].split()[0], follow=True)
    fresh = "another quite long phrase"
    other.post(page.redirect_chain[-1][0], {"password1": fresh, "password2": fresh})
    assert not signed_in(client)
    assert sign_in(other, world.city.clerk.email, fresh).status_code == 302


@pytest.mark.parametrize("end", [user_deactivate, user_end_sessions])
def test_administrator_ends_sessions(world: World, sign_in: Any, client: Client, end: Any) -> None:
    sign_in(client, world.city.clerk.email)
    assert signed_in(client)
    end(actor=world.city.administrator, user=world.city.clerk)
    assert not signed_in(client)


def test_own_sessions_are_listed_and_ended(world: World, sign_in: Any) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, world.city.clerk.email)
    here.post(reverse("usersessions_list"))
    assert signed_in(here)
    assert not signed_in(there)


def test_weak_passwords_are_refused(world: World, sign_in: Any, client: Client) -> None:
    sign_in(client, world.city.clerk.email)
    for weak in ("short", "123456789012", "passwordpassword"[:8], world.city.clerk.email):
        fields = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
        assert client.post(reverse("account_change_password"), fields).status_code == 200
    assert User.objects.get(pk=world.city.clerk.pk).check_password(PASSWORD)


def test_moved_address_must_be_proven_again(world: World, sign_in: Any, client: Client) -> None:
    from accounts.services.users import user_update

    sign_in(client, world.city.clerk.email)
    user_update(actor=world.city.administrator, user=world.city.clerk, email="new@city.test")
    assert not signed_in(client)
    answer = client.post(reverse("account_login"), {"login": "new@city.test", "password": PASSWORD})
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert not signed_in(client)
    assert mail.outbox[-1].to == ["new@city.test"]


def test_acts_leave_activity(world: World, sign_in: Any, client: Client) -> None:
    clerk = world.city.clerk
    sign_in(client, clerk.email, "wrong", REMOTE_ADDR=STRANGER)
    sign_in(client, clerk.email, REMOTE_ADDR=HOME)
    client.post(reverse("account_logout"))
    rows = Activity.objects.filter(user=clerk, company=world.city.company).order_by("pk")
    assert [row.kind for row in rows] == ["sign_in_failed", "sign_in", "sign_out"]
    assert [row.ip for row in rows][:2] == [STRANGER, HOME]


def test_activity_reaches_every_company_of_the_user(world: World, sign_in: Any, role: Any) -> None:
    from accounts.services.memberships import membership_grant

    membership_grant(
        actor=None,
        user=world.city.clerk,
        company=world.hill.company,
        role=role("clerk"),
        accepted=True,
    )
    sign_in(Client(), world.city.clerk.email)
    companies = Activity.objects.filter(user=world.city.clerk).values_list("company", flat=True)
    assert set(companies) == {world.city.company.pk, world.hill.company.pk}
