"""Rows kept to be put back: making the people and meters of a test takes longer than copying them.

Needs the right to switch triggers off for a session, which the superuser of the embedded PostgreSQL
grants once; on a server that is given by its address there is none, and everything is made anew.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import psycopg
from django.db import connection, transaction

from config.embedded.services import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Kept", "Pristine"]

T = TypeVar("T")

_TABLES = """
SELECT c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition AND a.attgenerated = ''
GROUP BY c.oid ORDER BY 1
"""
# Rows made by migrations are made anew when a test empties the database, under other keys.
_GIVEN = "SELECT coalesce(sum(hashtext(p::text)), 0) FROM auth_permission p"


@cache
def _snapshots_possible() -> bool:
    """Whether this session may switch triggers off."""
    folder = Path(os.environ.get("READOUT_VAR", ""))
    secret = folder / "secrets" / "postgres_superuser_password"
    # Only of a server that is thrown away afterwards.
    if not folder.name.startswith(TEMPORARY_PREFIX) or not secret.is_file():
        return False
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname="postgres",
        user="postgres",
        password=secret.read_text().strip(),
        autocommit=True,
    ) as superuser:
        superuser.execute("GRANT SET ON PARAMETER session_replication_role TO PUBLIC")
    return True


def _contents() -> dict[str, Any]:
    """Table → a number that changes with what it holds; the key "" stands for what was given."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        names = [name for name, _ in cursor.fetchall()]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', (count(*), coalesce(sum(hashtext(t::text)), 0))::text"
                f" FROM {name} t"
                for name in names
            )
        )
        found: dict[str, Any] = dict(cursor.fetchall())
        found[""] = _given(cursor)
    return found


def _given(cursor: Any) -> Any:
    cursor.execute(_GIVEN)
    return cursor.fetchone()[0]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The tables that changed since `_contents`; tables: name and columns → rows as COPY gives them."""

    given: Any
    tables: dict[tuple[str, str], bytes]

    @classmethod
    def take(cls, before: dict[str, Any]) -> _Snapshot:
        now = _contents()
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            changed = [row for row in cursor.fetchall() if now[row[0]] != before.get(row[0])]
            tables = {}
            for name, columns in changed:
                source = f"COPY (SELECT {columns} FROM {name}) TO STDOUT (FORMAT BINARY)"
                with cursor.copy(source) as stream:
                    tables[name, columns] = b"".join(map(bytes, stream))
        return cls(now[""], tables)

    def restore(self) -> bool:
        """Put the rows back; False when they do not fit what the database holds now."""
        with connection.cursor() as cursor:
            if _given(cursor) != self.given:
                return False
        self.put_back()
        return True

    def put_back(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for (name, columns), rows in self.tables.items():
                cursor.execute(f"DELETE FROM {name}")
                with cursor.copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT BINARY)") as stream:
                    stream.write(rows)
            cursor.execute("SET LOCAL session_replication_role = origin")


class Kept(Generic[T]):
    """What was made last, to be copied: the rows, and what the maker returned."""

    def __init__(self) -> None:
        self._last: tuple[_Snapshot, T] | None = None

    def copied_or_made(self, make: Callable[[], T]) -> T:
        """In the database of a test, which holds nothing of it yet."""
        if not _snapshots_possible():
            return make()
        if self._last is not None and self._last[0].restore():
            return deepcopy(self._last[1])
        before = _contents()
        made = make()
        self._last = (_Snapshot.take(before), deepcopy(made))
        return made


class Pristine:
    """What migrations have made, to be put back after a test that committed.

    Emptying every table and making anew what was given takes a second a test; most tests touch few
    tables. Rows that were given keep their keys, so that `Kept` goes on to fit.
    """

    def __init__(self) -> None:
        self._contents = _contents()
        self._rows = _Snapshot.take({}).tables

    @classmethod
    def take(cls) -> Pristine | None:
        """Of a database that is just made; None where rows can't be put back."""
        return cls() if _snapshots_possible() else None

    def restore(self) -> None:
        now = _contents()
        changed = {name for name, held in now.items() if held != self._contents.get(name)}
        rows = {key: rows for key, rows in self._rows.items() if key[0] in changed}
        _Snapshot("", rows).put_back()
