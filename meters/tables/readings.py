"""Opening and closing readings of the installations of an import."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from config.lib.statistics import analyze_after_bulk
from meters.models import Installation, InstallationReading, Meter, ReadingType
from meters.quantities import Accumulation

from .devices import batches
from .registers import MAIN_REGISTERS, register_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hierarchy.tables.plan import Entry, Plan

__all__ = ["Readings"]

_BATCH = 2_000
Told = list[tuple[str, Any, Any]]


class Readings:
    """Collects new rows and changes of stored ones, register by register."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._types = {
            row.code: row
            for row in ReadingType.objects.filter(accumulation=Accumulation.CUMULATIVE)
        }
        self._stored: dict[tuple[int, int], InstallationReading] = {}
        self._new: list[InstallationReading] = []
        self._changed: dict[int, InstallationReading] = {}

    def load(self, installations: Iterable[int]) -> None:
        for keys in batches(installations):
            for row in InstallationReading.objects.filter(installation__in=keys):
                self._stored[row.installation_id, row.reading_type_id] = row

    def take(
        self, entry: Entry, installation: Installation, meter: Meter, *, removed: bool
    ) -> Told | None:
        """What changes in the readings; None after something was reported."""
        told: Told = []
        new: dict[int, InstallationReading] = {}
        values = entry.line.values
        for item in [item for item in register_columns() if item.column.name in values]:
            value = values[item.column.name]
            register = self._register(entry, item.column.name, item.register, installation)
            if register is None or not _fits(entry, item.column.name, value, meter):
                return None
            if item.which == "closing" and not removed:
                entry.fail(item.column.name, _("Say when the meter was removed."))
                return None
            row = self._row(installation, register, new)
            if item.which == "closing" and row.opening is None:
                entry.fail(item.column.name, _("The opening reading of the register is missing."))
                return None
            self._set(row, item.which, value, told, item.column.name)
        self._new += new.values()
        return told

    def _register(
        self, entry: Entry, column: str, code: str, installation: Installation
    ) -> ReadingType | None:
        resource = installation.usage_point.resource
        register = self._types.get(code or MAIN_REGISTERS[resource])
        if register is None or register.resource != resource:
            text = _("Meters of the resource %s have no such register.")
            entry.fail(column, text % installation.usage_point.get_resource_display())
            return None
        return register

    def _row(
        self,
        installation: Installation,
        register: ReadingType,
        new: dict[int, InstallationReading],
    ) -> InstallationReading:
        stored = self._stored.get((installation.pk, register.pk))
        if stored is not None:
            return stored
        row = new.get(register.pk)
        if row is None:
            row = new[register.pk] = InstallationReading(
                company=self._plan.company, installation=installation, reading_type=register
            )
        return row

    def _set(
        self, row: InstallationReading, which: str, value: Decimal, told: Told, column: str
    ) -> None:
        before = getattr(row, which)
        if before == value:
            return
        setattr(row, which, value)
        told.append((column, before, value))
        if row.pk is not None:
            self._changed[row.pk] = row

    def write(self) -> None:
        """Store everything; new installations have their keys by now."""
        rows = InstallationReading.objects
        rows.bulk_create(self._new, batch_size=_BATCH)
        analyze_after_bulk(InstallationReading, len(self._new))
        changed = list(self._changed.values())
        rows.bulk_update(changed, ["opening", "closing"], batch_size=_BATCH)


def _fits(entry: Entry, column: str, value: Decimal, meter: Meter) -> bool:
    if value < Decimal(10) ** meter.digits:
        return True
    text = _("The reading has more digits than the %d of the meter.")
    entry.fail(column, text % meter.digits)
    return False
