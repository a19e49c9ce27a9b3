"""Templates, style sheets and scripts keep the Content-Security-Policy and load nothing remote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conventions.project import APPS, ROOT, project_files

if TYPE_CHECKING:
    from pathlib import Path

# Somebody else's code, kept as it was published; its licence stands beside it.
_VENDORED = {"vendor"}
# Names of vocabularies; a browser never fetches them.
_NAMESPACE = re.compile(r"https?://www\.w3\.org/[\w/.#-]+")

_IN_TEMPLATES = {
    "inline script": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/(ld\+)?json)[^>]*>", re.I
    ),
    "style element": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.I),
    "event attribute": re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "javascript: address": re.compile(r"javascript:", re.I),
    "remote address": re.compile(r"(https?:)?//[a-z0-9-]+\.[a-z]", re.I),
    "mark as safe": re.compile(r"\|\s*safe(seq)?\b|\{%\s*autoescape off"),
}
_IN_SCRIPTS = {
    "evaluated text": re.compile(r"\beval\s*\(|new Function\b|setTimeout\(\s*[\"'`]"),
    "HTML from text": re.compile(r"\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write"),
    "remote address": re.compile(r"(https?|wss?)://(?!\$\{)", re.I),
}
_IN_STYLES = {
    "import": re.compile(r"@import", re.I),
    "remote address": re.compile(r"(https?:)?//[a-z0-9-]+\.[a-z]", re.I),
    "evaluated text": re.compile(r"expression\s*\(|javascript:", re.I),
}
# (file, finding): why it is right there.
_REASONED = {
    ("templates/readout/form_fields.html", "mark as safe"): "help texts are written by code",
}


def _static(suffix: str) -> list[Path]:
    files = project_files("static", *(f"{app}/static" for app in APPS))
    return [path for path in files if path.suffix == suffix and not _VENDORED & set(path.parts)]


def _templates() -> list[Path]:
    files = project_files("templates", *(f"{app}/templates" for app in APPS))
    return [path for path in files if path.suffix in {".html", ".svg"}]


def _findings(path: Path, rules: dict[str, re.Pattern[str]]) -> list[str]:
    text = _without_comments(path.read_text(encoding="utf-8"), path.suffix)
    name = str(path.relative_to(ROOT))
    return [
        f"{name}: {rule}: {match.group()[:80]}"
        for rule, pattern in rules.items()
        for match in pattern.finditer(_NAMESPACE.sub("", text))
        if (name, rule) not in _REASONED
    ]


def _without_comments(text: str, suffix: str) -> str:
    if suffix == ".html":
        text = re.sub(r"\{#.*?#\}", "", text)
        return re.sub(r"\{% comment.*?endcomment %\}", "", text, flags=re.S)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"(^|\s)//[^\n]*", "", text) if suffix == ".js" else text


def test_templates_hold_no_inline_code_and_nothing_remote() -> None:
    assert [line for path in _templates() for line in _findings(path, _IN_TEMPLATES)] == []


def test_scripts_build_no_code_and_call_nobody() -> None:
    assert [line for path in _static(".js") for line in _findings(path, _IN_SCRIPTS)] == []


def test_styles_load_nothing_remote() -> None:
    assert [line for path in _static(".css") for line in _findings(path, _IN_STYLES)] == []


def test_there_is_something_to_look_at() -> None:
    assert _templates()
    assert _static(".js")
    assert _static(".css")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("inline script", "<script>go()</script>"),
        ("inline script", '<script type="module">go()</script>'),
        ("style element", "<style>p{}</style>"),
        ("style attribute", '<p class="a" style="color:red">'),
        ("event attribute", '<a href="#" onclick="go()">'),
        ("javascript: address", '<a href="javascript:go()">'),
        ("remote address", '<img src="//cdn.example/x.png">'),
        ("mark as safe", "{{ name|safe }}"),
    ],
)
def test_each_rule_notices_its_case(rule: str, text: str) -> None:
    assert _IN_TEMPLATES[rule].search(text)


def test_data_blocks_and_own_files_are_allowed() -> None:
    fine = '<script type="application/json">{}</script><script src="/static/a.js" defer></script>'
    assert not any(pattern.search(fine) for pattern in _IN_TEMPLATES.values())
