"""The Ukrainian catalogue is complete, right in its placeholders, and compiled."""

from __future__ import annotations

import gettext
from typing import TYPE_CHECKING

import polib
import pytest

from tests.conventions.catalogues import (
    Message,
    messages_of_code,
    messages_of_scripts,
    placeholders,
)
from tests.conventions.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = ROOT / "locale" / "uk" / "LC_MESSAGES" / "django.po"


@pytest.fixture(scope="module")
def entries() -> dict[Message, polib.POEntry]:
    assert CATALOGUE.is_file(), "run `make messages` and translate locale/uk"
    return {_key(entry): entry for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete}


def _key(entry: polib.POEntry) -> Message:
    return Message(entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")


def _translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _used(entries: dict[Message, polib.POEntry]) -> list[polib.POEntry]:
    return [entry for key, entry in entries.items() if key in messages_of_code()]


def test_every_text_is_in_the_catalogue(entries: dict[Message, polib.POEntry]) -> None:
    missing = [
        f"{place}: {message.text[:70]!r}"
        for message, place in messages_of_code().items()
        if message not in entries
    ]
    assert missing == [], "run `make messages`"


def test_every_text_is_translated(entries: dict[Message, polib.POEntry]) -> None:
    known = messages_of_code()
    empty = [
        f"{known.get(key, 'elsewhere')}: {key.text[:70]!r}"
        for key, entry in entries.items()
        if entry.fuzzy or not all(_translations(entry))
    ]
    assert empty == []


def test_placeholders_are_kept(entries: dict[Message, polib.POEntry]) -> None:
    changed = [
        f"{entry.msgid!r} → {text!r}"
        for entry in entries.values()
        for text in _translations(entry)
        if text and placeholders(text) not in _allowed(entry)
    ]
    assert changed == []


def _allowed(entry: polib.POEntry) -> list[list[str]]:
    # A plural form may leave out the number that the singular does not say either.
    return [placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid)]


def test_plurals_have_every_form(entries: dict[Message, polib.POEntry]) -> None:
    wanted = {0, 1, 2, 3} if "nplurals=4" in _plural_forms(CATALOGUE) else {0, 1, 2}
    short = [
        entry.msgid
        for entry in entries.values()
        if entry.msgid_plural and set(entry.msgstr_plural) != wanted
    ]
    assert short == []


def _plural_forms(path: Path) -> str:
    return polib.pofile(str(path)).metadata.get("Plural-Forms", "")


def test_compiled_catalogue_is_up_to_date(entries: dict[Message, polib.POEntry]) -> None:
    compiled = CATALOGUE.with_suffix(".mo")
    assert compiled.is_file(), "run `make messages`"
    with compiled.open("rb") as file:
        loaded = gettext.GNUTranslations(file)
    stale = [
        key.text for key, entry in entries.items() if _compiled(loaded, entry) != _wanted(entry)
    ]
    assert stale == [], "run `make messages`"


def _wanted(entry: polib.POEntry) -> list[str]:
    return [] if entry.fuzzy else [text for text in _translations(entry) if text]


def _compiled(loaded: gettext.GNUTranslations, entry: polib.POEntry) -> list[str]:
    catalogue = loaded._catalog  # type: ignore[attr-defined]
    key = f"{entry.msgctxt}\x04{entry.msgid}" if entry.msgctxt else entry.msgid
    if entry.msgid_plural:
        forms = [catalogue.get((key, number)) for number in sorted(entry.msgstr_plural)]
        return [text for text in forms if text]
    return [text for text in [catalogue.get(key)] if text]


def test_scripts_take_their_texts_from_the_page() -> None:
    assert messages_of_scripts() == [], "hand the text over in a data attribute"


def test_extraction_finds_code_and_templates() -> None:
    places = messages_of_code()
    assert any(place.startswith("templates/") for place in places.values())
    assert places[Message("", "company")].startswith(("accounts/", "hierarchy/", "meters/"))
    assert any(message.plural for message in places)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%(count)d of %s", ["%(count)d", "%s"]),
        ("100%% {name}", ["{name}"]),
        ("plain", []),
    ],
)
def test_placeholders(text: str, expected: list[str]) -> None:
    assert placeholders(text) == expected
