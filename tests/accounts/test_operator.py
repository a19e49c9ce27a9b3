"""The first operator comes from the command line; secrets are shown once and nowhere else (S14)."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from accounts.grants import grants_of
from accounts.models import User
from accounts.services.roles import shipped_roles_sync

if TYPE_CHECKING:
    from django.test import Client

CANARY = "canary-secret-7f3a-do-not-keep"


def create(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_operator", "--email", "root@readout.test", *arguments, stdout=out)
    return out.getvalue()


def test_generated_password_is_printed_once_and_works(db: None, client: Client) -> None:
    shipped_roles_sync()
    password = create().strip().splitlines()[-1].rpartition(" ")[2]
    fields = {"login": "root@readout.test", "password": password}
    assert client.post(reverse("account_login"), fields).status_code == 302
    operator = User.objects.get(email="root@readout.test")
    assert "manage_platform" in grants_of(operator).platform


def test_password_from_the_input_is_not_printed(db: None, monkeypatch: Any) -> None:
    shipped_roles_sync()
    monkeypatch.setattr("sys.stdin", io.StringIO(CANARY + "\n"))
    assert CANARY not in create("--password-stdin")
    assert User.objects.get(email="root@readout.test").check_password(CANARY)


@pytest.mark.parametrize("weak", ["", "short", "123456789012345"])
def test_weak_password_makes_nobody(db: None, monkeypatch: Any, weak: str) -> None:
    shipped_roles_sync()
    monkeypatch.setattr("sys.stdin", io.StringIO(weak + "\n"))
    with pytest.raises(CommandError):
        create("--password-stdin")
    assert not User.objects.exists()


def test_address_in_use_is_said(db: None) -> None:
    shipped_roles_sync()
    create()
    with pytest.raises(CommandError, match="already uses"):
        create()


def database_text() -> str:
    """Every row of every table, as text."""
    texts = []
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_secrets_are_neither_logged_nor_stored(
    db: None, client: Client, caplog: Any, monkeypatch: Any
) -> None:
    """S14: passwords, right and wrong, in the right field and in the wrong one."""
    caplog.set_level(logging.DEBUG)
    shipped_roles_sync()
    monkeypatch.setattr("sys.stdin", io.StringIO(CANARY + "\n"))
    create("--password-stdin")
    login = reverse("account_login")
    client.post(login, {"login": CANARY, "password": CANARY})
    client.post(login, {"login": "root@readout.test", "password": CANARY + "x"})
    client.post(login, {"login": "root@readout.test", "password": CANARY})
    fresh = CANARY + "-changed"
    fields = {"oldpassword": CANARY, "password1": fresh, "password2": fresh}
    assert client.post(reverse("account_change_password"), fields).status_code == 302
    assert CANARY not in caplog.text
    assert CANARY not in database_text()
    assert not any(CANARY in message.body for message in mail.outbox)
