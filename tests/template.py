"""One migrated database a run, which the workers of xdist copy: migrating takes half a minute.

The name is that of the run, so that a server which outlives it never serves an older schema.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

__all__ = ["template_begun", "template_drop", "template_made"]

# No test names an earlier day without making its month itself.
_EARLIEST = date(2025, 6, 1)
_LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
_EXISTS = "SELECT 1 FROM pg_database WHERE datname = %s"


def _name(run: str) -> str:
    return f"readout_template_{run}"


def template_begun(run: str) -> subprocess.Popen[bytes]:
    """A process that makes it, while the workers still collect their tests."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.template", run],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def template_made(run: str) -> str:
    """Its name; the first worker makes it, the others wait. Django's connection is closed after."""
    name = _name(run)
    with _maintenance(os.environ["DATABASE_URL"]) as connection:
        connection.execute(_LOCK, [name])
        if connection.execute(_EXISTS, [name]).fetchone() is None:
            unready = f"{name}_unready"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unready)))
            _migrate(unready)
            # Nobody copies what is only half made.
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(unready), sql.Identifier(name)))
    return name


def template_drop(run: str) -> None:
    """Harmless where there is none."""
    with _maintenance(os.environ["DATABASE_URL"]) as connection:
        for name in (_name(run), f"{_name(run)}_unready"):
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


def _maintenance(url: str) -> psycopg.Connection[Any]:
    parts = urlsplit(url)._replace(path="/postgres")
    return psycopg.connect(urlunsplit(parts), autocommit=True)


def _migrate(name: str) -> None:
    from django.core.management import call_command
    from django.db import connection

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        _months_of_the_tests()
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _months_of_the_tests() -> None:
    """Partitions for the days that tests name as dates; the server's own months leave them behind."""
    from meters.partitions import BLOCKS, NODE_BLOCKS, REGISTERS, partitions_ensure

    for table in (BLOCKS, REGISTERS, NODE_BLOCKS):
        partitions_ensure(table, first=_EARLIEST, last=datetime.now(UTC).date())


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    template_made(sys.argv[1])
