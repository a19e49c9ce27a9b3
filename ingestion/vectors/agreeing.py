"""Published values against decoded ones: when two agree, whatever words and forms they come in.

A number agrees when it differs by at most half of the last digit that was published; one that was
published as a binary float with all its digits, when it is the same within the float's own
precision. A word agrees without regard to case and separators; a word for true or false agrees with
the truth; a number written as text with the number.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = ["agree", "flattened", "normalised"]

# A double has 15 significant decimal digits; what was computed in doubles agrees to 12.
_FLOAT_DIGITS = 14
_FLOAT_PRECISION = Decimal("1e-12")
_HALF = Decimal("0.5")
_TRUE = frozenset({"true", "on", "yes", "1", "alarm", "active", "enabled", "success"})
_FALSE = frozenset({"false", "off", "no", "0", "noalarm", "inactive", "disabled", "none"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def normalised(name: str) -> str:
    """A name or word in small letters and digits alone."""
    return _SEPARATORS.sub("", name.lower())


def flattened(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested mappings and lists under its path, such as a.b[2]."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from flattened(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for at, member in enumerate(value):
            yield from flattened(member, f"{path}[{at}]")
    else:
        yield path, value


def agree(got: Any, published: Any) -> bool:
    """Whether a decoded value is the one that was published."""
    if isinstance(published, bool):
        return _truth(got) is published
    if isinstance(published, float):
        return _same_number(got, Decimal(repr(published)))
    if isinstance(published, int | Decimal):
        return _same_number(got, Decimal(published))
    if isinstance(published, str):
        return _same_text(got, published)
    if isinstance(published, list):
        members = got if isinstance(got, list | tuple) else [None]
        pairs = zip(members, published, strict=False)
        return len(members) == len(published) and all(agree(one, other) for one, other in pairs)
    return bool(got == published)


def _same_number(got: Any, published: Decimal) -> bool:
    if isinstance(got, datetime):
        got = int(got.replace(tzinfo=got.tzinfo or UTC).timestamp())
    if isinstance(got, str):
        got = _number(got)
    if got is None or isinstance(got, list | Mapping | bytes):
        return False
    difference = abs(Decimal(got) - published)
    digits, exponent = published.as_tuple().digits, published.as_tuple().exponent
    if len(digits) >= _FLOAT_DIGITS:
        return difference <= abs(published) * _FLOAT_PRECISION or _same_single(got, published)
    return difference <= (_HALF.scaleb(int(exponent)) if int(exponent) < 0 else 0)


def _same_single(got: Any, published: Decimal) -> bool:
    """Whether a single-precision float was published with the digits of a double, and is ours."""
    try:
        single = struct.pack(">f", float(published))
        is_single = struct.unpack(">f", single)[0] == float(published)
        return bool(is_single and struct.pack(">f", float(got)) == single)
    except OverflowError:
        return False


def _same_text(got: Any, published: str) -> bool:
    if isinstance(got, bool):
        return _truth(published) is got
    if isinstance(got, int | Decimal):
        number = _number(published)
        return number is not None and _same_number(got, number)
    if isinstance(got, datetime):
        return _same_time(got, published)
    if isinstance(got, bytes):
        return got.hex() == published.replace(" ", "").lower()
    if got is None:
        return published.lower() == "null"
    return isinstance(got, str) and normalised(got) == normalised(published)


def _same_time(got: datetime, published: str) -> bool:
    """Wall clocks agree as they are; an instant with one that has no zone when that is UTC."""
    if not _TIME.fullmatch(published):
        return False
    time = datetime.fromisoformat(published)
    return got.replace(tzinfo=got.tzinfo or UTC) == time.replace(tzinfo=time.tzinfo or UTC)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = normalised(str(value))
    return True if word in _TRUE else False if word in _FALSE else None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
