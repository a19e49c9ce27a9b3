"""IEEE 754 binary floats as the exact numbers that people meant.

A device that sends 0.1 as a float sends 0.100000001490116…; what was meant is the shortest decimal
that reads back as the same float of the same width.
"""

from __future__ import annotations

import struct
from decimal import Decimal
from math import isfinite

__all__ = ["float_decimal"]

# Size → how it is read; the digits that are always kept, and those that are always enough (C's
# FLT_DIG and FLT_DECIMAL_DIG); the least number that has all its bits.
_WIDTHS = {
    2: (struct.Struct(">e"), 3, 5, 2.0**-14),
    4: (struct.Struct(">f"), 6, 9, 2.0**-126),
}
_DOUBLE = struct.Struct(">d")


def float_decimal(octets: bytes) -> Decimal | None:
    """The number of 2, 4 or 8 bytes, highest first; None for NaN and the infinities."""
    if len(octets) == _DOUBLE.size:
        value: float = _DOUBLE.unpack(octets)[0]
        return Decimal(repr(value)) if isfinite(value) else None
    form, least, most, smallest = _WIDTHS[len(octets)]
    value = form.unpack(octets)[0]
    if not isfinite(value):
        return None
    # Numbers of meters have few digits: the first try is mostly the last.
    for digits in range(least if abs(value) >= smallest else 1, most):
        text = f"{value:.{digits}g}"
        if form.pack(float(text)) == octets:
            return Decimal(text)
    return Decimal(f"{value:.{most}g}")
