"""How audit rows are fingerprinted. Sealing and verifying share every line of this."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from config.lib.crypto import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .audit_tables import AuditTable
    from .models import AuditSeal

__all__ = ["ROW_BYTES", "pack", "row_prints", "seal_mac", "unpack"]

_PURPOSE = "audit"
_OFFSET = struct.Struct(">I")
_PRINT_BYTES = 16
ROW_BYTES = _OFFSET.size + _PRINT_BYTES


class RowPrint(NamedTuple):
    """Key of an audit row and its fingerprint."""

    key: int
    print: bytes


def row_prints(
    table: AuditTable, columns: list[str], *, first: int, last: int, limit: int
) -> list[RowPrint]:
    """Fingerprints of the rows with first ≤ key ≤ last, by key, over these columns."""
    names = ", ".join(f't."{name}"' for name in columns)
    statement = (
        f'SELECT t."{table.key}", ROW({names})::text FROM "{table.name}" t'
        f' WHERE t."{table.key}" BETWEEN %s AND %s ORDER BY t."{table.key}" LIMIT %s'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [first, last, limit])
        rows = cursor.fetchall()
    return [RowPrint(key, _print(table.name, key, text)) for key, text in rows]


def pack(prints: list[RowPrint]) -> bytes:
    """As stored in a seal: offsets from the first key, and fingerprints."""
    first = prints[0].key
    return b"".join(_OFFSET.pack(item.key - first) + item.print for item in prints)


def unpack(seal: AuditSeal) -> Iterator[RowPrint]:
    """The reverse of `pack`."""
    rows = bytes(seal.rows)
    for position in range(0, len(rows), ROW_BYTES):
        (offset,) = _OFFSET.unpack_from(rows, position)
        start = position + _OFFSET.size
        yield RowPrint(seal.first_id + offset, rows[start : start + _PRINT_BYTES])


def seal_mac(seal: AuditSeal) -> bytes:
    """MAC over everything the seal says, its predecessor's MAC included."""
    head = [
        str(seal.number),
        seal.at.isoformat(),
        seal.table,
        str(seal.first_id),
        str(seal.last_id),
        *seal.columns,
    ]
    data = "\0".join(head).encode() + b"\0\0" + bytes(seal.previous) + bytes(seal.rows)
    return keyed_hash(data, purpose=_PURPOSE)


def _print(table: str, key: int, text: str) -> bytes:
    return keyed_hash(f"{table}\0{key}\0{text}".encode(), purpose=_PURPOSE)[:_PRINT_BYTES]
