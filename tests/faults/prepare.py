"""A fleet in the database of `DATABASE_URL`: `python -m tests.faults.prepare COUNT FILE`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

# What tests that ran before may have left in tables that Django does not empty.
_CLEAN = """
TRUNCATE meters_interval_block, meters_block_revision, meters_register_reading,
    meters_register_revision, meters_month_total, meters_dirty_day, ingestion_raw_frame,
    ingestion_replay_window, ingestion_quarantine
"""


def main(count: int, path: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    import django

    django.setup()
    from django.db import connection

    from meters.services.reading_types import reading_types_sync

    with connection.cursor() as cursor:
        cursor.execute(_CLEAN)
    reading_types_sync()
    from bench.fleet import fleet_make
    from tests.faults.load import Device

    fleet = fleet_make(count)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.module_id, max(c.id) FILTER (WHERE t.code = 'cold_water.volume'),"
            " max(c.id) FILTER (WHERE t.code = 'cold_water.volume.register')"
            " FROM meters_meter m JOIN meters_installation i ON i.meter_id = m.id"
            " JOIN meters_channel c ON c.usage_point_id = i.usage_point_id"
            " JOIN meters_readingtype t ON t.id = c.reading_type_id GROUP BY 1 ORDER BY 1"
        )
        rows = cursor.fetchall()
    devices = [
        Device(number, device.hex(), key.hex(), *row)
        for number, ((device, key), row) in enumerate(zip(fleet, rows, strict=True))
    ]
    path.write_text(json.dumps([asdict(device) for device in devices]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
