"""Tables without triggers, keys and indexes while millions of rows are written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["bare_tables"]

# Foreign keys into or out of the tables, then their unique and exclusion constraints: the first
# depend on the second, so they are dropped in this order and made again in the opposite one.
_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
FROM pg_constraint
WHERE contype IN ('f', 'u', 'x')
  AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[]))
ORDER BY contype = 'f' DESC, oid
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT indisprimary
ORDER BY indexrelid
"""


class _Stripped(NamedTuple):
    constraints: list[tuple[str, str, str]]
    indexes: list[tuple[str, str]]


@contextmanager
def bare_tables(tables: Sequence[str]) -> Iterator[None]:
    """Without them inside; made again, and checked over all rows, at the end.

    A thousand rows indexed at once cost a fraction of a thousand rows indexed one by one.
    Exclusion constraints stay away: they take as long as all the rest, and no list reads them.
    An error inside leaves the tables bare: only for databases that are thrown away.
    """
    stripped = _strip(tables)
    yield
    _dress(tables, stripped)


def _strip(tables: Sequence[str]) -> _Stripped:
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, {"tables": list(tables)})
        constraints = cursor.fetchall()
        for table, name, _definition in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute(_INDEXES, {"tables": list(tables)})
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return _Stripped(constraints, indexes)


def _dress(tables: Sequence[str], stripped: _Stripped) -> None:
    with connection.cursor() as cursor:
        for _name, definition in stripped.indexes:
            cursor.execute(definition)
        for table, name, definition in reversed(stripped.constraints):
            if definition.startswith("EXCLUDE"):
                continue
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            cursor.execute(f"VACUUM (ANALYZE) {table}")
