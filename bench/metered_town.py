"""A company whose apartments have a cold water and an electricity meter each, made inside the
database: streets of ten buildings, fifty apartments in each, and both networks down to the inlets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction

from accounts.models import Company
from bench.bare_tables import bare_tables
from meters.models import DeviceType, ReadingType

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MeteredTown"]

_BUILDINGS, _APARTMENTS = 10, 50
_A_STREET = _BUILDINGS * _APARTMENTS * 2
_Y2K = date(2000, 1, 1)
# Keys of one town begin here, times its number.
_KEYS = 100_000_000
_TABLES = (
    *("hierarchy_node", "meters_usagepoint", "meters_connection", "meters_meter"),
    *("meters_installation", "meters_channel"),
)
_NODE = """
INSERT INTO hierarchy_node (id, company_id, system, kind, name, code, path, tree_id, level, lft,
    rght, parent_id, created_at, updated_at)
SELECT %(base)s + {offset} + rank, %(company)s, '{system}', '{kind}', rank, '', rank, {tree}, {level},
    2 * rank - 1 - {level}, 2 * rank - 2 - {level} + 2 * {size}, {parent}, now(), now()
FROM (SELECT {rank} AS rank, s, b, a FROM generate_series(0, {streets} - 1) s,
    generate_series(0, {buildings} - 1) b, generate_series(0, {apartments} - 1) a) place
"""
# Rank of each kind in preorder; a street has 511 places, a zone 11.
_TERRITORY = (
    ("city", 0, "1", "1 + 511 * %(streets)s", "NULL", (1, 1, 1)),
    ("street", 1, "2 + 511 * s", "511", "%(base)s + {offset} + 1", (0, 1, 1)),
    ("building", 2, "3 + 511 * s + 51 * b", "51", "%(base)s + {offset} + 2 + 511 * s", (0, 10, 1)),
    (
        *("apartment", 3, "4 + 511 * s + 51 * b + a", "1"),
        *("%(base)s + {offset} + 3 + 511 * s + 51 * b", (0, 10, 50)),
    ),
)
_NETWORK = (
    ("source", 0, "1", "1 + 11 * %(streets)s", "NULL", (1, 1, 1)),
    ("feeder", 1, "2 + 11 * s", "11", "%(base)s + {offset} + 1", (0, 1, 1)),
    ("inlet", 2, "3 + 11 * s + b", "1", "%(base)s + {offset} + 2 + 11 * s", (0, 10, 1)),
)
_SYSTEMS = (
    ("territory", 0, _TERRITORY),
    ("cold_water", 50_000_000, _NETWORK),
    ("electricity", 60_000_000, _NETWORK),
)
_EACH = """
FROM generate_series(0, %(streets)s - 1) s, generate_series(0, 9) b, generate_series(0, 49) a,
    (VALUES ('cold_water', 0, 50000000, %(water)s), ('electricity', 1, 60000000, %(power)s))
        r(resource, place, network, reading_type),
    LATERAL (SELECT %(base)s + ((s * 10 + b) * 50 + a) * 2 + r.place AS id) k
"""
_THINGS = (
    f"""INSERT INTO meters_usagepoint (id, company_id, code, name, resource, role, place_id,
        network_node_id, is_active, created_at, updated_at)
    SELECT k.id, %(company)s, 'UP' || k.id, '', r.resource, 'consumption',
        %(base)s + 4 + 511 * s + 51 * b + a, %(base)s + r.network + 3 + 11 * s + b, true, now(),
        now() {_EACH}""",
    f"""INSERT INTO meters_connection (id, company_id, usage_point_id, node_id, valid_from)
    SELECT k.id, %(company)s, k.id, %(base)s + r.network + 3 + 11 * s + b, '2020-01-01' {_EACH}""",
    f"""INSERT INTO meters_meter (id, company_id, serial, device_type_id, port, digits, status,
        usage_point_id, created_at, updated_at)
    SELECT k.id, %(company)s, 'M' || k.id, %(type)s, 1, 8, 'installed', k.id, now(), now() {_EACH}""",
    f"""INSERT INTO meters_installation (id, company_id, meter_id, usage_point_id, installed_at,
        multiplier, reason, created_at, updated_at)
    SELECT k.id, %(company)s, k.id, k.id, '2020-01-01', 1, '', now(), now() {_EACH}""",
    f"""INSERT INTO meters_channel (id, company_id, usage_point_id, reading_type_id,
        interval_minutes, is_active, created_at, updated_at)
    SELECT k.id, %(company)s, k.id, r.reading_type, 60, true, now(), now() {_EACH}""",
)
_BLOCK = 'channel_id, total, day, interval_minutes, small, "values", wide, quality'


@dataclass(frozen=True, slots=True)
class MeteredTown:
    """One company; channels: their ids, ascending."""

    company: Company
    channels: NDArray[np.int64]

    @classmethod
    def build(cls, channels: int) -> MeteredTown:
        """With so many channels, rounded to whole streets of a thousand."""
        number = Company.objects.count() + 1
        streets = max(channels // _A_STREET, 1)
        company = Company.objects.create(
            code=f"town-{number}", name=f"Town {number}", time_zone="Europe/Kyiv"
        )
        kind, _ = DeviceType.objects.get_or_create(
            code="bench", defaults={"name": "Bench", "manufacturer": "Bench"}
        )
        types = dict(ReadingType.objects.values_list("code", "pk"))
        values = {
            "company": company.pk,
            "streets": streets,
            "base": number * _KEYS,
            "type": kind.pk,
            "water": types["cold_water.volume"],
            "power": types["electricity.active.import"],
        }
        with bare_tables(_TABLES), connection.cursor() as cursor:
            for tree, (system, offset, kinds) in enumerate(_SYSTEMS, 10 * number):
                for row in kinds:
                    cursor.execute(_node(system, offset, tree, streets, row), values)
            for statement in _THINGS:
                cursor.execute(statement, values)
        return cls(company, number * _KEYS + np.arange(streets * _A_STREET))

    def load(self, day: date) -> None:
        """A block of 24 values for each channel."""
        from meters.blocks import POSTGRES_EPOCH, Blocks, copy_rows
        from meters.wire import copy, cursor

        count = len(self.channels)
        random = np.random.default_rng(day.toordinal())
        number = POSTGRES_EPOCH + (day - _Y2K).days
        for start in range(0, count, 50_000):
            part = self.channels[start : start + 50_000]
            value = random.integers(0, 900, 24 * len(part))
            blocks = Blocks(
                part,
                np.full(len(part), number),
                np.full(len(part), 60),
                np.full(len(part), 24),
                value,
                np.zeros(len(value), np.uint8),
            )
            with transaction.atomic(), cursor() as run:
                copy(run, f"meters_interval_block ({_BLOCK})", copy_rows(blocks))


def _node(system: str, offset: int, tree: int, streets: int, row: Any) -> str:
    kind, level, rank, size, parent, (street, buildings, apartments) = row
    return _NODE.format(
        offset=offset,
        system=system,
        kind=kind,
        tree=tree,
        level=level,
        rank=rank,
        size=f"({size})",
        parent=parent.format(offset=offset),
        streets=street or streets,
        buildings=buildings,
        apartments=apartments,
    )
