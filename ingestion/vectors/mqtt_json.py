"""JSON messages of devices on MQTT, with quantities published as name_unit, by shipped types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from ingestion.codecs.errors import DecodeError
from ingestion.decoding import Arrival, CompiledType, Decoded, Reading
from ingestion.decoding.units import conversion
from ingestion.inspection.types import TYPES_FOLDER, compiled_type

from .agreeing import agree
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare"]

_CHANNEL = "ch"
# The vectors do not say where a device stands; only times without a zone depend on it.
_CONFIG = {"zone": "UTC"}


class _Quantity(NamedTuple):
    """A published name: `ch1.energy_import_Wh` is energy_import of port 1 in Wh."""

    register: str
    unit: str
    port: int | None


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome a message. The type is the first of the shipped ones that reads it."""
    for place, vector in enumerate(vector_file.get("vectors", ())):
        name = f"{place} {vector.get('topic') or vector.get('source', '')}".strip()
        yield _outcome(name, vector)


def _outcome(name: str, vector: Mapping[str, Any]) -> Outcome:
    octets, arrival = vector["payload"].encode(), Arrival(config=_CONFIG, memory={})
    reasons = []
    for compiled in _json_types():
        try:
            decoded = compiled.decode(octets, context=arrival)
        except DecodeError as error:
            reasons.append(f"{compiled.definition.type}: {error}")
            continue
        faults = list(_faults(decoded, vector["expected"]))
        return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))
    return Outcome(name, REFUSED, "; ".join(reasons))


def _json_types() -> Iterator[CompiledType]:
    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        # Compiling all types that ship takes seconds; the text tells which are worth it.
        if "json" in path.read_text(encoding="utf-8"):
            compiled = compiled_type(path.stem)
            if compiled.definition.decode.kind == "json":
                yield compiled


def _faults(decoded: Decoded, expected: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        got = _told(decoded, name)
        if got is None:
            yield f"{name} = {value}: not decoded"
        elif not agree(got, value):
            yield f"{name} = {value}: decoded {got}"


def _told(decoded: Decoded, name: str) -> Any:
    if name == "device":
        return decoded.identity.value if decoded.identity else None
    if name == "time_unix":
        return next((one.at for one in decoded.readings if one.at), None)
    quantity = _quantity(name)
    values = [
        _in_unit(one, quantity.unit)
        for one in decoded.readings
        if one.register.partition(".")[0] == quantity.register and quantity.port in (None, one.port)
    ]
    return values[0] if len(values) == 1 else values or None


def _quantity(name: str) -> _Quantity:
    channel, _, rest = name.rpartition(".")
    register, _, unit = rest.rpartition("_")
    number = channel.removeprefix(_CHANNEL)
    return _Quantity(register, unit, int(number) if number.isdecimal() else None)


def _in_unit(reading: Reading, unit: str) -> Decimal | None:
    between = conversion(reading.unit, unit)
    if between is None:
        return None
    value = Fraction(reading.said) * between.factor + between.offset
    return Decimal(value.numerator) / Decimal(value.denominator)
