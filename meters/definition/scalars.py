"""Plain scalars by the core schema of YAML 1.2 (§ 10.3.2), with exact decimals.

`yes`, `on` and `012` are what they look like: two words and the number twelve.
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["LONGEST_TEXT", "Plain", "ScalarError", "resolve"]

Plain = str | int | bool | Decimal | None

LONGEST_TEXT = 65_536
_MOST_DIGITS = 64
_LARGEST_EXPONENT = 99
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE]([-+]?[0-9]+))?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class ScalarError(ValueError):
    """A scalar that no definition needs; the reason is plain English."""


def resolve(text: str) -> Plain:
    """What an unquoted scalar means. ScalarError for numbers beyond reason, infinities and NaN."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            return text
        return int(text, 0 if _BASED.fullmatch(text) else 10)
    decimal = _DECIMAL.fullmatch(text)
    if decimal:
        return _decimal(text, decimal.group(1) or "0")
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError("infinities and NaN have no place here")
    return text


def _decimal(text: str, exponent: str) -> Decimal | str:
    """What no device counts is text: payloads in hex may look like numbers, such as 46400001e240."""
    if len(text) > _MOST_DIGITS or abs(int(exponent)) > _LARGEST_EXPONENT:
        return text
    return Decimal(text)
