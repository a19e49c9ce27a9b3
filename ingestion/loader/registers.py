"""Storing register readings: new ones by COPY, contradictions by the rules of `merge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from meters.wire import Column, bigints, columns, copy, fixed

from .errors import Raced
from .merge import merge
from .placing import group, in_turns

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray

    from .archive import Origin
    from .batch import Registers

    Ints = NDArray[np.int64]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["RegisterChange", "store_registers"]

_MICROSECONDS = 1_000_000
_POSTGRES_EPOCH = 946_684_800
_COLUMNS = "channel_id, at, value, quality, kind"
# One look-up in the primary key of one partition for each reading.
_FETCH = """
SELECT b.channel_id, b.at, b.value, b.quality, b.xmin FROM unnest(%s, %s) k(channel_id, at)
JOIN meters_register_reading b ON b.channel_id = k.channel_id AND b.at = k.at
"""
_STAGE = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS readout_register_stage ON COMMIT DELETE ROWS AS
SELECT {_COLUMNS}, '0'::xid AS version, 0::smallint AS reason, 0::bigint AS frame_id
FROM meters_register_reading WHERE false
"""
_REVISE = """
INSERT INTO meters_register_revision
    (channel_id, at, value, quality, kind, replaced_at, reason, frame_id, user_id, note)
SELECT b.channel_id, b.at, b.value, b.quality, b.kind, clock_timestamp(), s.reason,
    nullif(s.frame_id, -1), %s, %s
FROM readout_register_stage s
JOIN meters_register_reading b ON b.channel_id = s.channel_id AND b.at = s.at
WHERE s.reason <> 0
"""
# A united flag leaves the kind as it is.
_UPDATE = """
UPDATE meters_register_reading b SET value = s.value, quality = s.quality,
    kind = CASE WHEN s.kind = 0 THEN b.kind ELSE s.kind END
FROM readout_register_stage s
WHERE b.channel_id = s.channel_id AND b.at = s.at AND b.xmin = s.version
"""
_ROW = np.dtype(
    [("columns", ">i2"), ("channel_length", ">i4"), ("channel", ">i8")]
    + [("at_length", ">i4"), ("at", ">i8"), ("value_length", ">i4"), ("value", ">i8")]
    + [("quality_length", ">i4"), ("quality", ">i2"), ("kind_length", ">i4"), ("kind", ">i2")]
)
_STAGED_ROW = np.dtype(
    [(name, _ROW[name]) for name in _ROW.names or ()]
    + [("version_length", ">i4"), ("version", ">u4"), ("reason_length", ">i4"), ("reason", ">i2")]
    + [("frame_length", ">i4"), ("frame", ">i8")]
)


class _Stored(NamedTuple):
    """Readings as they stand; key: place of each among the rows asked for."""

    key: Ints
    value: Ints
    quality: NDArray[np.uint8]
    version: Ints


class RegisterChange(NamedTuple):
    """stored: values that now stand in the archive; met: readings that stood there before."""

    stored: int = 0
    met: int = 0


def store_registers(
    run: Cursor, registers: Registers, origin: Origin, *, presume_new: bool = False
) -> RegisterChange:
    """Store good rows (`origin.frame_id`: a row each).

    presume_new: do not look for readings of the same times first, which costs as much as writing
    them; if there are any, the unique key says so and nothing of the transaction stands.
    """
    if not len(registers):
        return RegisterChange()
    keys = group(registers.channel, registers.at)
    turns, _repeats = in_turns(keys.block, registers.value, registers.quality, len(keys))
    changes = [
        _store(
            run,
            registers.take(rows),
            origin._replace(frame_id=origin.frame_id[rows]),
            presume_new=presume_new and len(turns) == 1,
        )
        for rows in turns
    ]
    return RegisterChange(*map(sum, zip(*changes, strict=True)))


def _store(
    run: Cursor, registers: Registers, origin: Origin, *, presume_new: bool
) -> RegisterChange:
    order = np.lexsort((registers.at, registers.channel))
    registers = registers.take(order)
    if presume_new:
        _copy(run, registers)
        return RegisterChange(len(registers))
    stored = _fetch(run, registers)
    is_new = np.ones(len(registers), np.bool_)
    is_new[stored.key] = False
    if bool(is_new.any()):
        _copy(run, registers.take(is_new))
    changed = _merge(run, registers, stored, origin.frame_id[order], origin)
    return RegisterChange(int(is_new.sum()) + changed, len(stored.key))


def _copy(run: Cursor, registers: Registers) -> None:
    rows = _filled(registers, _ROW)
    copy(run, f"meters_register_reading ({_COLUMNS})", [rows.tobytes()])


def _fetch(run: Cursor, registers: Registers) -> _Stored:
    at = (registers.at - _POSTGRES_EPOCH) * _MICROSECONDS
    found = columns(run, _FETCH, bigints(registers.channel), Column(at, 1185, 1184, ">i8"))
    channel, when = fixed(found[0], ">i8"), fixed(found[1], ">i8")
    wanted = (
        {
            key: place
            for place, key in enumerate(zip(registers.channel.tolist(), at.tolist(), strict=True))
        }
        if len(channel)
        else {}
    )
    places = [wanted[key] for key in zip(channel.tolist(), when.tolist(), strict=True)]
    return _Stored(
        np.array(places, np.int64),
        fixed(found[2], ">i8").astype(np.int64),
        fixed(found[3], ">i2").astype(np.uint8),
        fixed(found[4], ">u4").astype(np.int64),
    )


def _merge(
    run: Cursor, registers: Registers, stored: _Stored, frame_id: Ints, origin: Origin
) -> int:
    arriving = registers.take(stored.key)
    merged = merge(
        stored.value, stored.quality, arriving.value, arriving.quality, origin.precedence
    )
    rows = np.flatnonzero(merged.altered)
    if not len(rows):
        return 0
    rows = rows[np.argsort(stored.key[rows])]
    arriving = arriving.take(rows)
    arriving.value, arriving.quality = merged.value[rows], merged.quality[rows]
    arriving.kind = np.where(merged.taken[rows], arriving.kind, 0).astype(np.uint8)
    staged = _filled(arriving, _STAGED_ROW)
    staged["version"], staged["reason"] = stored.version[rows], merged.reason[rows]
    staged["frame"] = frame_id[stored.key[rows]]
    run.execute(_STAGE)
    run.execute("DELETE FROM readout_register_stage")
    copy(run, "readout_register_stage", [staged.tobytes()])
    run.execute(_REVISE, (origin.user_id, origin.note))
    run.execute(_UPDATE)
    if run.rowcount != len(rows):
        raise Raced("a register reading changed while another one was merged into it")
    return int(merged.taken.sum())


def _filled(registers: Registers, row: np.dtype[Any]) -> NDArray[Any]:
    rows = np.zeros(len(registers), row)
    names = [name for name in row.names or () if not name.endswith("_length")]
    rows["columns"] = len(names) - 1
    for name in names[1:]:
        rows[f"{name}_length"] = row[name].itemsize
    rows["channel"], rows["value"] = registers.channel, registers.value
    rows["at"] = (registers.at - _POSTGRES_EPOCH) * _MICROSECONDS
    rows["quality"], rows["kind"] = registers.quality, registers.kind
    return rows
