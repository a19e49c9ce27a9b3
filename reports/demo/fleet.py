"""Usage points, modules and meters of a demo company, gathered first and written in bulk."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from meters.models import (
    Connection,
    Installation,
    InstallationReading,
    Meter,
    ReadingType,
    TelemetryModule,
    UsagePoint,
)
from meters.quantities import Resource
from meters.services.channels import instantiate
from meters.services.installations import installations_settle
from meters.services.usage_points import connections_settle

from .networks import PREFIXES

if TYPE_CHECKING:
    from accounts.models import Company
    from hierarchy.models import Node
    from meters.models import DeviceType

__all__ = ["BULK", "HOUSEHOLD", "Fleet", "Make", "opening_readings", "readings_after"]

_YEAR = 365.25
# Every point was measured for as long as the archive of the demo goes back.
_YOUNGEST = 430


class Make(NamedTuple):
    """How meters of a type look: serial numbers, counter, verification, use in a year."""

    type_code: str
    serial: str  # format of (year of manufacture, running number)
    digits: int
    verified_for: int  # years
    yearly: tuple[int, int]  # kWh or m³ from, to
    place: Decimal  # the counter's last digit


_KWH, _LITRE, _TEN_LITRES = Decimal("0.01"), Decimal("0.001"), Decimal("0.01")

HOUSEHOLD = {
    Resource.ELECTRICITY: Make(
        "reference-electricity-1ph", "{0:02d}1{1:07d}", 8, 16, (1100, 3200), _KWH
    ),
    Resource.COLD_WATER: Make("reference-cold-water", "CW{0:02d}-{1:06d}", 8, 4, (28, 96), _LITRE),
    Resource.HOT_WATER: Make("reference-hot-water", "HW{0:02d}-{1:06d}", 8, 4, (18, 60), _LITRE),
    Resource.GAS: Make("reference-gas", "G4-{0:02d}{1:07d}", 8, 8, (60, 220), _LITRE),
    Resource.HEAT: Make("reference-heat", "{0:02d}H{1:06d}", 8, 4, (3000, 7500), Decimal(1)),
}
BULK = {
    Resource.ELECTRICITY: Make(
        "reference-electricity-3ph", "{0:02d}3{1:07d}", 8, 16, (2200, 4600), _KWH
    ),
    Resource.COLD_WATER: Make(
        "reference-cold-water-bulk", "CB{0:02d}-{1:05d}", 9, 4, (2600, 5200), _TEN_LITRES
    ),
    Resource.HOT_WATER: Make(
        "reference-hot-water-bulk", "HB{0:02d}-{1:05d}", 9, 4, (1500, 3400), _TEN_LITRES
    ),
    Resource.GAS: Make(
        "reference-gas-bulk", "G65-{0:02d}{1:06d}", 9, 2, (5000, 14000), _TEN_LITRES
    ),
    Resource.HEAT: Make(
        "reference-heat-bulk", "{0:02d}HB{1:05d}", 9, 4, (220000, 480000), Decimal(1)
    ),
}
# Device id of the universal protocol, by type.
_ADDRESSES = {
    "reference-water-module": "RDW-{0:010d}",
    "reference-gas-module": "RDG-{0:010d}",
    "reference-concentrator": "RDC-{0:010d}",
    "reference-modem": "RDM-{0:010d}",
}
_MODULE_SERIALS = {
    "reference-water-module": "WM-{0:06d}",
    "reference-gas-module": "GM-{0:06d}",
    "reference-concentrator": "BC-{0:05d}",
    "reference-modem": "MD-{0:05d}",
}


class Fleet:
    """What one company owns. The same seed and day give the same fleet."""

    def __init__(
        self, company: Company, types: dict[str, DeviceType], *, today: date, seed: int
    ) -> None:
        self.company, self.types, self.today = company, types, today
        self.random = Random(seed)  # noqa: S311 - the demo wants the same numbers every time
        self.zone = ZoneInfo(company.time_zone)
        self.points: list[UsagePoint] = []
        self.connections: list[Connection] = []
        self.modules: list[TelemetryModule] = []
        self.meters: list[Meter] = []
        self.installations: list[Installation] = []
        self._numbers: Counter[str] = Counter()
        self._ports: Counter[int] = Counter()

    def point(
        self, resource: Resource, place: Node, node: Node, *, role: str, name: str = ""
    ) -> UsagePoint:
        """A usage point connected to `node` since before any meter was installed."""
        code = f"{PREFIXES[resource]}-{self._next(resource):05d}"
        point = UsagePoint(
            company=self.company, code=code, name=name, resource=resource, role=role, place=place
        )
        self.points.append(point)
        self.connections.append(
            Connection(
                company=self.company,
                usage_point=point,
                node=node,
                valid_from=date(self.today.year - 8, 1, 1),
            )
        )
        return point

    def module(
        self, type_code: str, place: Node | None, status: str = TelemetryModule.Status.ACTIVE
    ) -> TelemetryModule:
        """A module with the next serial number and address of its type."""
        number = self._next(type_code)
        module = TelemetryModule(
            company=self.company,
            serial=_MODULE_SERIALS[type_code].format(2000 + number),
            address=_ADDRESSES[type_code].format(4100 * self.company.pk + number),
            device_type=self.types[type_code],
            place=place,
            status=status,
        )
        self.modules.append(module)
        return module

    def meter(
        self, make: Make, module: TelemetryModule | None = None, *, made_on: date | None = None
    ) -> Meter:
        """A meter on the next free port of the module; without a day made lately, for the store."""
        made_on = made_on or self.today - timedelta(days=self.random.randint(30, 200))
        verified_on = made_on + timedelta(days=self.random.randint(3, 25))
        meter = Meter(
            company=self.company,
            serial=make.serial.format(made_on.year % 100, 3000 + self._next(make.type_code)),
            device_type=self.types[make.type_code],
            module=module,
            digits=make.digits,
            manufactured_on=made_on,
            verified_on=verified_on,
            verification_due_on=verified_on + timedelta(days=round(_YEAR * make.verified_for)),
        )
        if module is not None:
            self._ports[id(module)] += 1
            meter.port = self._ports[id(module)]
        self.meters.append(meter)
        return meter

    def measured(
        self,
        point: UsagePoint,
        make: Make,
        module: TelemetryModule | None = None,
        multiplier: int = 1,
    ) -> Meter:
        """A meter installed at the point some time within its last verification period."""
        # A few weeks longer than the verification holds: somebody always is late.
        oldest = min(round(_YEAR * make.verified_for * 1.04), round(_YEAR * 7))
        day = self.today - timedelta(days=self.random.randint(_YOUNGEST, oldest))
        made_on = day - timedelta(days=self.random.randint(30, 200))
        meter = self.meter(make, module, made_on=made_on)
        self.installations.append(
            Installation(
                company=self.company,
                meter=meter,
                usage_point=point,
                installed_at=self.instant(day),
                multiplier=Decimal(multiplier),
                reason="First installation",
            )
        )
        return meter

    def instant(self, day: date) -> datetime:
        """Some working hour of the day, local."""
        at = time(self.random.randint(9, 16), self.random.choice((0, 10, 20, 30, 40, 50)))
        return datetime.combine(day, at, tzinfo=self.zone)

    def save(self) -> None:
        """Write everything; meters, usage points and channels follow what was written."""
        UsagePoint.objects.bulk_create(self.points)
        Connection.objects.bulk_create(self.connections)
        TelemetryModule.objects.bulk_create(self.modules)
        Meter.objects.bulk_create(self.meters)
        Installation.objects.bulk_create(self.installations)
        types = {row.code: row for row in ReadingType.objects.all()}
        InstallationReading.objects.bulk_create(
            InstallationReading(
                company=self.company,
                installation=row,
                reading_type=types[code],
                opening=value,
            )
            for row in self.installations
            for code, value in opening_readings(row.usage_point.resource, self.random).items()
        )
        connections_settle(usage_points=[point.pk for point in self.points])
        installations_settle(installations=[row.pk for row in self.installations])
        instantiate(modules=[module.pk for module in self.modules])

    def _next(self, kind: str) -> int:
        self._numbers[kind] += 1
        return self._numbers[kind]


def opening_readings(resource: str, random: Random) -> dict[str, Decimal]:
    """What a new meter shows after its test, by reading type code."""
    return _registers(resource, Decimal(random.randint(12, 980)) / 1000)


def readings_after(
    opened: dict[str, Decimal], make: Make, resource: str, *, days: int, random: Random
) -> dict[str, Decimal]:
    """What the registers show after so many days of ordinary use."""
    used = Decimal(random.randint(*make.yearly)) * days / Decimal(_YEAR)
    grown = _registers(resource, used)
    return {code: (value + grown[code]).quantize(make.place) for code, value in opened.items()}


def _registers(resource: str, amount: Decimal) -> dict[str, Decimal]:
    """The registers of a resource when `amount` (kWh or m³) went through; totals add up."""
    if resource == Resource.ELECTRICITY:
        night = (amount * 3 / 10).quantize(_KWH)
        day = (amount - night).quantize(_KWH)
        name = "electricity.active.import.register"
        return {name: day + night, f"{name}.t1": day, f"{name}.t2": night}
    if resource == Resource.HEAT:
        # Water cooled by 20 K gives up 23 kWh a cubic metre.
        return {"heat.energy.register": amount, "heat.volume.register": amount / 23}
    return {f"{resource}.volume.register": amount}
