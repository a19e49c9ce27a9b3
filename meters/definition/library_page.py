"""The table of the device types that ship, made from their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .model import Definition

__all__ = ["library_page"]

_HEAD = """# The device types that ship

Each is a file in `meters/devicetypes`, with telegrams of its own and what must come of them.
A type is a start: duplicate it in the admin to change it. Those whose vendor is OMS name no maker
and read what has no type of its own. This page is made by `manage.py device_type_library`.
"""


def library_page(definitions: Iterable[Definition]) -> str:
    """Markdown: a row a type, in the order of makers and models, with the source of its vectors."""
    rows = sorted(definitions, key=lambda one: (one.vendor.casefold(), one.model.casefold()))
    return "\n".join([_HEAD, *_counts(rows), "", *_table(rows)]) + "\n"


def _counts(definitions: list[Definition]) -> Iterator[str]:
    kinds = [one.decode.kind for one in definitions]
    counted = ", ".join(f"{kinds.count(kind)} `{kind}`" for kind in sorted(set(kinds)))
    yield f"{len(definitions)} types: {counted}."


def _table(definitions: list[Definition]) -> Iterator[str]:
    yield "| maker | model | type | kind | resource | registers | source of its telegrams |"
    yield "|---|---|---|---|---|---|---|"
    for one in definitions:
        cells = (
            one.vendor,
            one.model,
            f"`{one.type}`",
            f"`{one.decode.kind}`",
            _words(one.resource),
            _words(rule.register for rule in (*one.series, *one.readings)),
            "; ".join(dict.fromkeys(_sources(one))),
        )
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _words(codes: Iterable[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in dict.fromkeys(codes))


def _sources(definition: Definition) -> Iterator[str]:
    """Of telegrams that must be read: those that must not be are mostly the same, spoilt."""
    return (test.source for test in definition.tests if test.source and not test.refused)
