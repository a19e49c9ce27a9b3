"""What a field says of its value besides the value: name, unit, quality range, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import Place, SchemaError
from .references import name_template
from .state import Leaf
from .values import bounds, spoken_formula

__all__ = ["leaf_of"]

# Other spellings of the symbols that readings use.
_UNITS = {
    "C": "°C",
    "degC": "°C",
    "Cel": "°C",
    "℃": "°C",
    "m³": "m3",
    "m³/h": "m3/h",
    "l": "L",
    "litre": "L",
    "liter": "L",
    "%RH": "%",
    "percent": "%",
}
_FACTS = ("semantic", "ipso", "senml", "unece", "resolution")


def leaf_of(field: Mapping[str, Any], place: Place, bits: str = "") -> Leaf:
    name = field.get("name", "")
    if not isinstance(name, str):
        raise SchemaError((*place, "name"), "a name is text")
    unit = str(field.get("unit") or "")
    facts = {key: field[key] for key in _FACTS if key in field}
    if bits:
        facts["bits"] = bits
    template = field.get("name_from")
    return Leaf(
        name=name,
        var=str(field.get("var") or ""),
        unit="" if unit.startswith("$") else _UNITS.get(unit, unit),
        formula=spoken_formula(field),
        facts=facts,
        valid=bounds(field, place),
        output=name_template(str(template), (*place, "name_from")) if template else None,
    )
