"""Texts of the product as a fresh extraction finds them, without writing any file."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

from babel.messages.extract import extract
from django.utils.translation.template import templatize

from tests.conventions.project import APPS, ROOT, SOURCES, project_files

__all__ = ["Message", "messages_of_code", "placeholders"]

# As Django's makemessages calls xgettext; the numbers are positions of arguments.
_KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_PLACEHOLDER = re.compile(r"%\(\w+\)[-+#0 ]*\d*(?:\.\d+)?[a-z]|%[sdrifx]|\{\w*\}")


class Message(NamedTuple):
    """A text as the catalogue keys it; plural is empty for most."""

    context: str
    text: str
    plural: str = ""


def placeholders(text: str) -> list[str]:
    """What a formatting operation would replace, sorted; %% is no placeholder."""
    return sorted(_PLACEHOLDER.findall(text.replace("%%", "")))


def messages_of_code() -> dict[Message, str]:
    """Every text of code and templates → a place where it stands."""
    found: dict[Message, str] = {}
    for path in project_files("templates", *SOURCES):
        if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
            continue
        name = str(path.relative_to(ROOT))
        source = path.read_text(encoding="utf-8")
        for line, message in _extracted(source, is_template=path.suffix != ".py"):
            found.setdefault(message, f"{name}:{line}")
    return found


def messages_of_scripts() -> list[str]:
    """Scripts that translate by themselves; they would need a catalogue of their own."""
    scripts = project_files("static", *(f"{app}/static" for app in APPS))
    return [
        str(path.relative_to(ROOT))
        for path in scripts
        if path.suffix == ".js"
        and "vendor" not in path.parts
        and re.search(r"\bn?gettext\(", path.read_text(encoding="utf-8"))
    ]


def _extracted(source: str, *, is_template: bool) -> list[tuple[int, Message]]:
    # Within brackets the indentation that a template leaves behind means nothing to Python.
    code = f"({templatize(source)}\n)" if is_template else source
    rows = extract("python", io.BytesIO(code.encode()), keywords=_KEYWORDS)
    return [(row[0], _message(row[1], row[3])) for row in rows if _text_of(row[1])]


def _text_of(texts: object) -> bool:
    return bool(texts if isinstance(texts, str) else any(texts))  # type: ignore[call-overload]


def _message(texts: str | tuple[str, ...], context: str | None) -> Message:
    if isinstance(texts, str):
        return Message(context or "", texts)
    if context is not None and len(texts) > 1 and texts[0] == context:
        texts = texts[1:]
    return Message(context or "", *texts[:2])
