"""The reading types that ship with the product, as data.

`meters.services.reading_types` writes them after every migrate. Exponents are those of the stored
integer: a value of 1 with exponent -3 and unit m3 is one litre. OBIS codes follow IEC 62056-6-1
and, for gas, water and heat, EN 13757-1; the CIM code is the 18-field ReadingTypeId of IEC 61968-9.
"""

from __future__ import annotations

from typing import NamedTuple

from .quantities import Accumulation, Direction, Quantity, Resource, Unit

__all__ = ["CATALOGUE", "CatalogueEntry"]


class CatalogueEntry(NamedTuple):
    """One reading type as it is written to the database."""

    code: str
    resource: Resource
    quantity: Quantity
    unit: Unit
    exponent: int
    accumulation: Accumulation
    display_unit: str
    obis: str = ""
    tariff: int = 0
    direction: Direction = Direction.NONE
    phase: str = ""

    @property
    def cim_code(self) -> str:
        """ReadingTypeId of IEC 61968-9, annex C, as far as its fields apply here."""
        measurement = _CIM_MEASUREMENT[self.quantity]
        flow = {Direction.NONE: 0, Direction.FORWARD: 1, Direction.REVERSE: 19}[self.direction]
        accumulation = _CIM_ACCUMULATION[self.accumulation]
        multiplier, unit = self.exponent, _CIM_UNIT[self.unit]
        phase = {"": 0, "L1": 128, "L2": 64, "L3": 32}[self.phase]
        fields = (0, 0, 0, accumulation, flow, _CIM_COMMODITY[self.resource], measurement)
        rest = (0, 0, 0, 0, self.tariff, 0, 0, phase, multiplier, unit, 0)
        return ".".join(str(number) for number in fields + rest)


_CIM_ACCUMULATION = {
    Accumulation.DELTA: 4,
    Accumulation.CUMULATIVE: 3,
    Accumulation.INSTANTANEOUS: 12,
}
_CIM_COMMODITY = {
    Resource.ELECTRICITY: 1,
    Resource.COLD_WATER: 9,
    Resource.HOT_WATER: 9,
    Resource.GAS: 7,
    Resource.HEAT: 13,
    Resource.DEVICE: 0,
}
_CIM_MEASUREMENT = {
    Quantity.ACTIVE_ENERGY: 12,
    Quantity.REACTIVE_ENERGY: 12,
    Quantity.ACTIVE_POWER: 37,
    Quantity.REACTIVE_POWER: 37,
    Quantity.VOLTAGE: 54,
    Quantity.CURRENT: 4,
    Quantity.FREQUENCY: 15,
    Quantity.VOLUME: 58,
    Quantity.BASE_VOLUME: 58,
    Quantity.FLOW: 58,
    Quantity.HEAT_ENERGY: 12,
    Quantity.COOLING_ENERGY: 12,
    Quantity.HEAT_POWER: 37,
    Quantity.FLOW_TEMPERATURE: 46,
    Quantity.RETURN_TEMPERATURE: 46,
    Quantity.TEMPERATURE: 46,
    Quantity.PRESSURE: 39,
    Quantity.BATTERY_VOLTAGE: 54,
    Quantity.BATTERY_LEVEL: 47,
    Quantity.SIGNAL: 0,
    Quantity.ALLOCATION: 0,
    Quantity.HUMIDITY: 0,
}
_CIM_UNIT = {
    Unit.WH: 72,
    Unit.VARH: 73,
    Unit.W: 38,
    Unit.VAR: 63,
    Unit.V: 29,
    Unit.A: 5,
    Unit.HZ: 33,
    Unit.M3: 42,
    Unit.M3H: 125,
    Unit.CELSIUS: 23,
    Unit.BAR: 39,
    Unit.PERCENT: 0,
    Unit.DBM: 0,
    Unit.HCA: 111,
}


def _energy(
    name: str, quantity: Quantity, unit: Unit, display: str, obis: int, direction: Direction
) -> list[CatalogueEntry]:
    """Register and interval value of one energy, total and tariffs 1 to 4."""
    entries = []
    for tariff in range(5):
        suffix = f".t{tariff}" if tariff else ""
        common = (Resource.ELECTRICITY, quantity, unit, 0)
        code = f"1-0:{obis}.8.{tariff}"
        entries += [
            CatalogueEntry(
                f"electricity.{name}.register{suffix}",
                *common,
                Accumulation.CUMULATIVE,
                display,
                code,
                tariff,
                direction,
            ),
            CatalogueEntry(
                f"electricity.{name}{suffix}",
                *common,
                Accumulation.DELTA,
                display,
                f"1-0:{obis}.29.{tariff}",
                tariff,
                direction,
            ),
        ]
    return entries


def _counted(
    code: str,
    resource: Resource,
    quantity: Quantity,
    unit: Unit,
    exponent: int,
    display: str,
    obis: tuple[str, str],
) -> list[CatalogueEntry]:
    """Register and interval value of one amount; `obis` in this order."""
    rows = ((".register", Accumulation.CUMULATIVE), ("", Accumulation.DELTA))
    return [
        CatalogueEntry(
            f"{code}{suffix}",
            resource,
            quantity,
            unit,
            exponent,
            accumulation,
            display,
            number,
            direction=Direction.FORWARD,
        )
        for (suffix, accumulation), number in zip(rows, obis, strict=True)
    ]


def _volume(resource: Resource, medium: int) -> list[CatalogueEntry]:
    name = resource.value
    return [
        CatalogueEntry(
            f"{name}.volume.register",
            resource,
            Quantity.VOLUME,
            Unit.M3,
            -3,
            Accumulation.CUMULATIVE,
            "m³",
            f"{medium}-0:1.0.0",
            direction=Direction.FORWARD,
        ),
        CatalogueEntry(
            f"{name}.volume",
            resource,
            Quantity.VOLUME,
            Unit.M3,
            -3,
            Accumulation.DELTA,
            "m³",
            f"{medium}-0:1.29.0",
            direction=Direction.FORWARD,
        ),
        CatalogueEntry(
            f"{name}.flow",
            resource,
            Quantity.FLOW,
            Unit.M3H,
            -3,
            Accumulation.INSTANTANEOUS,
            "m³/h",
            f"{medium}-0:2.0.0",
        ),
        CatalogueEntry(
            f"{name}.pressure",
            resource,
            Quantity.PRESSURE,
            Unit.BAR,
            -3,
            Accumulation.INSTANTANEOUS,
            "bar",
        ),
    ]


def _instant(
    code: str,
    resource: Resource,
    quantity: Quantity,
    unit: Unit,
    exponent: int,
    display: str,
    obis: str = "",
    phase: str = "",
) -> CatalogueEntry:
    return CatalogueEntry(
        code,
        resource,
        quantity,
        unit,
        exponent,
        Accumulation.INSTANTANEOUS,
        display,
        obis,
        phase=phase,
    )


_EL, _HT, _DV = Resource.ELECTRICITY, Resource.HEAT, Resource.DEVICE
_IN, _OUT = Direction.FORWARD, Direction.REVERSE
_Q = Quantity

CATALOGUE: tuple[CatalogueEntry, ...] = (
    *_energy("active.import", _Q.ACTIVE_ENERGY, Unit.WH, "kWh", 1, _IN),
    *_energy("active.export", _Q.ACTIVE_ENERGY, Unit.WH, "kWh", 2, _OUT),
    *_energy("reactive.import", _Q.REACTIVE_ENERGY, Unit.VARH, "kvarh", 3, _IN),
    *_energy("reactive.export", _Q.REACTIVE_ENERGY, Unit.VARH, "kvarh", 4, _OUT),
    _instant("electricity.power.import", _EL, _Q.ACTIVE_POWER, Unit.W, 0, "kW", "1-0:1.7.0"),
    _instant("electricity.power.export", _EL, _Q.ACTIVE_POWER, Unit.W, 0, "kW", "1-0:2.7.0"),
    _instant(
        "electricity.power.reactive", _EL, _Q.REACTIVE_POWER, Unit.VAR, 0, "kvar", "1-0:3.7.0"
    ),
    _instant("electricity.voltage.l1", _EL, _Q.VOLTAGE, Unit.V, -1, "V", "1-0:32.7.0", "L1"),
    _instant("electricity.voltage.l2", _EL, _Q.VOLTAGE, Unit.V, -1, "V", "1-0:52.7.0", "L2"),
    _instant("electricity.voltage.l3", _EL, _Q.VOLTAGE, Unit.V, -1, "V", "1-0:72.7.0", "L3"),
    _instant("electricity.current.l1", _EL, _Q.CURRENT, Unit.A, -3, "A", "1-0:31.7.0", "L1"),
    _instant("electricity.current.l2", _EL, _Q.CURRENT, Unit.A, -3, "A", "1-0:51.7.0", "L2"),
    _instant("electricity.current.l3", _EL, _Q.CURRENT, Unit.A, -3, "A", "1-0:71.7.0", "L3"),
    _instant("electricity.frequency", _EL, _Q.FREQUENCY, Unit.HZ, -2, "Hz", "1-0:14.7.0"),
    *_volume(Resource.COLD_WATER, 8),
    *_volume(Resource.HOT_WATER, 9),
    *_volume(Resource.GAS, 7),
    # Converted to base conditions, by the meter or its converter.
    *_counted(
        "gas.volume.base",
        Resource.GAS,
        _Q.BASE_VOLUME,
        Unit.M3,
        -3,
        "m³",
        ("7-0:3.2.0", "7-0:3.29.0"),
    ),
    _instant("cold_water.temperature", Resource.COLD_WATER, _Q.TEMPERATURE, Unit.CELSIUS, -2, "°C"),
    _instant("hot_water.temperature", Resource.HOT_WATER, _Q.TEMPERATURE, Unit.CELSIUS, -2, "°C"),
    _instant("gas.temperature", Resource.GAS, _Q.TEMPERATURE, Unit.CELSIUS, -2, "°C"),
    CatalogueEntry(
        "heat.energy.register",
        _HT,
        _Q.HEAT_ENERGY,
        Unit.WH,
        0,
        Accumulation.CUMULATIVE,
        "kWh",
        "6-0:1.0.0",
        direction=_IN,
    ),
    CatalogueEntry(
        "heat.energy",
        _HT,
        _Q.HEAT_ENERGY,
        Unit.WH,
        0,
        Accumulation.DELTA,
        "kWh",
        "6-0:1.29.0",
        direction=_IN,
    ),
    CatalogueEntry(
        "heat.volume.register",
        _HT,
        _Q.VOLUME,
        Unit.M3,
        -3,
        Accumulation.CUMULATIVE,
        "m³",
        "6-0:2.0.0",
    ),
    CatalogueEntry(
        "heat.volume", _HT, _Q.VOLUME, Unit.M3, -3, Accumulation.DELTA, "m³", "6-0:2.29.0"
    ),
    *_counted(
        "heat.cooling", _HT, _Q.COOLING_ENERGY, Unit.WH, 0, "kWh", ("5-0:1.0.0", "5-0:1.29.0")
    ),
    # Heat cost allocators (EN 834) show units without a dimension.
    *_counted(
        "heat.allocation", _HT, _Q.ALLOCATION, Unit.HCA, -3, "HCA", ("4-0:1.0.0", "4-0:1.29.0")
    ),
    _instant("heat.power", _HT, _Q.HEAT_POWER, Unit.W, 0, "kW", "6-0:8.0.0"),
    _instant("heat.flow", _HT, _Q.FLOW, Unit.M3H, -3, "m³/h", "6-0:9.0.0"),
    _instant(
        "heat.temperature.flow", _HT, _Q.FLOW_TEMPERATURE, Unit.CELSIUS, -2, "°C", "6-0:10.0.0"
    ),
    _instant(
        "heat.temperature.return", _HT, _Q.RETURN_TEMPERATURE, Unit.CELSIUS, -2, "°C", "6-0:11.0.0"
    ),
    _instant("heat.pressure", _HT, _Q.PRESSURE, Unit.BAR, -3, "bar"),
    _instant("device.battery.voltage", _DV, _Q.BATTERY_VOLTAGE, Unit.V, -3, "V", "0-0:96.6.3"),
    _instant("device.battery.level", _DV, _Q.BATTERY_LEVEL, Unit.PERCENT, 0, "%", "0-0:96.6.6"),
    _instant("device.signal", _DV, _Q.SIGNAL, Unit.DBM, 0, "dBm", "0-0:96.12.5"),
    _instant("device.temperature", _DV, _Q.TEMPERATURE, Unit.CELSIUS, -2, "°C", "0-0:96.9.0"),
    _instant("device.humidity", _DV, _Q.HUMIDITY, Unit.PERCENT, -1, "%"),
)
