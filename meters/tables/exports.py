"""Rows of usage points, modules, meters and installations, each in its own sheet."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, Q, Subquery

from config.lib.tables.values import local_text
from hierarchy.models import Node
from hierarchy.tables.exporting import CHUNK, Export, Scope, export_nodes, named
from meters.models import (
    Connection,
    Installation,
    InstallationReading,
    Meter,
    TelemetryModule,
    UsagePoint,
)
from meters.services.usage_points import company_today

from .columns import INSTALLATIONS_LAYOUT, METERS_LAYOUT, MODULES_LAYOUT, USAGE_POINTS_LAYOUT
from .registers import register_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from config.lib.tables.columns import Column
    from hierarchy.tables.plan import Layout

__all__ = [
    "EXPORTS",
    "WORKBOOK_EXPORTS",
    "chunks",
    "readings_of",
    "used_registers",
    "with_connection",
]


def chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists of CHUNK rows, so that what belongs to them is read in one query each."""
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch


def with_connection(points: Any, scope: Scope) -> Any:
    """Usage points with today's network node and since when it is (net_code, net_path, since)."""
    today = company_today(scope.company)
    current = Connection.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=today),
        usage_point=OuterRef("pk"),
        valid_from__lte=today,
    ).order_by()
    return points.annotate(
        net_code=Subquery(current.values("node__code")[:1]),
        net_path=Subquery(current.values("node__path")[:1]),
        since=Subquery(current.values("valid_from")[:1]),
    )


def _all_columns(layout: Layout) -> Any:
    return lambda _scope: layout.table.columns


def _point_rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    rows = with_connection(scope.rows.order_by("code", "pk"), scope).values_list(
        *("code", "name", "resource", "role", "is_active", "place__code", "place__path"),
        *("net_code", "net_path", "since"),
    )
    for *own, code, path, net_code, net_path, since in rows.iterator(CHUNK):
        yield [*own, named(code, path), named(net_code, net_path), since]


def _module_rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    rows = scope.rows.order_by("serial", "pk").values_list(
        "serial", "device_type__code", "address", "place__code", "place__path", "status"
    )
    for serial, kind, address, code, path, status in rows.iterator(CHUNK):
        yield [serial, kind, address, named(code, path), status]


def _meter_rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    rows = scope.rows.order_by("serial", "pk").values_list(
        *("serial", "device_type__code", "module__serial", "module__device_type__code", "port"),
        *("digits", "manufactured_on", "verified_on", "verification_due_on"),
    )
    for row in rows.iterator(CHUNK):
        yield list(row)


def used_registers(installations: Any) -> set[str]:
    """Names of the columns of readings that any of the installations has a value for."""
    rows = InstallationReading.objects.filter(installation__in=installations.order_by())
    codes = rows.order_by().values_list("reading_type__code", flat=True)
    closed = codes.filter(closing__isnull=False)
    return {f"opening:{code}" for code in codes.distinct()} | {
        f"closing:{code}" for code in closed.distinct()
    }


def _installation_columns(scope: Scope) -> list[Column]:
    used = used_registers(scope.rows)
    readings = {item.column.name for item in register_columns()}
    return [
        column
        for column in INSTALLATIONS_LAYOUT.table.columns
        if column.name not in readings or column.name in used
    ]


def readings_of(installations: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Installation → name of a column of readings → value."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    rows = InstallationReading.objects.filter(installation__in=list(installations))
    for key, code, opening, closing in rows.values_list(
        "installation_id", "reading_type__code", "opening", "closing"
    ):
        found[key] |= {f"opening:{code}": opening, f"closing:{code}": closing}
    return found


def _installation_rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    names = [column.name for column in columns]
    rows = scope.rows.order_by("installed_at", "pk").values(
        "pk",
        "installed_at",
        "removed_at",
        "multiplier",
        "reason",
        point_code=F("usage_point__code"),
        serial=F("meter__serial"),
        type_code=F("meter__device_type__code"),
    )
    for batch in chunks(rows.iterator(CHUNK)):
        readings = readings_of(row["pk"] for row in batch)
        for row in batch:
            cells = {
                "usage_point": row["point_code"],
                "meter": row["serial"],
                "meter_type": row["type_code"],
                "multiplier": row["multiplier"],
                "reason": row["reason"],
                **moments(row, scope),
                **readings.get(row["pk"], {}),
            }
            yield [cells.get(name) for name in names]


def moments(row: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """When it was installed and removed, as the company's clocks showed it."""
    return {
        name: local_text(row[name], scope.zone) if row[name] is not None else None
        for name in ("installed_at", "removed_at")
    }


EXPORTS: dict[Any, Export] = {
    UsagePoint: Export(USAGE_POINTS_LAYOUT, _all_columns(USAGE_POINTS_LAYOUT), _point_rows),
    TelemetryModule: Export(MODULES_LAYOUT, _all_columns(MODULES_LAYOUT), _module_rows),
    Meter: Export(METERS_LAYOUT, _all_columns(METERS_LAYOUT), _meter_rows),
    Installation: Export(INSTALLATIONS_LAYOUT, _installation_columns, _installation_rows),
}


def _of_company(model: Any, export: Export) -> Export:
    """The same sheet over everything of the company instead of over the rows of a list."""

    def own(scope: Scope) -> Scope:
        return Scope(scope.user, scope.company, scope.zone, scope.all_of(model))

    return Export(
        export.layout,
        lambda scope: export.columns(own(scope)),
        lambda scope, columns: export.rows(own(scope), columns),
    )


_ALL: dict[Any, Export] = {Node: export_nodes, **EXPORTS}
WORKBOOK_EXPORTS = tuple(_of_company(model, export) for model, export in _ALL.items())
