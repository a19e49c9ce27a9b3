"""Companies with a million meters: streets of ten buildings, fifty apartments in each.

Every apartment has one module with a cold water meter and an electricity meter on its ports. Rows
are made inside the database by INSERT … SELECT; connections, channels and readings are left out,
because no list of the administration reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from accounts.models import Company
from bench.bare_tables import bare_tables
from hierarchy.models import Node
from meters.models import DeviceType

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["METERS_A_STREET", "Town", "towns_build"]

_BUILDINGS, _APARTMENTS = 10, 50
METERS_A_STREET = _BUILDINGS * _APARTMENTS * 2
_STREETS_A_DISTRICT, _DISTRICTS_A_CITY = 25, 9
_BUILDING_SIZE = 1 + _APARTMENTS
_STREET_SIZE = 1 + _BUILDINGS * _BUILDING_SIZE

TABLES = (
    "hierarchy_node",
    "meters_telemetrymodule",
    "meters_usagepoint",
    "meters_meter",
    "meters_installation",
)
# Every third street has a Ukrainian name, so that search meets both alphabets.
_NAMES = (
    *("Chestnut", "Harbour", "Вишнева", "Mill", "Castle", "Каштанова", "Orchard", "Station"),
    *("Озерна", "Market", "Observatory", "Лісова", "Ferry", "Museum", "Соборна", "Quarry"),
    *("Linden", "Джерельна", "Foundry", "Meadow", "Гончарна", "Theatre", "Tannery", "Паркова"),
)


class Town(NamedTuple):
    """One company of the measurement."""

    code: str
    streets: int

    @property
    def districts(self) -> int:
        return -(-self.streets // _STREETS_A_DISTRICT)

    @property
    def cities(self) -> int:
        return -(-self.districts // _DISTRICTS_A_CITY)

    @property
    def size(self) -> int:
        """Nodes of the territory below the region."""
        return self.streets * _STREET_SIZE + self.districts + self.cities


def towns_build(meters: int) -> list[Town]:
    """Nine tenths of the meters in one company, nearly all others in a second, few in a third."""
    streets = max(meters // METERS_A_STREET, 4)
    middle = max((streets - 1) // 10, 1)
    towns = [Town("big", streets - middle - 1), Town("middle", middle), Town("small", 1)]
    for town in towns:
        Company.objects.create(code=town.code, name=f"Company {town.code}")
    for resource in ("cold_water", "electricity", "device"):
        DeviceType.objects.create(
            code=resource, name=f"{resource} meter", manufacturer="Bench", resource=resource
        )
    with bare_tables(TABLES):
        for number, town in enumerate(towns):
            company = Company.objects.get(code=town.code)
            nodes = [*_territory(town, company, 10 * number + 1)]
            for offset, (system, middle_kind) in enumerate(_NETWORKS.items(), 2):
                nodes += _network(town, company, system, middle_kind, 10 * number + offset)
            # MPTT's manager numbers one by one; the plain query set writes rows as they are.
            Node._base_manager.bulk_create(nodes, batch_size=2_000)
        # Parents are known by number only until they have keys.
        with connection.cursor() as cursor:
            for statement in (_PARENTS, _BELOW_STREETS, *_DEVICES):
                cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE flats")
        cursor.execute("ANALYZE")
    return towns


def street_name(number: int) -> str:
    """Names come again with every round through the list, with the number of the round."""
    rounds, place = divmod(number, len(_NAMES))
    name = _NAMES[place]
    kind = "Street" if name.isascii() else "вулиця"
    return f"{name} {kind} {rounds + 1}"


def _territory(town: Town, company: Company, tree: int) -> Iterator[Node]:
    """Region, cities, districts and streets, numbered with room for what comes below them."""

    def node(level: int, kind: str, name: str, rank: int, size: int, path: str) -> Node:
        lft = 2 * rank - 1 - level
        return Node(
            company=company,
            system="territory",
            kind=kind,
            name=name,
            path=f"{path}, {name}" if path else name,
            tree_id=tree,
            level=level,
            lft=lft,
            rght=lft + 2 * size - 1,
        )

    rank = 1
    region = node(0, "region", f"Region {town.code}", rank, 1 + town.size, "")
    yield region
    for city in range(town.cities):
        districts = range(
            city * _DISTRICTS_A_CITY, min((city + 1) * _DISTRICTS_A_CITY, town.districts)
        )
        streets = min(town.streets, districts.stop * _STREETS_A_DISTRICT)
        streets -= districts.start * _STREETS_A_DISTRICT
        rank += 1
        size = 1 + len(districts) + streets * _STREET_SIZE
        above = node(1, "city", f"Verbopil {city + 1}", rank, size, region.path)
        yield above
        for district in districts:
            first = district * _STREETS_A_DISTRICT
            below = range(first, min(first + _STREETS_A_DISTRICT, town.streets))
            rank += 1
            size = 1 + len(below) * _STREET_SIZE
            parent = node(2, "district", f"District {district + 1}", rank, size, above.path)
            yield parent
            for street in below:
                yield node(3, "street", street_name(street), rank + 1, _STREET_SIZE, parent.path)
                rank += _STREET_SIZE


_NETWORKS = {"cold_water": "zone", "electricity": "feeder"}


def _network(
    town: Town, company: Company, system: str, middle_kind: str, tree: int
) -> Iterator[Node]:
    """A source and one node for each street, with room for the inlets of its buildings."""
    size = 1 + _BUILDINGS
    common = {"company": company, "system": system, "tree_id": tree}
    name = f"Source {system}"
    rght = 2 * (1 + town.streets * size)
    yield Node(**common, kind="source", name=name, path=name, level=0, lft=1, rght=rght)
    for street in range(town.streets):
        lft = 2 + 2 * size * street
        middle = f"{middle_kind.title()} {street + 1}"
        yield Node(
            **common,
            kind=middle_kind,
            name=middle,
            path=f"{name}, {middle}",
            level=1,
            lft=lft,
            rght=lft + 2 * size - 1,
        )


_PARENTS = """
UPDATE hierarchy_node node SET parent_id = (
    SELECT above.id FROM hierarchy_node above
    WHERE above.tree_id = node.tree_id AND above.level = node.level - 1
      AND above.lft < node.lft AND above.rght > node.rght)
WHERE level > 0
"""

_COLUMNS = """company_id, system, kind, name, code, path, tree_id, level, lft, rght, parent_id,
    created_at, updated_at"""

# Buildings and apartments below the streets, inlets below the middle nodes of both networks.
_BELOW_STREETS = f"""
INSERT INTO hierarchy_node ({_COLUMNS})
SELECT company_id, system, 'building', b + 1, '', path || ', ' || b + 1, tree_id, level + 1,
    lft + 1 + {2 * _BUILDING_SIZE} * b, lft + {2 * _BUILDING_SIZE} * (b + 1), id, now(), now()
FROM hierarchy_node, generate_series(0, {_BUILDINGS - 1}) b WHERE kind = 'street';

INSERT INTO hierarchy_node ({_COLUMNS})
SELECT company_id, system, 'inlet', 'Inlet ' || b + 1, '', path || ', Inlet ' || b + 1, tree_id,
    level + 1, lft + 1 + 2 * b, lft + 2 + 2 * b, id, now(), now()
FROM hierarchy_node, generate_series(0, {_BUILDINGS - 1}) b WHERE kind IN ('zone', 'feeder');

INSERT INTO hierarchy_node ({_COLUMNS})
SELECT company_id, system, 'apartment', 'apt ' || a + 1,
    'A' || row_number() OVER (PARTITION BY company_id ORDER BY lft, a),
    path || ', apt ' || a + 1, tree_id, level + 1, lft + 1 + 2 * a, lft + 2 + 2 * a, id,
    now(), now()
FROM hierarchy_node, generate_series(0, {_APARTMENTS - 1}) a WHERE kind = 'building';
"""  # noqa: S608 - constants only

# Apartment n belongs to building (n - 1) / 50, whose inlets come in the same order.
_DEVICES = (
    # Without indexes the planner needs to know how much there is, or it joins row by row.
    "ANALYZE hierarchy_node",
    f"""
CREATE TABLE flats AS
WITH inlets AS (
    SELECT company_id, system, id,
        row_number() OVER (PARTITION BY company_id, system ORDER BY lft) - 1 AS building
    FROM hierarchy_node WHERE kind = 'inlet'
), numbered AS (
    SELECT company_id, id, row_number() OVER (PARTITION BY company_id ORDER BY lft) AS n
    FROM hierarchy_node WHERE kind = 'apartment'
)
SELECT row_number() OVER (ORDER BY numbered.company_id, n) AS id, numbered.company_id,
    numbered.id AS place_id, n, water.id AS water_id, power.id AS power_id
FROM numbered
JOIN inlets water ON water.company_id = numbered.company_id
    AND water.system = 'cold_water' AND water.building = (n - 1) / {_APARTMENTS}
JOIN inlets power ON power.company_id = numbered.company_id
    AND power.system = 'electricity' AND power.building = (n - 1) / {_APARTMENTS}
""",  # noqa: S608 - constants only
    "ANALYZE flats",
    """
INSERT INTO meters_telemetrymodule (id, company_id, serial, device_type_id, address, place_id,
    status, created_at, updated_at)
SELECT flats.id, flats.company_id, 'WM-' || lpad((n * 7919 % 10000000)::text, 7, '0'), types.id,
    '70B3D5E4' || upper(lpad(to_hex(flats.id), 8, '0')), place_id,
    CASE WHEN n % 200 = 0 THEN 'blocked' ELSE 'active' END, now(), now()
FROM flats JOIN meters_devicetype types ON types.code = 'device'
""",
    """
INSERT INTO meters_usagepoint (id, company_id, code, name, resource, role, place_id,
    network_node_id, is_active, created_at, updated_at)
SELECT 2 * flats.id - 1, company_id, 'CW-' || lpad(n::text, 7, '0'), '', 'cold_water',
    CASE WHEN n = 1 THEN 'supply' WHEN n % 50 = 1 THEN 'balance' ELSE 'consumption' END,
    place_id, water_id, n % 500 <> 0, now(), now() FROM flats
UNION ALL
SELECT 2 * flats.id, company_id, 'EL-' || lpad(n::text, 7, '0'), '', 'electricity',
    CASE WHEN n = 1 THEN 'supply' WHEN n % 50 = 1 THEN 'balance' ELSE 'consumption' END,
    place_id, power_id, true, now(), now() FROM flats
""",
    "ANALYZE meters_usagepoint",
    # One meter in a hundred lies in store, one in a thousand was removed, a few are scrapped.
    """
INSERT INTO meters_meter (id, company_id, serial, device_type_id, module_id, port, digits, status,
    verified_on, verification_due_on, usage_point_id, created_at, updated_at)
SELECT point.id, point.company_id,
    CASE point.resource WHEN 'cold_water'
        THEN 'CW' || 18 + point.id / 2 % 9 || '-' || lpad((point.id * 104729 % 100000000)::text, 8, '0')
        ELSE (2000000000 + point.id * 15485863 % 1000000000)::text END,
    types.id, CASE WHEN state.status = 'installed' THEN (point.id + 1) / 2 END,
    1 + (point.id + 1) % 2, 8, state.status,
    current_date - (point.id * 31 % 1500)::int, current_date - (point.id * 31 % 1500)::int + 1461,
    CASE WHEN state.status = 'installed' THEN point.id END, now(), now()
FROM meters_usagepoint point
JOIN meters_devicetype types ON types.code = point.resource
CROSS JOIN LATERAL (SELECT CASE
    WHEN point.id % 10007 = 0 THEN 'scrapped'
    WHEN point.id % 1009 = 0 THEN 'removed'
    WHEN point.id % 101 = 0 THEN 'stored'
    ELSE 'installed' END AS status) state
""",
    """
INSERT INTO meters_installation (company_id, meter_id, usage_point_id, installed_at, removed_at,
    multiplier, reason, created_at, updated_at)
SELECT company_id, id, id, now() - (id * 7919 % 150000000) * interval '1 second'
    - interval '1 day', CASE WHEN status = 'removed' THEN now() - interval '1 hour' END,
    1, '', now(), now()
FROM meters_meter WHERE status IN ('installed', 'removed')
""",
    *(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
        for table in ("meters_telemetrymodule", "meters_usagepoint", "meters_meter")
    ),
)
