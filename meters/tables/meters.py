"""Meters of an import, on the ports of their modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.tables.plan import BROKEN, Entry
from meters.models import Meter

from .devices import DeviceStage, batches
from .modules import ModuleStage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.lib.tables.lines import Line

__all__ = ["MeterStage"]

_PLAIN = {
    "port": "port",
    "digits": "digits",
    "manufactured": "manufactured_on",
    "verified": "verified_on",
    "verification_due": "verification_due_on",
}


class MeterStage(DeviceStage):
    """No two meters on one port, as it will be after the import."""

    name = "meters"
    title = gettext_lazy("meters")
    model = Meter
    own = ("type", *_PLAIN)
    related = "module"
    roles = ("meter", "both")

    @property
    def _modules(self) -> ModuleStage:
        return cast("ModuleStage", self.plan.stages[ModuleStage.name])

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        entry = super().add(line, columns, merges)
        if entry is not None:
            self._modules.want(entry.get("module"))
        return entry

    def create(self, entry: Entry, instance: Meter) -> bool:
        module = self._module(entry)
        if not entry.is_sound or module is BROKEN:
            return False
        instance.module = module
        for name, attribute in _PLAIN.items():
            if entry.get(name) is not None:
                setattr(instance, attribute, entry.get(name))
        return True

    def change(self, entry: Entry, instance: Meter) -> None:
        module = self._module(entry)
        if not entry.is_sound or module is BROKEN:
            return
        wishes = {
            attribute: entry.get(name)
            for name, attribute in _PLAIN.items()
            if entry.get(name) is not None
        }
        if module is not None and (module.pk is None or module.pk != instance.module_id):
            wishes["module"] = module
        self.accept_known(entry, instance, wishes)

    def _module(self, entry: Entry) -> Any:
        if entry.get("module") is None:
            return None
        return self._modules.find(entry, "module", "module_type")

    def resolve(self) -> None:
        super().resolve()
        self._check_ports()

    def _check_ports(self) -> None:
        entries = [entry for entry in self.firsts() if entry.instance is not None]
        ports = self._stored_ports({entry.instance.pk for entry in entries})
        # Those that stay where they are come first: whoever comes to them is told.
        for entry in sorted(entries, key=_moves):
            meter = entry.instance
            if meter.module_id is None and meter.module is None:
                continue
            place = (meter.module_id or -id(meter.module), meter.port)
            holder = ports.setdefault(place, meter)
            if holder is not meter:
                text = _("Port %(port)d of module %(module)s is taken by meter %(meter)s.")
                names = {"port": meter.port, "module": meter.module.serial, "meter": holder.serial}
                entry.fail("port", text % names)

    def _stored_ports(self, in_file: set[int | None]) -> dict[tuple[int, int], Meter]:
        modules = {entry.instance.module_id for entry in self.firsts() if entry.instance}
        found = {}
        for keys in batches(key for key in modules if key is not None):
            for meter in Meter.objects.filter(module__in=keys).only("serial", "module_id", "port"):
                if meter.pk not in in_file and meter.module_id is not None:
                    found[meter.module_id, meter.port] = meter
        return found

    def update_rows(self) -> None:
        if self._changed_fields & {"module", "port"}:
            # Two meters may swap ports: both leave them before either takes its new one.
            self._changed_fields.add("module")
            keys = list(self.changed)
            Meter.objects.filter(pk__in=keys, module__isnull=False).update(module=None)
        super().update_rows()

    def write(self) -> None:
        self.update_rows()
        self.create_rows()


def _moves(entry: Entry) -> bool:
    return entry.instance.pk is None or bool(entry.wishes & {"module", "port"})
