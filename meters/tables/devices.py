"""What modules and meters have in common: a serial number, and a type that makes it unique."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _

from hierarchy.tables.plan import BROKEN, Entry, Plan, Stage

from .types import TypeLookup, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.lib.tables.lines import Line

__all__ = ["BATCH_IN", "DeviceStage", "batches"]

BATCH_IN = 5_000


def batches(items: Iterable[Any]) -> Iterable[list[Any]]:
    """Lists short enough for an IN."""
    rows = list(items)
    return (rows[start : start + BATCH_IN] for start in range(0, len(rows), BATCH_IN))


class DeviceStage(Stage):
    """Devices are found by serial number and type; without a type by a serial that is unique."""

    identity = ("serial", "type")
    roles: ClassVar[tuple[str, ...]]
    # What the devices refer to and a row may change.
    related: ClassVar[str]

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._types = TypeLookup(plan, *self.roles)
        self._wanted: set[str] = set()
        self.stored: dict[str, list[Any]] = defaultdict(list)
        self._new: dict[str, list[Any]] = defaultdict(list)
        self._broken: set[str] = set()
        self._taken: dict[int, Entry] = {}

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        entry = super().add(line, columns, merges)
        if entry is not None:
            self.want(entry.get("serial"))
        return entry

    def want(self, serial: str | None) -> None:
        """The serial number is going to be asked for."""
        if serial:
            self._wanted.add(serial)

    def load(self) -> None:
        rows = self.model.objects.all()  # type: ignore[attr-defined]
        if self.plan.actor is not None:
            rows = rows.visible_to(self.plan.actor)
        for serials in batches(sorted(self._wanted)):
            found = rows.filter(company=self.plan.company, serial__in=serials)
            for row in found.select_related(self.related):
                self.stored[row.serial].append(row)

    def resolve(self) -> None:
        for entry in self.firsts():
            self._match(entry)
        for entry in self.entries:
            if entry.first is not None and entry.is_sound:
                entry.instance = entry.first.instance
            if entry.instance is None:
                self._broken.add(entry.get("serial"))

    def create(self, entry: Entry, instance: Any) -> bool:
        """Fill a new device from the row; False after something was reported."""
        raise NotImplementedError

    def change(self, entry: Entry, instance: Any) -> None:
        """Apply the row to a stored device."""
        raise NotImplementedError

    def find(self, entry: Entry, serial_field: str, type_field: str) -> Any:
        """The device that a row of another kind means; None after it was reported; or BROKEN."""
        serial = entry.get(serial_field)
        found = [*self._new.get(serial, ()), *self.stored.get(serial, ())]
        if entry.get(type_field) is not None:
            types = self._types.of(entry, type_field)
            if not types:
                return None
            found = typed(found, types)[:1]
        if len(found) == 1:
            return found[0]
        if serial in self._broken:
            return BROKEN
        entry.fail(serial_field, self._not_found(serial, several=bool(found)))
        return None

    def _not_found(self, serial: str, *, several: bool) -> str:
        names = {"kind": self.model._meta.verbose_name, "serial": serial}
        if several:
            text = _("Several devices have the serial number “%(serial)s”. Give the type too.")
            return text % names
        return _("There is no %(kind)s with the serial number “%(serial)s”.") % names

    def _match(self, entry: Entry) -> None:
        serial = entry.get("serial")
        types = self._types.of(entry) if entry.get("type") is not None else []
        if entry.is_bad("type"):
            return
        found = self.stored.get(serial, [])
        if types:
            found = typed(found, types)[:1]
        if len(found) > 1:
            entry.fail("serial", self._not_found(serial, several=True))
        elif found:
            self._match_stored(entry, found[0])
        elif not types:
            entry.fail("type", _("Say of which type it is; it does not exist yet."))
        else:
            instance = self.model(company=self.plan.company, serial=serial, device_type=types[0])
            if self.create(entry, instance):
                self.accept_new(entry, instance)
                self._new[serial].append(instance)

    def _match_stored(self, entry: Entry, instance: Any) -> None:
        first = self._taken.setdefault(instance.pk, entry)
        if first is entry:
            self.change(entry, instance)
            return
        text = _("Row %d means the same device. Give the type in both rows.")
        entry.fail("serial", text % first.line.number)
