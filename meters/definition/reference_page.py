"""The reference of the language as Markdown, made from its table."""

from __future__ import annotations

from collections.abc import Iterator

from .language import PART_DOCS, PARTS, RULES, Key, Rule

__all__ = ["BEGIN", "END", "reference_page", "with_reference"]

BEGIN = "<!-- made by manage.py device_type_schema: from here -->"
END = "<!-- made by manage.py device_type_schema: to here -->"
_HEADS = {"definition": "The file"}


def reference_page() -> str:
    """A section a part, a row a key."""
    return "\n".join(line for part in PARTS for line in _section(part))


def with_reference(page: str) -> str:
    """A page with its part between the marks made anew. ValueError where the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for the reference")
    return f"{before}{BEGIN}\n\n{reference_page()}\n{END}{after}"


def _section(part: str) -> Iterator[str]:
    yield f"### {_HEADS.get(part, f'`{part}`')}"
    yield ""
    yield PART_DOCS[part]
    yield from (_sentence(rule) for rule in RULES.get(part, ()))
    yield ""
    yield "| key | what may stand there | meaning |"
    yield "|---|---|---|"
    yield from (_row(key) for key in PARTS[part])
    yield ""


def _row(key: Key) -> str:
    name = f"**`{key.name}`**" if key.required else f"`{key.name}`"
    return f"| {name} | {_cell(key.shape.words())} | {_cell(key.doc)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(rule: Rule) -> str:
    names = ", ".join(f"`{key}`" for key in rule.keys)
    if rule.most > 1:
        return f"At least one of {names}."
    return f"Exactly one of {names}." if rule.least else f"At most one of {names}."
