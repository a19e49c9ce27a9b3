"""Numbers of spreadsheets as text: exact decimals, whole numbers without a point, dates."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

__all__ = ["is_date_format", "number_text", "serial_text"]

# A double carries 15 decimal digits; what stands beyond them is noise of its binary form.
_EXACT_DIGITS = 15
_LONGEST = 60
_QUOTED = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_DATE_PARTS = re.compile(r"[dmyhs]", re.IGNORECASE)
_EPOCH_1900, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001
_LAST_SERIAL = 2_958_465  # 31 December 9999


def number_text(raw: str, *, is_double: bool = True) -> str:
    """`raw` as written in the file ("1.5E3", "0.30000000000000004") → "1500", "0.3".

    is_double: the file's program calculates with doubles; else every digit is meant.
    Raises ValueError for what is no number.
    """
    try:
        number = Decimal(raw)
        if is_double and len(number.as_tuple().digits) > _EXACT_DIGITS:
            number = Decimal(f"{float(raw):.{_EXACT_DIGITS}g}")
    except InvalidOperation as error:
        raise ValueError(raw) from error
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
        raise ValueError(raw)
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def serial_text(raw: str, *, from_1904: bool = False) -> str:
    """Day number of a spreadsheet → "2025-01-31" or "2025-01-31 09:30:00".

    Raises ValueError outside the calendar. Times are exact to the millisecond.
    """
    days = float(raw)
    if not 0 <= days <= _LAST_SERIAL:
        raise ValueError(raw)
    moment = (_EPOCH_1904 if from_1904 else _EPOCH_1900) + timedelta(
        milliseconds=round(days * 86_400_000)
    )
    if days == int(days):
        return moment.date().isoformat()
    return moment.isoformat(sep=" ", timespec="milliseconds" if moment.microsecond else "seconds")


def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time."""
    bare = _QUOTED.sub("", code.partition(";")[0])
    return bool(_DATE_PARTS.search(bare)) and bare.strip().lower() != "general"
