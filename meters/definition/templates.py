"""Texts with names in braces: topics that telegrams come on, and what commands send."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.utils.translation import gettext as _

__all__ = ["WIRE_TYPES", "Hole", "TemplateError", "WireType", "holes_of", "topic_pattern"]


class TemplateError(ValueError):
    """What is wrong with a template; the text is for the person who wrote it."""


class WireType(NamedTuple):
    """How a number stands in bytes. size 0: as long as the value."""

    size: int
    signed: bool = False
    order: str = "big"
    bcd: bool = False


WIRE_TYPES: dict[str, WireType] = {
    "u8": WireType(1),
    "s8": WireType(1, signed=True),
    **{
        f"{sign}{size * 8}{end}": WireType(size, sign == "s", order)
        for sign in "us"
        for size in (2, 3, 4, 6, 8)
        for end, order in (("be", "big"), ("le", "little"))
    },
    **{
        f"bcd{size * 2}{end}": WireType(size, False, order, bcd=True)
        for size in (1, 2, 3, 4, 6)
        for end, order in (("be", "big"), ("le", "little"))
    },
    "ascii": WireType(0),
}


class Hole(NamedTuple):
    """A name in braces; `wire` is empty where the template is text."""

    name: str
    wire: str = ""


_BRACES = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def holes_of(template: str, *, typed: bool) -> list[Hole]:
    """The parameters of a template, in order. `typed`: bytes in hex, {name:u16le}.

    In text only braces around a name are holes, so that JSON can be written as it is.
    """
    if not typed:
        return [Hole(name) for name in _BRACES.findall(template) if _NAME.fullmatch(name)]
    rest = _BRACES.sub("", template)
    if not re.fullmatch(r"(?:\s*[0-9A-Fa-f]{2})*\s*", rest):
        raise TemplateError(_("Bytes are written in hex, two digits each: 01 {minutes:u16le}."))
    return [_typed(inside) for inside in _BRACES.findall(template)]


def _typed(inside: str) -> Hole:
    name, colon, wire = inside.partition(":")
    if not _NAME.fullmatch(name) or not colon or wire not in WIRE_TYPES:
        names = ", ".join(WIRE_TYPES)
        raise TemplateError(
            _("“{%(inside)s}” is not a name, a colon and one of %(names)s.")
            % {"inside": inside, "names": names}
        )
    return Hole(name, wire)


def topic_pattern(template: str) -> re.Pattern[str]:
    """A topic template as a pattern: a name in braces is one level, `+` one unnamed, `#` the rest."""
    levels = template.split("/")
    numbered = enumerate(levels, 1)
    pattern = "/".join(_level(level, last=place == len(levels)) for place, level in numbered)
    try:
        return re.compile(pattern)
    except re.error:
        raise TemplateError(_("A name may stand in a topic once.")) from None


def _level(level: str, *, last: bool) -> str:
    if level == "+":
        return "[^/]+"
    if level == "#" and last:
        return ".*"
    parts = re.split(r"(\{[a-z][a-z0-9_]*\})", level)
    if len(parts) > 3 or any(character in "".join(parts[::2]) for character in "{}+#"):
        raise TemplateError(_("“%(level)s” is no level of a topic.") % {"level": level})
    return "".join(
        f"(?P<{part[1:-1]}>[^/]+)" if part[:1] == "{" else re.escape(part) for part in parts
    )
