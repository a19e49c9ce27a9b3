"""The wide sheet: one row for each usage point with its meter and module, then those in store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from hierarchy.kinds import KINDS, System
from hierarchy.models import Node
from hierarchy.tables.exporting import CHUNK, Export, Scope, named
from meters.models import Installation, Meter, TelemetryModule, UsagePoint

from .columns import WIDE_LAYOUT
from .exports import chunks, moments, readings_of, used_registers, with_connection
from .registers import register_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from config.lib.tables.columns import Column

__all__ = ["WIDE_EXPORT"]

_POINT = {
    "code": "usage_point_code",
    "name": "usage_point_name",
    "resource": "resource",
    "role": "role",
    "is_active": "active",
    "since": "connected_from",
}
_MODULE = {
    "serial": "module_serial",
    "device_type__code": "module_type",
    "address": "module_address",
    "status": "module_status",
}
_METER = {
    "serial": "meter_serial",
    "device_type__code": "meter_type",
    "digits": "digits",
    "manufactured_on": "manufactured",
    "verified_on": "verified",
    "verification_due_on": "verification_due",
}
_INSTALLED = ("multiplier", "reason")
Cells = dict[str, Any]


def _columns(scope: Scope) -> list[Column]:
    used = used_registers(_installed(scope))
    readings = {item.column.name for item in register_columns()}
    # The kind of a network node is asked for only where one is to be made.
    left_out = {"network_kind"}
    return [
        column
        for column in WIDE_LAYOUT.table.columns
        if (column.name not in readings or column.name in used) and column.name not in left_out
    ]


def _rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    names = [column.name for column in columns]
    for cells in _all_cells(scope):
        yield [cells.get(name) for name in names]


def _all_cells(scope: Scope) -> Iterator[Cells]:
    places = _Places()
    yield from _point_cells(scope, places)
    installed = Exists(_installed(scope).filter(meter=OuterRef("pk")))
    stored = scope.all_of(Meter).filter(~installed)
    for batch in chunks(_values(stored, _METER, "module_id", "port").iterator(CHUNK)):
        modules = _module_cells({row["module_id"] for row in batch}, scope)
        for row in batch:
            yield _meter_cells(row, modules)
    alone = scope.all_of(TelemetryModule).filter(
        ~Exists(Meter.objects.filter(module=OuterRef("pk")))
    )
    for batch in chunks(
        alone.order_by("serial", "pk").values_list("pk", flat=True).iterator(CHUNK)
    ):
        yield from _module_cells(set(batch), scope).values()


def _installed(scope: Scope) -> Any:
    now = timezone.now()
    return scope.all_of(Installation).filter(
        Q(removed_at__isnull=True) | Q(removed_at__gt=now), installed_at__lte=now
    )


def _values(rows: Any, fields: dict[str, str], *more: str) -> Any:
    return rows.order_by("serial", "pk").values("pk", *fields, *more)


def _point_cells(scope: Scope, places: _Places) -> Iterator[Cells]:
    points = with_connection(scope.all_of(UsagePoint), scope)
    fields = {name: column for name, column in _POINT.items() if name != "since"}
    rows = points.order_by("place__path", "code", "pk").values(
        "pk", "place_id", "since", "net_code", "net_path", *fields
    )
    for batch in chunks(rows.iterator(CHUNK)):
        installed = _installed_cells(scope, [row["pk"] for row in batch])
        spelled = places.cells({row["place_id"] for row in batch})
        for row in batch:
            yield {
                **spelled[row["place_id"]],
                **{column: row[name] for name, column in _POINT.items()},
                "network_node": named(row["net_code"], row["net_path"]),
                **installed.get(row["pk"], {}),
            }


def _installed_cells(scope: Scope, points: list[int]) -> dict[int, Cells]:
    """Usage point → cells of the meter installed there now, its module and its readings."""
    rows = list(
        _installed(scope)
        .filter(usage_point__in=points)
        .values("pk", "usage_point_id", "meter_id", "installed_at", "removed_at", *_INSTALLED)
    )
    meters = Meter.objects.filter(pk__in={row["meter_id"] for row in rows})
    by_key = {row["pk"]: row for row in _values(meters, _METER, "module_id", "port")}
    modules = _module_cells({row["module_id"] for row in by_key.values()}, scope)
    readings = readings_of(row["pk"] for row in rows)
    return {
        row["usage_point_id"]: {
            **_meter_cells(by_key[row["meter_id"]], modules),
            **{name: row[name] for name in _INSTALLED},
            **moments(row, scope),
            **readings.get(row["pk"], {}),
        }
        for row in rows
    }


def _meter_cells(row: dict[str, Any], modules: dict[int, Cells]) -> Cells:
    cells = {column: row[name] for name, column in _METER.items()}
    if row["module_id"] is None:
        return cells
    return {**cells, "port": row["port"], **modules.get(row["module_id"], {})}


def _module_cells(keys: set[int | None], scope: Scope) -> dict[int, Cells]:
    known = [key for key in keys if key is not None]
    wanted = TelemetryModule.objects.filter(pk__in=known, company=scope.company)
    rows = _values(wanted, _MODULE, "place__code", "place__path")
    return {
        row["pk"]: {
            **{column: row[name] for name, column in _MODULE.items()},
            "module_place": named(row["place__code"], row["place__path"]),
        }
        for row in rows
    }


class _Places:
    """Places spelled out in columns; each node is read once."""

    def __init__(self) -> None:
        self._nodes: dict[int, tuple[int | None, str, str, str, str]] = {}

    def cells(self, keys: Iterable[int]) -> dict[int, Cells]:
        wanted = set(keys)
        self._load(wanted)
        return {key: self._spelled(key) for key in wanted}

    def _load(self, keys: set[int]) -> None:
        missing = keys - self._nodes.keys()
        while missing:
            rows = Node.objects.filter(pk__in=missing).order_by()
            for pk, *node in rows.values_list("pk", "parent_id", "kind", "name", "code", "path"):
                self._nodes[pk] = tuple(node)  # type: ignore[assignment]
            above = {self._nodes[key][0] for key in missing if key in self._nodes}
            missing = {key for key in above if key is not None} - self._nodes.keys()

    def _spelled(self, key: int) -> Cells:
        """A column for each level; where levels share a kind, the place's code or full name."""
        names: Cells = {}
        kinds = []
        at: int | None = key
        while at is not None:
            at, kind, name, _code, _path = self._nodes[at]
            names[kind] = name
            kinds.append(kind)
        ranks = [KINDS[System.TERRITORY].index(kind) for kind in kinds]  # type: ignore[arg-type]
        if len(names) == len(kinds) and ranks == sorted(ranks, reverse=True):
            return names
        _parent, _kind, _name, code, path = self._nodes[key]
        return {"place": named(code, path)}


WIDE_EXPORT = Export(WIDE_LAYOUT, _columns, _rows)
