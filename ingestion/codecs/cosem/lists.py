"""What makers leave out of their pushes: codes by position, and scales without a scaler.

Source: the makers' published descriptions of the Norwegian and Swedish customer interface (HAN):
Kaifa sends lists of 1, 9, 13, 14 or 18 values without codes; Kaifa and Kamstrup send no scalers.
Units and exponents here are those descriptions'. Aidon sends both codes and scalers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .obis import Code, code_from_octets

__all__ = ["FAMILIES", "Family", "Scale", "family_of", "positions"]

_LIST_VERSION = "1-0:0.2.129"
_IDENTITY = (_LIST_VERSION, "0-0:96.1.0", "0-0:96.1.7")
_POWERS = ("1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0")
_CURRENTS = ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0")
_VOLTAGES = ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0")
_HOURLY = ("0-0:1.0.0", "1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")
_ONE_PHASE = (*_IDENTITY, *_POWERS, _CURRENTS[0], _VOLTAGES[0])
_THREE_PHASES = (*_IDENTITY, *_POWERS, *_CURRENTS, *_VOLTAGES)
_LISTS = (
    ("1-0:1.7.0",),
    _ONE_PHASE,
    _THREE_PHASES,
    (*_ONE_PHASE, *_HOURLY),
    (*_THREE_PHASES, *_HOURLY),
)
_TEXTS = frozenset({*_IDENTITY, "0-0:1.0.0"})


@dataclass(frozen=True, slots=True)
class Scale:
    """The power of ten and the unit of a value without them."""

    exponent: int
    unit: str


@dataclass(frozen=True, slots=True)
class Family:
    """Meters whose list version starts with `prefix`. Scales go by the numbers C and D of a code.

    `special` are scales of models whose type starts so: meters behind current transformers.
    """

    manufacturer: str
    prefix: str
    scales: Mapping[tuple[int, int], Scale] = field(default_factory=dict)
    special: Mapping[str, Mapping[tuple[int, int], Scale]] = field(default_factory=dict)

    def scale(self, code: Code, meter_type: str) -> Scale | None:
        key = (code[2], code[3])
        for prefix, scales in self.special.items():
            if meter_type.startswith(prefix) and key in scales:
                return scales[key]
        return self.scales.get(key)


def _phases(scale: Scale, first: int) -> dict[tuple[int, int], Scale]:
    return {(first + 20 * phase, 7): scale for phase in (0, 1, 2)}


def _electric(energy: int, current: int, voltage: int) -> dict[tuple[int, int], Scale]:
    """Scales of power (always 1 W, 1 var), energy, current and voltage of all phases."""
    scales = _phases(Scale(current, "A"), 31) | _phases(Scale(voltage, "V"), 32)
    for phase in (0, 20, 40, 60):
        for c, unit in ((1, "W"), (2, "W"), (3, "var"), (4, "var")):
            scales[phase + c, 7] = Scale(0, unit)
            scales[phase + c, 8] = Scale(energy, f"{unit}h")
    return scales


_CT_CURRENTS = _phases(Scale(-3, "A"), 31)
FAMILIES = (
    Family("Aidon", "AIDON"),
    Family("Kaifa", "KFM", _electric(energy=0, current=-3, voltage=-1)),
    Family(
        "Kamstrup", "Kamstrup", _electric(energy=1, current=-2, voltage=0), {"685": _CT_CURRENTS}
    ),
)


def family_of(list_version: str, *, positional: bool = False) -> Family | None:
    """The family of a list version; lists without codes are Kaifa's."""
    for family in FAMILIES:
        if list_version.upper().startswith(family.prefix.upper()):
            return family
    return FAMILIES[1] if positional and not list_version else None


def _code(text: str) -> Code:
    head, _, tail = text.partition(":")
    numbers = [*map(int, head.split("-")), *map(int, tail.split(".")), 255]
    return code_from_octets(bytes(numbers))


_POSITIONS = {len(row): tuple((_code(text), text in _TEXTS) for text in row) for row in _LISTS}


def positions(are_texts: tuple[bool, ...]) -> tuple[Code, ...]:
    """Codes of a list of so many values, if texts (or times) stand where they must; else none."""
    row = _POSITIONS.get(len(are_texts), ())
    if tuple(is_text for _, is_text in row) != are_texts:
        return ()
    return tuple(code for code, _ in row)
