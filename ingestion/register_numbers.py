"""Which number of the universal protocol each reading type has, and its unit on the device.

A device type may say so itself: in a template whose register is a number, or in the `[universal]`
table of its definition (TOML), where a register of 10 Wh a count is written

    [universal.registers.0]
    reading_types = ["electricity.active.import", "electricity.active.import.register"]
    scale = "10"        # units of the reading type's archive for one count; "1/3" is exact too

Else the numbers are those of docs/protocol.md, and a count is one unit of the archive.
"""

from __future__ import annotations

import tomllib
from fractions import Fraction
from itertools import count
from typing import Any, NamedTuple

__all__ = ["Numbered", "foreign_number", "registers_of_definition", "standard_number"]

_MAX_NUMBER = 255
# Reading type without its resource and without ".register" → number; tariffs follow their total.
_STANDARD = {
    "active.import": 0,
    "active.export": 5,
    "reactive.import": 10,
    "reactive.export": 11,
    "volume": 0,
    "energy": 0,
    "power": 16,
    "power.import": 16,
    "flow": 16,
    "voltage.l1": 17,
    "voltage.l2": 18,
    "voltage.l3": 19,
    "current.l1": 20,
    "current.l2": 21,
    "current.l3": 22,
    "pressure": 23,
    "temperature": 24,
    "temperature.flow": 24,
    "temperature.return": 25,
}
_OF_HEAT = {"volume": 12, "flow": 26}
_WITH_TARIFFS = {0, 5}


class Numbered(NamedTuple):
    """A register of the protocol: its number, and archive units for one count."""

    number: int
    scale: Fraction = Fraction(1)


def standard_number(code: str) -> int | None:
    """Number of a reading type such as "cold_water.volume.register"; None: it has none."""
    resource, _, rest = code.partition(".")
    rest = ".".join(part for part in rest.split(".") if part != "register")
    base, dot, tariff = rest.rpartition(".t")
    if dot and tariff.isdecimal():
        total = _STANDARD.get(base)
        return total + int(tariff) if total in _WITH_TARIFFS else None
    if resource == "heat" and rest in _OF_HEAT:
        return _OF_HEAT[rest]
    return _STANDARD.get(rest)


_next, _foreign = count(), dict[str, int]()


def foreign_number(code: str) -> int:
    """Number of a reading type, its register and its amounts alike, for what foreign devices tell.

    Given out as they are asked for, the same as long as the process lives, and written nowhere. In
    a key of `ingestion.routing` it fills the eight bits of a register and those above the port.
    """
    name = ".".join(part for part in code.split(".") if part != "register")
    number = _foreign.get(name)
    if number is None:
        number = _foreign.setdefault(name, next(_next))
    return (number >> 8) << 16 | number & 0xFF


def registers_of_definition(definition: str) -> dict[str, Numbered]:
    """Reading type code → register, as the definition of a device type says.

    A definition without a table for this protocol says nothing. ValueError for a wrong one.
    """
    try:
        table: Any = tomllib.loads(definition).get("universal", {}).get("registers", {})
        return {
            str(code): _numbered(number, row)
            for number, row in table.items()
            for code in row["reading_types"]
        }
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the definition's registers are not as expected: {error}") from error


def _numbered(number: str, row: dict[str, Any]) -> Numbered:
    scale = Fraction(str(row.get("scale", "1")))
    if not number.isdecimal() or int(number) > _MAX_NUMBER or scale <= 0:
        raise ValueError(f"register {number} with scale {scale} is not possible")
    return Numbered(int(number), scale)
