"""Reference device types the demo needs; they ship with the product (no company)."""

from __future__ import annotations

from typing import NamedTuple

from meters.models import DeviceType, DeviceTypeVersion, ReadingType, RegisterTemplate
from meters.quantities import Resource
from meters.services.device_types import device_type_version_publish

__all__ = ["MANUFACTURER", "TYPES", "device_types_ensure"]

MANUFACTURER = "Readout"
_METER, _MODULE = DeviceType.Role.METER, DeviceType.Role.MODULE
_HOUR, _DAY = 60, 1440


class TypeSpec(NamedTuple):
    """A device type with the reading types it tells: (code, interval in minutes)."""

    code: str
    name: str
    role: str
    resource: Resource
    registers: tuple[tuple[str, int], ...]


def _volume(resource: Resource, *more: str) -> tuple[tuple[str, int], ...]:
    name = resource.value
    hourly = (f"{name}.volume", *(f"{name}.{suffix}" for suffix in more))
    return ((f"{name}.volume.register", _DAY), *((code, _HOUR) for code in hourly))


_TARIFFS = tuple(
    (f"electricity.active.import.register{suffix}", _DAY) for suffix in ("", ".t1", ".t2")
)
_PHASES = tuple(
    (f"electricity.{quantity}.{phase}", _HOUR)
    for quantity in ("voltage", "current")
    for phase in ("l1", "l2", "l3")
)
_HEAT = (("heat.energy.register", _DAY), ("heat.volume.register", _DAY), ("heat.energy", _HOUR))
_TEMPERATURES = (("heat.temperature.flow", _HOUR), ("heat.temperature.return", _HOUR))
_SIGNS_OF_LIFE = (("device.battery.level", _DAY), ("device.signal", _HOUR))
_EL, _CW, _HW = Resource.ELECTRICITY, Resource.COLD_WATER, Resource.HOT_WATER
_DEVICE = Resource.DEVICE

TYPES = (
    TypeSpec(
        "reference-electricity-1ph",
        "reference electricity meter, single-phase",
        _METER,
        _EL,
        (*_TARIFFS, ("electricity.active.import", _HOUR), ("electricity.voltage.l1", _HOUR)),
    ),
    TypeSpec(
        "reference-electricity-3ph",
        "reference electricity meter, three-phase, transformer-connected",
        _METER,
        _EL,
        (
            *_TARIFFS,
            ("electricity.active.import", 30),
            ("electricity.reactive.import", 30),
            *_PHASES,
        ),
    ),
    TypeSpec("reference-cold-water", "reference cold water meter", _METER, _CW, _volume(_CW)),
    TypeSpec(
        "reference-cold-water-bulk",
        "reference bulk cold water meter",
        _METER,
        _CW,
        _volume(_CW, "flow", "pressure"),
    ),
    TypeSpec("reference-hot-water", "reference hot water meter", _METER, _HW, _volume(_HW)),
    TypeSpec(
        "reference-hot-water-bulk",
        "reference bulk hot water meter",
        _METER,
        _HW,
        _volume(_HW, "flow", "temperature"),
    ),
    TypeSpec(
        "reference-gas", "reference gas meter G4", _METER, Resource.GAS, _volume(Resource.GAS)
    ),
    TypeSpec(
        "reference-gas-bulk",
        "reference industrial gas meter G65",
        _METER,
        Resource.GAS,
        _volume(Resource.GAS, "flow", "pressure", "temperature"),
    ),
    TypeSpec("reference-heat", "reference apartment heat meter", _METER, Resource.HEAT, _HEAT),
    TypeSpec(
        "reference-heat-bulk",
        "reference building heat meter",
        _METER,
        Resource.HEAT,
        (*_HEAT, ("heat.power", _HOUR), ("heat.flow", _HOUR), *_TEMPERATURES),
    ),
    TypeSpec("reference-water-module", "reference water module", _MODULE, _DEVICE, _SIGNS_OF_LIFE),
    TypeSpec("reference-gas-module", "reference gas module", _MODULE, _DEVICE, _SIGNS_OF_LIFE),
    TypeSpec(
        "reference-concentrator",
        "reference building concentrator",
        _MODULE,
        _DEVICE,
        (("device.signal", _HOUR), ("device.temperature", _HOUR)),
    ),
    TypeSpec("reference-modem", "reference modem", _MODULE, _DEVICE, (("device.signal", _HOUR),)),
)


def device_types_ensure() -> dict[str, DeviceType]:
    """The reference types by code; those that exist stay as they are."""
    found = {row.code: row for row in DeviceType.objects.filter(company=None)}
    reading_types = {row.code: row for row in ReadingType.objects.all()}
    for spec in TYPES:
        if spec.code not in found:
            found[spec.code] = _create(spec, reading_types)
    return found


def _create(spec: TypeSpec, reading_types: dict[str, ReadingType]) -> DeviceType:
    device_type = DeviceType(
        code=spec.code,
        manufacturer=MANUFACTURER,
        name=spec.name,
        role=spec.role,
        resource=spec.resource,
    )
    device_type.full_clean()
    device_type.save()
    version = DeviceTypeVersion.objects.create(
        device_type=device_type, number=1, comment="First version"
    )
    RegisterTemplate.objects.bulk_create(
        RegisterTemplate(
            version=version,
            register=code.partition(".")[2][:32],
            reading_type=reading_types[code],
            interval_minutes=minutes,
        )
        for code, minutes in spec.registers
    )
    device_type_version_publish(actor=None, version=version)
    return device_type
