"""Every text of a template goes through gettext."""

from __future__ import annotations

import re

import pytest

from tests.conventions.project import APPS, ROOT, project_files

# Text of attributes that a person reads or hears.
_SPOKEN = re.compile(
    r"\s(?:title|alt|placeholder|aria-label|data-label)\s*=\s*([\"'])(.*?)\1", re.S
)
_WORD = re.compile(r"[^\W\d_]{2,}")
# What stays as it is in every language.
_SAME_EVERYWHERE = {
    "Readout": "the product's name",
    "CSV": "a file format",
    "XLSX": "a file format",
    "XLS": "a file format",
    "DBF": "a file format",
    "UTC": "a time zone",
    "dBm": "a unit",
    "TOTP": "a standard",
    "WebAuthn": "a standard",
}
_REMOVED = (
    # Blocks that stand inside a class attribute.
    re.compile(r"\{% block (?:\w*class|coltype) %\}.*?\{% endblock[^%]*%\}", re.S),
    re.compile(r"\{#.*?#\}"),
    re.compile(r"\{% comment\b.*?endcomment %\}", re.S),
    re.compile(r"\{% blocktrans(?:late)?\b.*?endblocktrans(?:late)? %\}", re.S),
    re.compile(r"\{% verbatim\b.*?endverbatim[^%]*%\}", re.S),
    re.compile(r"<script\b.*?</script>", re.S | re.I),
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"\{%.*?%\}", re.S),
    re.compile(r"\{\{.*?\}\}", re.S),
    re.compile(r"&\w+;|&#\d+;"),
)


def bare_words(text: str, *, markup: bool = True) -> list[str]:
    """Words of a template that no translation tag holds."""
    for pattern in _REMOVED:
        text = pattern.sub(" ", text)
    spoken = [match.group(2) for match in _SPOKEN.finditer(text)] if markup else []
    if markup:
        text = re.sub(r"<[^>]*>", " ", text, flags=re.S)
    words = [word for part in (text, *spoken) for word in _WORD.findall(part)]
    return [word for word in words if word not in _SAME_EVERYWHERE]


def test_templates_hold_no_bare_words() -> None:
    files = project_files("templates", *(f"{app}/templates" for app in APPS))
    found = [
        f"{path.relative_to(ROOT)}: {' '.join(words[:8])}"
        for path in files
        if path.suffix in {".html", ".txt"}
        and (words := bare_words(path.read_text("utf-8"), markup=path.suffix == ".html"))
    ]
    assert found == [], "wrap them in {% translate %} or {% blocktranslate %}"


@pytest.mark.parametrize(
    "text",
    [
        "<p>Hello</p>",
        '<input placeholder="Search here">',
        "{% if a %}Yes{% endif %}",
        '<a aria-label="Close" href="x">{{ x }}</a>',
    ],
)
def test_bare_words_are_noticed(text: str) -> None:
    assert bare_words(text)


@pytest.mark.parametrize(
    "text",
    [
        '<p class="lead">{% translate "Hello" %}</p>',
        "{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}",
        '<script src="{% static "a.js" %}" defer></script>&nbsp;Readout',
        '<input placeholder="{% translate "Search" %}">',
        "{% blocktranslate trimmed with a=b %}\n  Two\n  lines\n{% endblocktranslate %}",
    ],
)
def test_translated_texts_are_fine(text: str) -> None:
    assert bare_words(text) == []
