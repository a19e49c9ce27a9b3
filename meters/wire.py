"""Talking to PostgreSQL in its binary forms: array parameters, COPY, results column by column.

Django's cursors put parameters into the text of a statement; for arrays of thousands of numbers
that costs more than the work itself. These run on Django's connection and in its transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import psycopg
from django.db import connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Column",
    "array_values",
    "bigints",
    "columns",
    "copy",
    "cursor",
    "dates",
    "fixed",
    "integers",
]

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
# Types that `columns` leaves as they come: bytea, bigint, smallint, xid, date, timestamptz, arrays.
_UNREAD = (17, 20, 21, 28, 1082, 1184, 1005, 1007, 1016)
_COPY_TRAILER = b"\xff\xff"
# Before the elements of an array: dimensions, NULLs, type, length, lower bound.
_ARRAY_HEADER = 20


class Column(NamedTuple):
    """An array parameter: numbers, type of the array, type of its elements, their form."""

    values: NDArray[Any]
    oid: int
    element_oid: int
    element: str


def bigints(values: NDArray[Any]) -> Column:
    """A parameter of type bigint[]."""
    return Column(values, 1016, 20, ">i8")


def dates(days: NDArray[Any]) -> Column:
    """A parameter of type date[], from days since 2000-01-01."""
    return Column(days, 1182, 1082, ">i4")


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Column, format: Any) -> Any:
        return (self.cls, obj.oid)

    def upgrade(self, obj: Column, format: Any) -> _ColumnDumper:
        dumper = type(self)(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: Column) -> bytes:
        return array_bytes(obj)


def array_bytes(column: Column) -> bytes:
    """An array without NULLs as PostgreSQL sends and takes it."""
    count = len(column.values)
    if not count:
        return np.array([0, 0, column.element_oid], ">i4").tobytes()
    element = np.dtype(column.element)
    cells = np.empty(count, [("length", ">i4"), ("value", element)])
    cells["length"] = element.itemsize
    cells["value"] = column.values
    return np.array([1, 0, column.element_oid, count, 1], ">i4").tobytes() + cells.tobytes()


def cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """A cursor with parameters and results in binary form, on Django's connection."""
    connection.ensure_connection()
    made: psycopg.Cursor[tuple[Any, ...]] = psycopg.Cursor(cast("Any", connection.connection))
    made.format = Format.BINARY
    made.adapters.register_dumper(Column, _ColumnDumper)
    return made


def copy(run: psycopg.Cursor[Any], target: str, rows: Iterable[bytes]) -> None:
    """COPY ready-made binary rows into `target`: a table with its columns."""
    with run.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)") as stream:
        stream.write(_COPY_HEADER)
        for piece in rows:
            stream.write(piece)
        stream.write(_COPY_TRAILER)


def columns(
    run: psycopg.Cursor[Any], statement: str, *parameters: Any
) -> list[tuple[bytes | None, ...]]:
    """The result of a statement, column by column, each value in its binary form."""
    return _columns(run, statement, parameters)


def _columns(run: psycopg.Cursor[Any], statement: str, parameters: Any) -> list[Any]:
    with psycopg.Cursor(run.connection) as raw:
        raw.adapters.register_dumper(Column, _ColumnDumper)
        for oid in _UNREAD:
            raw.adapters.register_loader(oid, ByteaBinaryLoader)
        raw.execute(statement, parameters, binary=True)
        rows = raw.fetchall()
        width = len(raw.description or ())
    return list(zip(*rows, strict=True)) if rows else [()] * width


def fixed(values: Sequence[bytes | None], element: str) -> NDArray[Any]:
    """A result column of numbers without NULLs, as psycopg's `pgresult.get_value` gave it."""
    return np.frombuffer(b"".join(cast("Sequence[bytes]", values)), element)


def integers(
    run: psycopg.Cursor[Any], query: str, parameters: Any = (), *, width: int
) -> list[NDArray[np.int64]]:
    """The result of a query of `width` columns, all bigint and not NULL, column by column.

    The server gathers each column into one array, so that no object is made for a row. Rows come in
    the order of the query.
    """
    names = [f"c{place}" for place in range(width)]
    gathered = ", ".join(f"array_agg({name})" for name in names)
    statement = f"SELECT {gathered} FROM ({query}) q({', '.join(names)})"
    return [array_values(column[0]) for column in _columns(run, statement, parameters)]


def array_values(array: bytes | None) -> NDArray[np.int64]:
    """A bigint[] without NULLs from its binary form; None is an empty one."""
    if array is None or len(array) <= _ARRAY_HEADER:
        return np.zeros(0, np.int64)
    cells = np.frombuffer(array, [("length", ">i4"), ("value", ">i8")], offset=_ARRAY_HEADER)
    return cells["value"].astype(np.int64)
