"""Telemetry modules of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.kinds import System
from hierarchy.tables.nodes import nodes_of
from hierarchy.tables.plan import Entry, Plan
from meters.models import TelemetryModule
from meters.services.channels import instantiate

from .devices import DeviceStage, batches
from .places import place_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.lib.tables.lines import Line

__all__ = ["ModuleStage"]


class ModuleStage(DeviceStage):
    """A module that a wide sheet adds without a place stands where its row is."""

    name = "modules"
    title = gettext_lazy("telemetry modules")
    model = TelemetryModule
    own = ("type", "address", "status", "place")
    related = "place"
    roles = ("module", "both")

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._addresses: dict[str, Any] = {}

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        entry = super().add(line, columns, merges)
        if entry is not None:
            nodes_of(self.plan).lookup.want(entry.get("place"))
        return entry

    def resolve(self) -> None:
        self._load_addresses()
        super().resolve()

    def _load_addresses(self) -> None:
        """Who has the addresses that the file gives, as it will be after the import."""
        wanted = {entry.get("address") for entry in self.entries} - {None}
        holders: dict[str, Any] = {}
        for addresses in batches(sorted(wanted)):
            rows = TelemetryModule.objects.filter(company=self.plan.company, address__in=addresses)
            holders |= {row.address: row for row in rows}
        leaving = {
            (stored.serial, stored.device_type_id)
            for entry in self.firsts()
            for stored in self.stored.get(entry.get("serial"), ())
            if entry.get("address") not in {None, stored.address}
        }
        self._addresses = {
            address: row
            for address, row in holders.items()
            if (row.serial, row.device_type_id) not in leaving
        }

    def create(self, entry: Entry, instance: TelemetryModule) -> bool:
        place = place_named(self.plan, entry)
        if place is None and entry.merges and entry.get("place") is None:
            place = nodes_of(self.plan).chains.place(entry.line)
        instance.address = entry.get("address", "")
        instance.status = entry.get("status", instance.status)
        if not self._takes_address(entry, instance) or not entry.is_sound:
            return False
        instance.place = place if getattr(place, "system", None) == System.TERRITORY else None
        return True

    def change(self, entry: Entry, instance: TelemetryModule) -> None:
        place = place_named(self.plan, entry)
        if not self._takes_address(entry, instance) or not entry.is_sound:
            return
        wishes = {
            name: entry.get(name) for name in ("address", "status") if entry.get(name) is not None
        }
        before = instance.place_id
        if place is not None and before != (place.pk or -1):
            wishes["place"] = place
        self.accept_known(entry, instance, wishes)

    def _takes_address(self, entry: Entry, instance: TelemetryModule) -> bool:
        address = entry.get("address")
        if not address:
            return True
        holder = self._addresses.setdefault(address, instance)
        if holder is instance or (holder.pk is not None and holder.pk == instance.pk):
            return True
        text = _("The module %s already has this network address.")
        entry.fail("address", text % holder.serial)
        return False

    def update_rows(self) -> None:
        if "address" in self._changed_fields:
            # Two modules may swap addresses: nobody has one while they change hands.
            keys = list(self.changed)
            TelemetryModule.objects.filter(pk__in=keys).exclude(address="").update(address="")
        super().update_rows()

    def write(self) -> None:
        self.update_rows()
        self.create_rows()
        instantiate(modules=[module.pk for module in self.created])
