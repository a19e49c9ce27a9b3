"""Sums of nodes → rows: new ones by COPY, changed ones replaced, those without members removed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meters.blocks import POSTGRES_EPOCH
from meters.wire import array_values, bigints, columns, copy, integers

from .amounts import day_of
from .layout import FLOWS, flow_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from .amounts import Amounts
    from .layout import LocalDay
    from .trees import KeySums

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["node_blocks_write"]

Ints = NDArray[np.int64]

_COLUMNS = (
    "node_id, reading_type_id, total, expected, received, estimated, day, channels, reporting,"
    " flow, hours"
)
_FIXED = (
    *(("node", ">i8"), ("reading_type", ">i8"), ("total", ">i8"), ("expected", ">i8")),
    *(("received", ">i8"), ("estimated", ">i8"), ("day", ">i4"), ("channels", ">i4")),
    ("reporting", ">i4"),
)
# Before the elements of an array: dimensions, NULLs, type of elements, length, lower bound.
_ARRAY_HEADER = 20
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS readout_node_stage
    (LIKE meters_node_block) ON COMMIT DELETE ROWS
"""
_STANDING = f"""
SELECT node_id, reading_type_id * 3 + {flow_sql("flow")} FROM meters_node_block
WHERE day = %s AND node_id = ANY(%s)
"""
# A walk from the staged rows to the archive; what is the same is not written again.
_UPDATE = """
WITH written AS (
UPDATE meters_node_block b SET total = s.total, expected = s.expected, received = s.received,
    estimated = s.estimated, channels = s.channels, reporting = s.reporting, hours = s.hours
FROM readout_node_stage s
WHERE b.day = %s AND s.day = b.day AND b.node_id = s.node_id
    AND b.reading_type_id = s.reading_type_id AND b.flow = s.flow
    AND (b.total, b.expected, b.received, b.estimated, b.channels, b.reporting, b.hours)
    IS DISTINCT FROM
    (s.total, s.expected, s.received, s.estimated, s.channels, s.reporting, s.hours)
RETURNING b.node_id
) SELECT array_agg(node_id) FROM written
"""
_DELETE = f"""
DELETE FROM meters_node_block b USING unnest(%s, %s) gone(node_id, key)
WHERE b.day = %s AND b.node_id = gone.node_id
    AND b.reading_type_id * 3 + {flow_sql("b.flow")} = gone.key
"""


def node_blocks_write(
    run: Cursor, day: LocalDay, nodes: Ints, keys: Ints | None, sums: Iterable[KeySums]
) -> Ints:
    """Make `sums` all that there is for these nodes (ids) and keys (None: all) on that day.

    Returns the nodes whose rows changed, ascending.
    """
    when = day_of(day.number)
    node, key = integers(run, _STANDING, [when, bigints(np.sort(nodes))], width=2)
    if keys is not None:
        kept = np.isin(key, keys)
        node, key = node[kept], key[kept]
    run.execute(_STAGE)
    run.execute("DELETE FROM readout_node_stage")
    changed, stays = [], np.zeros(len(node), np.bool_)
    for one in sums:
        of_key = np.flatnonzero(key == one.key)
        is_new = ~np.isin(one.node, node[of_key])
        stays[of_key[np.isin(node[of_key], one.node)]] = True
        _copy(run, "meters_node_block", day, one, is_new)
        _copy(run, "readout_node_stage", day, one, ~is_new)
        changed.append(one.node[is_new])
    if bool(stays.any()):
        changed.append(array_values(columns(run, _UPDATE, when)[0][0]))
    if not bool(stays.all()):
        run.execute(_DELETE, (bigints(node[~stays]), bigints(key[~stays]), when))
        changed.append(node[~stays])
    return np.unique(np.concatenate(changed)) if changed else np.zeros(0, np.int64)


def _copy(run: Cursor, table: str, day: LocalDay, sums: KeySums, rows: NDArray[Any]) -> None:
    if bool(rows.any()):
        copy(run, f"{table} ({_COLUMNS})", [_rows(day, sums, np.flatnonzero(rows))])


def _rows(day: LocalDay, sums: KeySums, chosen: Ints) -> bytes:
    """Rows of `COPY … (FORMAT BINARY)` for the chosen nodes."""
    reading_type, flow = divmod(sums.key, len(FLOWS))
    amounts: Amounts = sums.amounts
    hours = len(amounts.hours)
    template = _template(hours, FLOWS[flow])
    rows = np.empty(len(chosen), template.dtype)
    rows[:] = template
    rows["node"], rows["reading_type"] = sums.node[chosen], reading_type
    rows["day"] = day.number - POSTGRES_EPOCH
    names = ("total", "expected", "received", "estimated", "channels", "reporting")
    for name, counts in zip(names, amounts.counts, strict=True):
        rows[name] = counts[chosen]
    rows["cells"]["value"] = amounts.hours[:, chosen].T
    known = amounts.known[:, chosen].T
    if bool(known.all()):
        return rows.tobytes()
    return _without_unknown(rows, known)


def _without_unknown(rows: NDArray[Any], known: NDArray[np.bool_]) -> bytes:
    """Mark unknown hours as NULL, which have a length but no bytes."""
    rows["nulls"] = ~known.all(axis=1)
    rows["array_length"] = _ARRAY_HEADER + 4 * known.shape[1] + 8 * known.sum(axis=1)
    rows["cells"]["length"][~known] = -1
    size, cells = rows.dtype.itemsize, 12 * known.shape[1]
    kept = np.ones((len(rows), size), np.bool_)
    # The cells end the row.
    kept[:, size - cells :].reshape(len(rows), -1, 12)[:, :, 4:] = known[:, :, None]
    return rows.view(np.uint8).reshape(len(rows), -1)[kept].tobytes()


@lru_cache(maxsize=64)
def _template(hours: int, flow: str) -> NDArray[Any]:
    """One row with everything that is the same in all rows of its shape."""
    text = flow.encode()
    fields: list[Any] = [("width", ">i2")]
    for name, element in _FIXED:
        fields += [(f"{name}_length", ">i4"), (name, element)]
    fields += [("flow_length", ">i4"), ("flow", f"S{len(text)}")]
    header = ("array_length", "dimensions", "nulls", "oid", "hours", "lower")
    fields += [(name, ">i4") for name in header]
    fields += [("cells", np.dtype([("length", ">i4"), ("value", ">i8")]), (hours,))]
    row = np.zeros((), np.dtype(fields))
    for name, element in _FIXED:
        row[f"{name}_length"] = np.dtype(element).itemsize
    row["width"], row["flow_length"], row["flow"] = len(_FIXED) + 2, len(text), text
    row["array_length"] = _ARRAY_HEADER + 12 * hours
    row["dimensions"], row["lower"], row["oid"], row["hours"] = 1, 1, 20, hours
    row["cells"]["length"] = 8
    return row
