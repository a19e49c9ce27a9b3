"""Advisory locks of PostgreSQL, by name, held until the transaction ends."""

from __future__ import annotations

from django.db import connections

__all__ = ["lock"]


def lock(name: str, *, using: str = "default") -> None:
    """Wait for the lock called `name`; outside a transaction it would be gone at once."""
    connection = connections[using]
    if not connection.in_atomic_block:
        raise RuntimeError(f"lock {name!r} needs a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
