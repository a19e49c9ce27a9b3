"""Second factor: secrets encrypted, asked for where a company wants it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, hotp_value, yield_hotp_counters_from_time
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Activity, User
from config.lib.crypto import CryptoError, decrypt, derived_key, encrypt

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

SECRET = "JBSWY3DPEHPK3PXPCANARYCANARYCANA"  # noqa: S105


def code_now(secret: str = SECRET) -> str:
    counter = list(yield_hotp_counters_from_time())[1]
    return f"{hotp_value(secret, counter):06d}"


@pytest.fixture
def clerk(world: World) -> User:
    user: User = world.city.clerk
    TOTP.activate(user, SECRET)
    return user


def test_secret_is_not_in_the_database(clerk: User) -> None:
    stored = Authenticator.objects.get(user=clerk)
    assert SECRET not in str(stored.data)
    assert SECRET.encode() not in base64.b64decode(stored.data["secret"])
    assert decrypt(base64.b64decode(stored.data["secret"]), purpose="second factor") == (
        SECRET.encode()
    )


def test_sign_in_asks_for_the_code(clerk: User, sign_in: Any, client: Client) -> None:
    answer = sign_in(client, clerk.email)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("usersessions_list")).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(reverse("usersessions_list")).status_code == 200


def test_code_works_once(clerk: User, sign_in: Any, client: Client) -> None:
    from django.test import Client as Browser

    code = code_now()
    sign_in(client, clerk.email)
    client.post(reverse("mfa_authenticate"), {"code": code})
    second = Browser()
    sign_in(second, clerk.email)
    second.post(reverse("mfa_authenticate"), {"code": code})
    assert second.get(reverse("usersessions_list")).status_code == 302


def test_guessed_codes_are_counted_and_recorded(clerk: User, sign_in: Any, client: Client) -> None:
    sign_in(client, clerk.email)
    for _ in range(12):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(reverse("usersessions_list")).status_code == 302
    failed = Activity.objects.filter(user=clerk, kind="sign_in_failed")
    assert failed.exists()


def test_company_that_asks_for_it_gets_it(world: World, client: Client) -> None:
    client.force_login(world.city.administrator)
    assert client.get("/admin/").status_code == 200
    company = world.city.company
    company.second_factor_required = True
    company.save()
    session = client.session
    session.pop("second_factor_settled_at")
    session.save()
    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("mfa_index")
    assert client.post("/admin/accounts/user/add/", {}).status_code == 302
    assert client.get(reverse("mfa_index")).status_code in {200, 302}
    TOTP.activate(world.city.administrator, SECRET)
    assert client.get("/admin/").status_code == 200
    other = world.hill.administrator
    client.force_login(other)
    assert client.get("/admin/").status_code == 200


def test_asking_costs_no_query_on_later_requests(world: World, client: Client) -> None:
    client.force_login(world.city.administrator)
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    asked = '"second_factor_required"'
    assert not [
        query
        for query in queries
        if "WHERE" in query["sql"] and asked in query["sql"].split("WHERE")[1]
    ]


def test_encrypted_values_notice_every_change() -> None:
    sealed = encrypt(b"secret", purpose="a")
    assert decrypt(sealed, purpose="a") == b"secret"
    assert encrypt(b"secret", purpose="a") != sealed
    assert derived_key("a") != derived_key("b")
    with pytest.raises(CryptoError):
        decrypt(sealed, purpose="b")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(CryptoError):
            decrypt(bytes(changed), purpose="a")
    with pytest.raises(CryptoError):
        decrypt(b"", purpose="a")


@pytest.mark.parametrize("key", ["", "not base64!", "c2hvcnQ="])
def test_unusable_master_key_is_said(settings: Any, key: str) -> None:
    settings.MASTER_KEY = key
    with pytest.raises(CryptoError, match="MASTER_KEY"):
        encrypt(b"x", purpose="a")
