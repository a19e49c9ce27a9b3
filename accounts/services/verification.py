"""Verification of the audit: every sealed row against its seal, every seal against the chain."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit_proof import ROW_BYTES, row_prints, seal_mac, unpack
from accounts.audit_tables import AuditTable, audit_tables
from accounts.models import Activity, AuditSeal

from .seals import head_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .seals import SealHead

__all__ = ["Finding", "audit_verify"]

# Rows older than this ought to have been sealed.
_OVERDUE = timedelta(minutes=30)


class Finding(NamedTuple):
    """Something that does not fit: where (table and key, or seal number) and what."""

    table: str
    key: int
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}"


def audit_verify(*, head: SealHead | None = None) -> Iterator[Finding]:
    """Everything that does not fit, as it is found; nothing when the audit is whole.

    head: the newest seal as noted outside the database; by default what this machine noted.
    """
    tables = {table.name: table for table in audit_tables()}
    reached: dict[str, int] = {}
    previous: AuditSeal | None = None
    expected = head or head_read()
    for seal in AuditSeal.objects.order_by("number").iterator(chunk_size=50):
        yield from _check_seal(seal, previous)
        if expected and seal.number == expected.number and bytes(seal.mac).hex() != expected.mac:
            yield Finding("accounts_auditseal", seal.number, _("is not the seal noted outside"))
        yield from _check_rows(seal, tables.get(seal.table), reached.get(seal.table, -1))
        reached[seal.table] = max(seal.last_id, reached.get(seal.table, -1))
        previous = seal
    if expected and (previous is None or previous.number < expected.number):
        lost = (previous.number if previous else 0) + 1
        yield Finding("accounts_auditseal", lost, _("seals from here on are missing"))
    for table in tables.values():
        yield from _check_overdue(table, reached.get(table.name, -1))


def _check_seal(seal: AuditSeal, previous: AuditSeal | None) -> Iterator[Finding]:
    if bytes(seal.mac) != seal_mac(seal):
        yield Finding("accounts_auditseal", seal.number, _("the seal was altered or forged"))
    expected_number = previous.number + 1 if previous else 1
    if seal.number != expected_number:
        yield Finding(
            "accounts_auditseal", expected_number, _("one or more seals from here on are missing")
        )
    elif bytes(seal.previous) != (bytes(previous.mac) if previous else b""):
        yield Finding("accounts_auditseal", seal.number, _("does not follow the seal before it"))


def _check_rows(seal: AuditSeal, table: AuditTable | None, reached: int) -> Iterator[Finding]:
    """Rows between the end of the table's seal before and the end of this one."""
    if table is None:
        yield Finding(seal.table, seal.first_id, _("the table is gone or no longer audited"))
        return
    if gone := set(seal.columns) - _columns_of(table):
        text = _("can't be verified: the column %s is gone") % sorted(gone)[0]
        yield Finding(seal.table, seal.first_id, text)
        return
    sealed = dict(unpack(seal)) if len(bytes(seal.rows)) % ROW_BYTES == 0 else {}
    present = dict(
        row_prints(
            table, seal.columns, first=reached + 1, last=seal.last_id, limit=len(sealed) + 10_000
        )
    )
    for key in sorted(sealed.keys() | present.keys()):
        if key not in present:
            yield Finding(seal.table, key, _("the row was deleted"))
        elif key not in sealed:
            yield Finding(seal.table, key, _("the row was slipped in after sealing"))
        elif sealed[key] != present[key]:
            yield Finding(seal.table, key, _("the row was altered"))


def _columns_of(table: AuditTable) -> set[str]:
    with connection.cursor() as cursor:
        return {
            column.name
            for column in connection.introspection.get_table_description(cursor, table.name)
        }


def _check_overdue(table: AuditTable, reached: int) -> Iterator[Finding]:
    time = "at" if table.source is Activity else "pgh_created_at"
    statement = (
        f'SELECT min(t."{table.key}") FROM "{table.name}" t'
        f' WHERE t."{table.key}" > %s AND t."{time}" < %s'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [reached, timezone.now() - _OVERDUE])
        row = cursor.fetchone()
    if row and row[0] is not None:
        yield Finding(table.name, int(row[0]), _("rows from here on were never sealed"))
