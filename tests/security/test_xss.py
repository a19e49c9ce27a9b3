"""S7, short form: no text that somebody can set becomes an element or attribute of a page."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, models
from django.test import Client

from accounts.models import Activity, AuditEntry, AuditSeal, Company, User
from ingestion.models import RawFrame
from tests.access.examples import example, own_models
from tests.access.test_models import WITHOUT_ACCESS
from tests.security.pages import admin_pages, outside_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World

MARK = "xssmark"
# Short enough for most columns; each breaks out of another kind of place.
PAYLOADS = (
    f'"><img src=x onerror={MARK}()><{MARK}>',
    f"' {MARK}=1 x='{{{{{MARK}}}}}",
    f"</script></textarea></title><{MARK}>",
)
# The database refuses to change these; here its owner does it all the same.
IMMUTABLE = (Activity, AuditSeal, RawFrame)
# Columns whose values come from lists in the code, or that the database computes.
_FIXED = {"code", "time_zone", "currency", "languages", "language", "password", "system", "path"}


class _Finder(HTMLParser):
    """Notes elements, attributes and scripts that hold the mark where only text may stand."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._script: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if MARK in tag or any(MARK in name for name in names):
            self.found.append(self.get_starttag_text() or tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            if MARK in text and (name.startswith("on") or text.startswith("javascript:")):
                self.found.append(self.get_starttag_text() or tag)
        self._script = names if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        is_code = self._script is not None and self._script.get("type") != "application/json"
        if is_code and MARK in data:
            self.found.append(f"script: {data[:80]}")


def found_in(page: str) -> list[str]:
    finder = _Finder()
    finder.feed(page)
    return finder.found


def poison(world: World, payload: str) -> int:
    """Put it into every text column of the examples, past all checks of forms."""
    poisoned = 0
    for model in own_models():
        if model is AuditEntry or model._meta.label in WITHOUT_ACCESS:
            continue
        row = example(model._meta.label, world.city)
        values = {field.attname: _fitting(field, payload, row) for field in _texts(model)}
        if values:
            with _mutable(model) if model in IMMUTABLE else nullcontext():
                model._base_manager.filter(pk=row.pk).update(**values)
            poisoned += len(values)
    # The full name is derived, so it is set by hand; the audit keeps what was.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hierarchy_node SET path = %s || path", [payload])
    User.objects.filter(pk=world.city.administrator.pk).update(full_name=payload)
    Company.objects.filter(pk=world.city.company.pk).update(name=payload)
    detail = payload[:500]
    Activity.objects.create(
        company=world.city.company, user=world.city.administrator, kind="export", detail=detail
    )
    return poisoned


@contextmanager
def _mutable(model: type[models.Model]) -> Iterator[None]:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _texts(model: type[models.Model]) -> Iterator[Any]:
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, (models.CharField, models.TextField))
        if is_text and not field.choices and not field.primary_key:
            special = isinstance(field, (models.EmailField, models.SlugField))
            if not special and (field.name not in _FIXED or model.__name__ == "UsagePoint"):
                yield field


def _fitting(field: Any, payload: str, row: Any) -> str:
    text = payload if field.unique is False else f"{payload}{row.pk}"
    return text[: field.max_length] if field.max_length else text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_stay_texts(world: World, payload: str) -> None:
    assert poison(world, payload) > 20
    client = Client()
    client.force_login(world.city.administrator)
    faults, shown = [], 0
    for path in [*admin_pages(world.city), *outside_pages(world.city)]:
        response = client.get(path)
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = b"".join(response) if response.streaming else response.content
        text = page.decode("utf-8", "replace")
        shown += MARK in text
        faults += [f"{path}: {fault[:120]}" for fault in found_in(text)]
    assert faults == []
    # Lists, forms, deletions … : had the texts not been shown, nothing would have been tested.
    assert shown > 25


@pytest.mark.parametrize(
    "page",
    [
        f"<p><{MARK}></p>",
        f"<p title='' {MARK}=1>",
        f"<img onerror='{MARK}()'>",
        f"<a href=' JavaScript:{MARK}()'>",
        f"<script>{MARK}()</script>",
    ],
)
def test_the_finder_finds(page: str) -> None:
    assert found_in(page)


@pytest.mark.parametrize(
    "page",
    [
        f"<p title='{MARK}'>{MARK} &lt;{MARK}&gt;</p>",
        f"<script type='application/json'>\"{MARK}\"</script>",
    ],
)
def test_the_finder_leaves_texts_alone(page: str) -> None:
    assert found_in(page) == []


@pytest.mark.parametrize("query", [f'<{MARK}>"onfocus={MARK}() x="'])
def test_what_was_asked_is_shown_as_text(world: World, query: str) -> None:
    client = Client()
    client.force_login(world.city.administrator)
    names = ("q", "next", "_popup", "p", "company", "system", "_to_field", "copy", "token")
    for path in [*admin_pages(world.city), *outside_pages(world.city)]:
        response = client.get(path, dict.fromkeys(names, query))
        if not response.streaming:
            assert found_in(response.content.decode("utf-8", "replace")) == [], path
