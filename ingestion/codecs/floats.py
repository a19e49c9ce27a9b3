"""IEEE 754 binary floats as the exact numbers that people meant.

A device that sends 0.1 as a float sends 0.100000001490116…; what was meant is the shortest decimal
that reads back as the same float of the same width.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

__all__ = ["float_decimal"]

_WIDTHS = {2: ">f2", 4: ">f4", 8: ">f8"}


def float_decimal(octets: bytes) -> Decimal | None:
    """The number of 2, 4 or 8 bytes, highest first; None for NaN and the infinities."""
    value = np.frombuffer(octets, _WIDTHS[len(octets)])[0]
    return Decimal(str(value)) if np.isfinite(value) else None
