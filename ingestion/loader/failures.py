"""Telling apart what the database may answer: come again, somebody was faster, bad data.

Retrying bad data as if the database were away stalls for ever; taking an outage for bad data loses
readings. What is neither (a missing table, a bug of the server) counts as an outage: nothing is
acknowledged until somebody has looked.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from .errors import ArchiveUnavailable, LoadError, Raced

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BadData", "is_bad_data", "translated"]

# Unique key, serialisation, deadlock, a partition that was dropped meanwhile.
_RACES = frozenset({"23505", "40001", "40P01", "42P01"})


class BadData(LoadError):
    """The database refused a value; which one is found by storing frames on their own."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Raced`, `BadData` or `ArchiveUnavailable` for errors of the database."""
    try:
        yield
    except (psycopg.Error, DatabaseError, InterfaceError) as error:
        found = _cause(error)
        if is_race(found):
            raise Raced(str(found)) from error
        if is_bad_data(found):
            raise BadData(str(found)) from error
        _drop_connection()
        raise ArchiveUnavailable(f"the archive can't be written now: {found}") from error


def is_race(error: BaseException) -> bool:
    """Whether another process was faster; loading again helps at once."""
    if not isinstance(error, psycopg.Error):
        return False
    # A check constraint has a name, the lack of a partition has none.
    homeless = error.sqlstate == "23514" and not error.diag.constraint_name
    return homeless or error.sqlstate in _RACES


def is_bad_data(error: BaseException) -> bool:
    """Whether the error is in a value, so that it comes again with that value only."""
    return isinstance(error, psycopg.DataError | psycopg.IntegrityError) and not is_race(error)


def _cause(error: BaseException) -> BaseException:
    """The driver's own error below Django's."""
    cause = error.__cause__
    return cause if isinstance(cause, psycopg.Error) else error


def _drop_connection() -> None:
    # The next batch starts on a fresh connection; inside somebody's transaction it can't.
    if not connection.in_atomic_block:
        connection.close()
