"""What tests of accounts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import Role, User

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

    from tests.people import World


@pytest.fixture(autouse=True)
def _own_var(settings: Any, tmp_path: Path) -> None:
    """The newest seal is noted in a file; every test has its own."""
    settings.VAR_DIR = tmp_path


@pytest.fixture
def role() -> Callable[[str], Role]:
    """A shipped role by its code."""
    return lambda code: Role.objects.get(company=None, code=code)


@pytest.fixture
def sign_in(world: World) -> Callable[..., Any]:
    """Sign in by the form, as a person does; every user of the world has proven the address."""
    from allauth.account.models import EmailAddress
    from django.urls import reverse

    from tests.people import PASSWORD

    for user in User.objects.all():
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )

    def post(client: Client, email: str, password: str = PASSWORD, **extra: Any) -> Any:
        fields = {"login": email, "password": password}
        return client.post(reverse("account_login"), fields, **extra)

    return post
