"""Many modules with keys, meters and channels, written in bulk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import Company

__all__ = ["fleet_make"]

_TEXTS = """
INSERT INTO meters_telemetrymodule (company_id, serial, device_type_id, address, status,
    created_at, updated_at)
SELECT %(company)s, 'M' || n, %(type)s, 'BEN-' || lpad(n::text, 10, '0'), 'active', now(), now()
FROM generate_series(1, %(count)s) n;
INSERT INTO meters_meter (company_id, serial, device_type_id, module_id, port, digits, status,
    created_at, updated_at)
SELECT company_id, 'W' || substr(serial, 2), device_type_id, id, 1, 8, 'installed', now(), now()
FROM meters_telemetrymodule WHERE company_id = %(company)s;
INSERT INTO meters_usagepoint (company_id, code, name, resource, role, place_id, is_active,
    created_at, updated_at)
SELECT %(company)s, 'W' || n, '', 'cold_water', 'consumption', %(place)s, true, now(), now()
FROM generate_series(1, %(count)s) n;
INSERT INTO meters_installation (company_id, meter_id, usage_point_id, installed_at, multiplier,
    reason, created_at, updated_at)
SELECT m.company_id, m.id, p.id, %(installed)s, 1, '', now(), now()
FROM meters_meter m JOIN meters_usagepoint p ON p.company_id = m.company_id AND p.code = m.serial
WHERE m.company_id = %(company)s;
INSERT INTO meters_channel (company_id, usage_point_id, reading_type_id, interval_minutes,
    is_active, created_at, updated_at)
SELECT p.company_id, p.id, t.reading_type_id, t.interval_minutes, true, now(), now()
FROM meters_usagepoint p, meters_registertemplate t
JOIN meters_devicetypeversion v ON v.id = t.version_id AND v.device_type_id = %(type)s
WHERE p.company_id = %(company)s;
"""

# Audit and notes for the engine are not what is measured: it reads everything at its start.
_TABLES = (
    "meters_telemetrymodule",
    "meters_meter",
    "meters_usagepoint",
    "meters_installation",
    "meters_channel",
    "ingestion_modulekey",
)

# Nor are searches by people and the guards of what they enter: a million rows take minutes more.
_SEARCHED = """
SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, c.conname FROM pg_index i
JOIN pg_class r ON r.oid = i.indexrelid JOIN pg_am a ON a.oid = r.relam
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'x'
WHERE a.amname IN ('gin', 'gist') AND i.indrelid = ANY(%s::regclass[])
"""


def _unburden(cursor: Any) -> None:
    """The database is thrown away after the measurement."""
    for table in _TABLES:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    cursor.execute(_SEARCHED, [list(_TABLES)])
    for table, index, constraint in cursor.fetchall():
        if constraint is None:
            cursor.execute(f"DROP INDEX {index}")
        else:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


def fleet_make(count: int, *, registers: bool = True) -> list[tuple[bytes, bytes]]:
    """(device id, key) of each; their meters count water in litres, hourly, since 2020 (UTC)."""
    from django.db import connection

    from accounts.models import Company
    from hierarchy.services import node_create

    company = Company.objects.create(name="Bench", code="bench", time_zone="UTC")
    place = node_create(
        actor=None, company=company, system="territory", kind="city", name="Town", code="town"
    )
    values: dict[str, Any] = {
        "company": company.pk,
        "type": _device_type(company, registers=registers),
        "place": place.pk,
        "count": count,
        "installed": datetime(2020, 1, 1, tzinfo=UTC),
    }
    with connection.cursor() as cursor:
        _unburden(cursor)
        for statement in filter(str.strip, _TEXTS.split(";")):
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")
    found = _keys()
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return found


def _device_type(company: Company, *, registers: bool) -> int:
    from meters.models import DeviceType, DeviceTypeVersion, ReadingType, RegisterTemplate
    from meters.services.device_types import device_type_version_publish

    made = DeviceType.objects.create(
        company=company, code="bench", name="Bench", manufacturer="Bench", role="both"
    )
    version = DeviceTypeVersion.objects.create(device_type=made, number=1)
    codes = [("v", "cold_water.volume", 60)]
    codes += [("r", "cold_water.volume.register", 1440)] if registers else []
    for name, code, interval in codes:
        RegisterTemplate.objects.create(
            version=version,
            register=name,
            reading_type=ReadingType.objects.get(code=code),
            interval_minutes=interval,
        )
    device_type_version_publish(actor=None, version=version)
    return int(made.pk)


_KEY_COLUMNS = "module_id, selector, state, sealed, check_value, valid_from, created_at, updated_at"


def _keys() -> list[tuple[bytes, bytes]]:
    """A key for each module, by COPY: a million of them take a minute."""
    from django.db import connection

    from ingestion.codecs.universal_frame import device_id
    from ingestion.keys import check_value, key_make, key_seal
    from meters.models import TelemetryModule

    found = []
    now = datetime.now(UTC)
    modules = TelemetryModule.objects.filter(address__startswith="BEN-").order_by("pk")
    with connection.cursor() as cursor:
        listed = list(modules.values_list("pk", "address"))
        with cursor.copy(f"COPY ingestion_modulekey ({_KEY_COLUMNS}) FROM STDIN") as rows:
            for module, address in listed:
                key = key_make()
                sealed = key_seal(key, module_id=module, selector=0)
                rows.write_row((module, 0, "active", sealed, check_value(key), now, now, now))
                found.append((device_id(address), key))
    return found
