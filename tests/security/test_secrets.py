"""S14: what is secret stands in no log line and in no text of the database."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyotp
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config.lib.redaction import SecretsFilter
from tests.people import PASSWORD
from tests.security.pages import admin_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World

TYPED = "typed-Canary-7531-wrong"
NEW_PASSWORD = "brand-new-Canary-8642-horse"  # noqa: S105


class _Lines(logging.Handler):
    """Collects every line as the console handler would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.addFilter(SecretsFilter())
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    root, handler = logging.getLogger(), _Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # Refusals are logged here, unlike in the other tests.
    logging.getLogger("django.request").setLevel(logging.NOTSET)
    yield handler.lines
    root.setLevel(level)
    root.removeHandler(handler)


def _settings_secrets() -> list[str]:
    password = settings.DATABASES["default"]["PASSWORD"]
    redis = urlsplit(settings.REDIS_URL).password
    found = [password, settings.SECRET_KEY, settings.MASTER_KEY, redis or ""]
    # Shorter ones would be found by chance.
    return [secret for secret in found if len(secret) >= 10]


def _texts_of_database() -> Iterator[tuple[str, str]]:
    """(table, row as text) of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT t::text FROM {quoted} t")  # noqa: S608
            for (row,) in cursor.fetchall():
                yield table, row


def _leaks(secrets: list[str], lines: list[str]) -> list[str]:
    found = [f"log: {line[:200]}" for line in lines for secret in secrets if secret in line]
    for table, row in _texts_of_database():
        found += [f"{table}: {row[:200]}" for secret in secrets if secret in row]
    return found


def _sign_in(client: Client, email: str, password: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password})


def test_typed_passwords_and_settings_leave_no_trace(world: World, logged: list[str]) -> None:
    client = Client(raise_request_exception=False)
    person = world.city.administrator
    _sign_in(client, person.email, TYPED)
    _sign_in(client, TYPED, TYPED)
    client.get("/account/login/", {"password": TYPED, "next": f"/x?token={TYPED}"})
    assert _sign_in(client, person.email, PASSWORD).status_code == 302
    change = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post("/account/password/change/", change)
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)
    for path in admin_pages(world.city):
        client.get(path)
    client.post("/account/2fa/totp/activate/", {"code": TYPED})
    # An address that somebody typed the password into by mistake is logged as an address.
    lines = [line for line in logged if not line.startswith("django.db.backends")]
    assert lines
    secrets = [*_settings_secrets(), PASSWORD, NEW_PASSWORD]
    assert _leaks(secrets, logged) == []
    assert _leaks([TYPED], [line for line in lines if "next=" not in line]) == []


def test_the_second_factor_is_not_readable_in_the_database(world: World, logged: list[str]) -> None:
    client = Client()
    _sign_in(client, world.city.engineer.email, PASSWORD)
    page = client.get("/account/2fa/totp/activate/")
    if page.status_code == 302:
        client.post(page.headers["Location"], {"password": PASSWORD})
        page = client.get("/account/2fa/totp/activate/")
    secret = page.context["form"].secret
    done = client.post("/account/2fa/totp/activate/", {"code": pyotp.TOTP(secret).now()})
    assert done.status_code == 302
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    codes = client.get("/account/2fa/recovery-codes/")
    shown = list(codes.context["unused_codes"]) if codes.status_code == 200 else []
    secrets = [secret, raw.hex(), base64.b64encode(raw).decode(), *shown]
    lines = [line for line in logged if not line.startswith("django.template")]
    # The session holds it until it is confirmed, and forgets it then.
    assert _leaks(secrets, lines) == []
    assert len(shown) >= 5 or codes.status_code == 302


def test_a_leak_would_be_found(world: World, logged: list[str]) -> None:
    logging.getLogger("tests").warning("it was %s", "Leaked-Canary-1")
    assert _leaks(["Leaked-Canary-1"], logged)
    world.city.module.address = "Leaked-Canary-2"
    world.city.module.save()
    assert any(leak.startswith("meters_") for leak in _leaks(["Leaked-Canary-2"], []))


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2hunter2",
        "postgres://readout:hunter2hunter2@127.0.0.1/x",
        "Authorization: Bearer hunter2hunter2",
        "{'token': 'hunter2hunter2'}",
    ],
)
def test_logs_cut_announced_secrets_out(logged: list[str], line: str) -> None:
    logging.getLogger("tests").warning("%s", line)
    assert logged
    assert not any("hunter2hunter2" in entry for entry in logged)
