"""Export in every format, and the pages of import, asked by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from tests.access.forms import form_values, options
from tests.access.table import ENTER, MODELS, PEOPLE
from tests.access.walk import Walker, fingerprint, undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World

_IMPORT_PAGES = ("import", "import_template", "import_errors", "process_import")


def _address(model: Any, page: str) -> str | None:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")
    except NoReverseMatch:
        return None


def _with(page: str) -> list[Any]:
    return [model for model in admin.site._registry if _address(model, page)]


def test_every_model_with_tables_has_rights_for_them() -> None:
    missing = [
        model._meta.label
        for page, right in (("export", "export"), ("import", "import_"))
        for model in _with(page)
        if getattr(MODELS.get(model._meta.label), right, None) is None
    ]
    assert missing == [], "say in MODELS of tests/access/table.py who may export and import these"
    assert _with("export")
    assert _with("import")


@pytest.mark.parametrize("person", PEOPLE)
def test_export(world: World, person: str) -> None:
    walker = Walker(world, person)
    for model in _with("export"):
        url = str(_address(model, "export"))
        page = walker.ask("GET", url)
        allowed = person in (MODELS[model._meta.label].export or ())
        expected = 200 if allowed else 403 if person in ENTER else 302
        walker.expect(page.status == expected, f"GET {url} → {page.status} ≠ {expected}")
        if not allowed:
            refused = walker.ask("POST", url, {"format": "0", "resource": "0"})
            walker.expect(refused.status == expected, f"POST {url} → {refused.status}")
            continue
        written = 0
        for choice in _choices(page.text):
            with undone():
                if person == "operator":
                    choice["company"] = world.city.company.pk
                sheet = walker.ask("POST", url, choice)
                walker.expect(sheet.status == 200, f"{url} {choice} → {sheet.status}")
                if "<!DOCTYPE" not in sheet.text:
                    written += 1
                    seen = world.city.canary in sheet.text
                    walker.expect(seen, f"{url} {choice} lacks the own rows")
                    theirs = world.hill.canary in sheet.text
                    walker.expect(not theirs, f"{url} {choice} holds the other company's rows")
        walker.expect(written >= 3, f"{url}: {written} formats were written")
    assert walker.faults == []


def _choices(page: str) -> Iterator[dict[str, Any]]:
    """Every format of every table that the form offers."""
    for resource in options(page, "resource") or [""]:
        for chosen in options(page, "format"):
            yield {**form_values(page), "format": chosen, "resource": resource}


@pytest.mark.parametrize("person", PEOPLE)
def test_import_pages(world: World, person: str) -> None:
    walker = Walker(world, person)
    hill = fingerprint(world.hill)
    for model in _with("import"):
        allowed = person in (MODELS[model._meta.label].import_ or ())
        for page in _IMPORT_PAGES:
            url = str(_address(model, page))
            for method in ("GET", "POST"):
                with undone():
                    answer = walker.ask(method, url)
                fine = {200, 302, 404, 405} if allowed else {403 if person in ENTER else 302}
                # A page that only takes one method says so before it looks who asks.
                fine |= {405} if person in ENTER else set()
                walker.expect(answer.status in fine, f"{method} {url} → {answer.status} ∉ {fine}")
        if allowed and person != "operator":
            _import_elsewhere(walker, model)
    assert walker.faults == []
    assert fingerprint(world.hill) == hill


def _import_elsewhere(walker: Walker, model: Any) -> None:
    """A file meant for the other company is not taken for it."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    url = str(_address(model, "import"))
    file = SimpleUploadedFile("t.csv", b"code;name\r\nX1;X\r\n", content_type="text/csv")
    data = {"import_file": file, "company": walker.world.hill.company.pk, "resource": "0"}
    with undone():
        answer = walker.ask("POST", url, data)
    walker.expect(answer.status in {200, 403}, f"POST {url} → {answer.status}")
