"""The short form of a field list: `">B:version H:length 2x I:timestamp"`, or struct-like `">hB"`."""

from __future__ import annotations

import re
from typing import Any

from .errors import Place, SchemaError
from .limits import MAX_FORMULA

__all__ = ["compact_fields"]

_TYPES = {
    "b": "s8",
    "B": "u8",
    "h": "s16",
    "H": "u16",
    "i": "s32",
    "I": "u32",
    "l": "s32",
    "L": "u32",
    "q": "s64",
    "Q": "u64",
    "e": "f16",
    "f": "f32",
    "d": "f64",
    "?": "u8",
}
_TOKEN = re.compile(r"\s*([<>])|\s*(\d{0,3})([bBhHiIlLqQefdx?])(?::([A-Za-z_]\w*))?")


def compact_fields(
    text: str, names: Any, endian: str, place: Place
) -> tuple[list[dict[str, Any]], str]:
    """The fields that the text stands for, and the byte order that it sets."""
    if len(text) > MAX_FORMULA:
        raise SchemaError(place, "too long")
    fields: list[dict[str, Any]] = []
    left = [str(name) for name in names] if isinstance(names, list) else []
    where = 0
    while where < len(text.rstrip()):
        token = _TOKEN.match(text, where)
        if token is None:
            raise SchemaError(place, f"{text[where : where + 10]!r} is not a format")
        where = token.end()
        if token[1]:
            endian = "big" if token[1] == ">" else "little"
        elif token[3] == "x":
            fields.append({"type": "skip", "length": int(token[2] or 1)})
        else:
            for _ in range(int(token[2] or 1)):
                name = token[4] or (left.pop(0) if left else f"_field{len(fields)}")
                fields.append({"name": name, "type": _TYPES[token[3]]})
    return fields, endian
