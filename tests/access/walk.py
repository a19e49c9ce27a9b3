"""Asking pages as somebody, and judging what comes back."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin.utils import quote
from django.db import connection, transaction
from django.test import Client

from accounts.audit_tables import audit_tables
from accounts.models import Activity, AuditEntry
from tests.access.examples import own_models, reference_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import Tenant, World

__all__ = ["ABSENT", "Answer", "Walker", "fingerprint", "last_events", "undone"]

# A key that no table reaches.
ABSENT = 987_654_321
_SECRET_PARTS = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"|data-csrf="[^"]*"|csrfToken[^,}]*'
)


class Answer(NamedTuple):
    """What a request brought. text: the body, unpacked where it is a sheet."""

    status: int
    location: str
    text: str
    messages: tuple[str, ...]

    def without(self, *keys: Any) -> Answer:
        """The same with these keys, and what changes at every request, taken out."""
        words = {re.escape(form) for key in keys for form in (quote(str(key)), str(key))}
        # Not the same digits inside of another number.
        pattern = re.compile(rf"(?<!\d)(?:{'|'.join(sorted(words))})(?!\d)")

        def blind(text: str) -> str:
            return pattern.sub("KEY", text)

        text = blind(_SECRET_PARTS.sub("", self.text))
        told = tuple(blind(message) for message in self.messages)
        return Answer(self.status, blind(self.location), text, told)


class Walker:
    """One person's browser. Collects faults instead of stopping at the first.

    Whatever is asked: no answer may be an error of the server or show the other company's canary.
    """

    def __init__(self, world: World, person: str) -> None:
        self.person = person
        self.world = world
        self.client = Client(raise_request_exception=False)
        self.faults: list[str] = []
        self.user = person_of(world, person)
        if self.user is not None:
            self.client.force_login(self.user)
        # The operator runs both companies; the keeper sees one street of one.
        self.forbidden = [] if person == "operator" else [world.hill.canary]
        if person == "keeper":
            self.forbidden.append("Far Street")

    def ask(self, method: str, url: str, data: Any = None) -> Answer:
        """Send it, look for what must never come, and return what came."""
        response = self.client.generic(method, url) if data is None else self.client.post(url, data)
        answer = _answer(response)
        if answer.status >= 500:
            error = getattr(response, "exc_info", None)
            self.fault(f"{method} {url} → {answer.status} {error[1] if error else ''}")
        everything = f"{response.headers} {answer.text} {' '.join(answer.messages)}"
        asked = f"{url} {data or ''}"
        for canary in self.forbidden:
            if canary in everything and canary not in asked:
                where = everything.index(canary)
                self.fault(
                    f"{method} {url} shows {canary}: …{everything[where - 80 : where + 40]}…"
                )
        return answer

    def expect(self, what: bool, text: str) -> None:
        if not what:
            self.fault(text)

    def fault(self, text: str) -> None:
        self.faults.append(f"{self.person}: {text}")

    def same_as_absent(self, method: str, address: str, foreign: Any, data: Any = None) -> None:
        """A foreign key answers as one that never was; `address` holds {key}."""
        theirs = self.ask(method, address.format(key=quote(str(foreign))), data)
        nobodys = self.ask(method, address.format(key=ABSENT), data)
        theirs, nobodys = (answer.without(foreign, ABSENT) for answer in (theirs, nobodys))
        self.expect(
            theirs == nobodys, f"{method} {address}: foreign {theirs[:2]} ≠ absent {nobodys[:2]}"
        )


def person_of(world: World, person: str) -> Any:
    """The user of that name; None for the one who is not signed in."""
    if person == "anonymous":
        return None
    return getattr(world, person, None) or world.city.people[person]


def _answer(response: Any) -> Answer:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    storage = getattr(getattr(response, "wsgi_request", None), "_messages", None)
    queued = getattr(storage, "_queued_messages", ())
    return Answer(
        response.status_code,
        response.headers.get("Location", ""),
        _text(body),
        tuple(str(message) for message in queued),
    )


def _text(body: bytes) -> str:
    """Everything readable in the body: sheets are unpacked, old ones hold UTF-16 beside ASCII."""
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return "\n".join(_text(archive.read(name)) for name in archive.namelist())
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        return body.decode("latin-1") + body.decode("utf-16-le", "ignore")
    return body.decode("utf-8", "replace")


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is rolled back, also what asks to be committed on its own."""
    block = transaction.atomic()
    # As the tests of Django mark the one around each test.
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


def last_events() -> tuple[int, ...]:
    """Number of the newest event in each audit table: equal before and after means that nobody
    wrote anything.
    """
    names = [table for table in audit_tables() if table.source is not Activity]
    parts = [f'SELECT coalesce(max({row.key}), 0) FROM "{row.name}"' for row in names]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return tuple(row[0] for row in cursor.fetchall())


def fingerprint(tenant: Tenant) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the company in every table: equal before and after means nothing changed."""
    found = {}
    for model in own_models():
        path = reference_path(model)
        if path is None or model is AuditEntry:
            continue
        names = [field.attname for field in model._meta.concrete_fields]
        rows = model._base_manager.filter(**{path: tenant.company.pk}).order_by("pk")
        found[model._meta.label] = list(rows.values_list(*names))
    return found
