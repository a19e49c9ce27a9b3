"""Installations of an import, with what the registers showed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.tables.plan import BATCH, BROKEN, Entry, Plan, Stage
from meters.models import Installation, Meter
from meters.services.installations import installations_settle

from .devices import batches
from .meters import MeterStage
from .readings import Readings
from .usage_points import UsagePointStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.lib.tables.lines import Line

__all__ = ["InstallationStage"]

_PLAIN = ("removed_at", "multiplier", "reason")
_NEVER = datetime.max.replace(tzinfo=UTC)


class InstallationStage(Stage):
    """An installation is the same when meter, usage point and moment of installing are."""

    name = "installations"
    title = gettext_lazy("installations")
    model = Installation
    identity = ("installed_at", "meter", "meter_type", "usage_point")

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._stored: dict[tuple[int, int, datetime], Installation] = {}
        self._readings = Readings(plan)
        self._accepted: list[Entry] = []

    @property
    def _points(self) -> UsagePointStage:
        return cast("UsagePointStage", self.plan.stages[UsagePointStage.name])

    @property
    def _meters(self) -> MeterStage:
        return cast("MeterStage", self.plan.stages[MeterStage.name])

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        # Every row is an installation of its own, also where it may repeat other things.
        entry = super().add(line, columns, merges)
        if entry is not None:
            entry.merges = False
            self._meters.want(entry.get("meter"))
            self._points.want(entry.get("usage_point"))
        return entry

    def _needs_identity(self, entry: Entry) -> bool:
        named = {"usage_point", "meter", "meter_type"}
        return bool(entry.given().keys() - named) if entry.merges else bool(entry.given())

    def resolve(self) -> None:
        found = [(entry, *self._ends(entry)) for entry in self.firsts()]
        ready = [row for row in found if row[0].is_sound and BROKEN not in row[1:]]
        self._load_stored(ready)
        for entry, meter, point in ready:
            self._match(entry, meter, point)
        self._check_overlaps()

    def _ends(self, entry: Entry) -> tuple[Any, Any]:
        for name in ("usage_point", "meter"):
            if entry.get(name) is None:
                entry.fail(name, _("An installation needs a usage point and a meter."))
        if not entry.is_sound:
            return None, None
        return (
            self._meters.find(entry, "meter", "meter_type"),
            self._points.find(entry, "usage_point"),
        )

    def _load_stored(self, ready: Iterable[tuple[Entry, Any, Any]]) -> None:
        """Everything that is or was installed where the file installs something."""
        meters = {meter.pk for _entry, meter, _point in ready} - {None}
        points = {point.pk for _entry, _meter, point in ready} - {None}
        for name, wanted in (("meter", meters), ("usage_point", points)):
            for keys in batches(sorted(wanted)):
                rows = Installation.objects.filter(Q(**{f"{name}__in": keys}))
                for row in rows.select_related("meter", "usage_point"):
                    key = (row.meter_id, row.usage_point_id, row.installed_at)
                    self._stored.setdefault(key, row)
        matched = [
            self._stored.get((meter.pk, point.pk, entry.get("installed_at")))
            for entry, meter, point in ready
        ]
        self._readings.load([row.pk for row in matched if row is not None])

    def _match(self, entry: Entry, meter: Any, point: Any) -> None:
        stored = self._stored.get((meter.pk, point.pk, entry.get("installed_at")))
        instance = stored or Installation(
            company=self.plan.company,
            meter=meter,
            usage_point=point,
            installed_at=entry.get("installed_at"),
        )
        removed = entry.get("removed_at", instance.removed_at)
        if removed is not None and removed <= entry.get("installed_at"):
            entry.fail("removed_at", _("A meter is removed after it is installed."))
            return
        told = self._readings.take(entry, instance, meter, removed=removed is not None)
        if told is None:
            return
        wishes = {name: entry.get(name) for name in _PLAIN if entry.get(name) is not None}
        if stored is None:
            for name, value in wishes.items():
                setattr(instance, name, value)
            _tell_meter(instance)
            self.accept_new(entry, instance)
        else:
            self.accept_known(entry, stored, wishes, told)
        self._accepted.append(entry)

    def _check_overlaps(self) -> None:
        by_row = {id(entry.instance): entry for entry in self._accepted}
        rows = [entry.instance for entry in self._accepted]
        taken = {row.pk for row in rows}
        rows += [row for row in self._stored.values() if row.pk not in taken]
        for name in ("meter", "usage_point"):
            groups: dict[int, list[Installation]] = defaultdict(list)
            for row in rows:
                groups[getattr(row, f"{name}_id") or -id(getattr(row, name))].append(row)
            for group in groups.values():
                if len(group) > 1:
                    self._check_group(name, group, by_row)

    def _check_group(
        self, name: str, group: list[Installation], by_row: Mapping[int, Entry]
    ) -> None:
        group.sort(key=lambda row: row.installed_at)
        last = group[0]
        for row in group[1:]:
            if (last.removed_at or _NEVER) > row.installed_at:
                entry, other = by_row.get(id(row)), last
                if entry is None:
                    entry, other = by_row.get(id(last)), row
                if entry is not None:
                    entry.fail("installed_at", _overlap(name, other))
            if (row.removed_at or _NEVER) >= (last.removed_at or _NEVER):
                last = row

    def write(self) -> None:
        # Ends that are set make room for what comes after them.
        self.update_rows()
        self.create_rows()
        self._readings.write()
        touched = [entry.instance.pk for entry in self._accepted]
        for keys in _parts(touched):
            installations_settle(installations=keys)


def _tell_meter(installation: Installation) -> None:
    """Let a new meter say where it is, as settling would find; it need not be written twice."""
    now, meter = timezone.now(), installation.meter
    if meter.pk is None and installation.installed_at <= now < (installation.removed_at or _NEVER):
        meter.usage_point, meter.status = installation.usage_point, Meter.Status.INSTALLED


def _overlap(name: str, other: Installation) -> str:
    if name == "meter":
        text = _("The meter is installed at %s in this period.")
        return text % other.usage_point
    return _("Meter %s is installed there in this period.") % other.meter


def _parts(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + 5 * BATCH] for start in range(0, len(keys), 5 * BATCH))
