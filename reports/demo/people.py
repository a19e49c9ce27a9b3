"""Who signs in to the demo: one person for each shipped role, passwords made up at the load."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from accounts.models import Role, User
from accounts.services.memberships import membership_grant
from accounts.services.operators import operator_create
from accounts.services.users import user_create, user_end_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import Company

__all__ = ["PEOPLE", "Login", "Person", "logins_reset", "people_create"]

# Letters and digits that nobody takes for one another; 20 of them are 98 random bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Person(NamedTuple):
    """A user of the demo; without a company the platform's operator."""

    role: str
    company: str
    email: str
    name: str


class Login(NamedTuple):
    """One line of the file of logins."""

    role: str
    email: str
    password: str


_CITY, _HILL = "city-utilities", "hill-waterworks"

PEOPLE = (
    Person("platform_operator", "", "operator@readout.example", "Olha Platform"),
    Person("company_administrator", _CITY, "admin@city.example", "Andrii Administrator"),
    Person("engineer", _CITY, "engineer@city.example", "Yeva Engineer"),
    Person("dispatcher", _CITY, "dispatcher@city.example", "Danylo Dispatcher"),
    Person("clerk", _CITY, "clerk@city.example", "Kateryna Clerk"),
    Person("billing", _CITY, "billing@city.example", "Bohdan Billing"),
    Person("auditor", _CITY, "auditor@city.example", "Alla Auditor"),
    Person("company_administrator", _HILL, "admin@hill.example", "Aoife Administrator"),
)


def people_create(companies: Mapping[str, Company]) -> list[Login]:
    """All users with their roles; companies by code. Raises NotPossible for a taken address."""
    return [_create(person, companies) for person in PEOPLE]


@transaction.atomic
def logins_reset() -> list[Login]:
    """New passwords for the demo's users that still exist; their sessions end."""
    logins = []
    for person in PEOPLE:
        user = User.objects.filter(email=person.email).first()
        if user is None:
            continue
        password = password_make()
        user.set_password(password)
        user.save(update_fields=["password"])
        user_end_sessions(actor=None, user=user)
        logins.append(Login(_title(person), person.email, password))
    return logins


def password_make() -> str:
    """Four groups of five that can be read aloud and typed."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _create(person: Person, companies: Mapping[str, Company]) -> Login:
    password = password_make()
    if not person.company:
        operator_create(email=person.email, password=password, full_name=person.name)
        return Login(_title(person), person.email, password)
    user = user_create(email=person.email, full_name=person.name, password=password)
    role = Role.objects.get(company=None, code=person.role)
    company = companies[person.company]
    membership_grant(actor=None, user=user, company=company, role=role, accepted=True)
    return Login(_title(person), person.email, password)


def _title(person: Person) -> str:
    """The role as the file of logins names it, with the company where it is not the main one."""
    role = person.role.replace("_", " ")
    return f"{role} (Hill Waterworks)" if person.company == _HILL else role
