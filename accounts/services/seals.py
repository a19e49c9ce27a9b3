"""Seals: once a minute the new audit rows are fingerprinted with a key the database never sees.

A row that is altered, deleted or slipped in afterwards no longer fits its seal, and a seal that is
touched no longer fits the chain. The number and MAC of the newest seal also go to the log and to a
file outside the database, so that cutting off the end of the chain is noticed too.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.audit_proof import ROW_BYTES, pack, row_prints, seal_mac
from accounts.audit_tables import audit_tables
from accounts.models import AuditSeal
from config.lib.locks import lock

if TYPE_CHECKING:
    from accounts.audit_tables import AuditTable

__all__ = ["SealHead", "audit_seal", "head_file", "head_read"]

log = logging.getLogger(__name__)

# A seal holds at most this many rows, so that verifying needs little memory.
_BATCH = 5_000
# Offsets inside a seal have 32 bits.
_SPAN = 2**32 - 1


class SealHead(NamedTuple):
    """The newest seal, as noted outside the database."""

    number: int
    mac: str


def audit_seal() -> int:
    """Seal what came since the last time; how many rows. Tables somebody is writing to for long
    are left for the next time.
    """
    sealed, last = 0, None
    for table in audit_tables():
        bound = _settled_bound(table)
        while bound is not None:
            seal = _seal_batch(table, bound)
            if seal is None:
                break
            sealed, last = sealed + len(bytes(seal.rows)), seal
    if last is not None:
        _note_head(SealHead(last.number, bytes(last.mac).hex()))
    return sealed // ROW_BYTES


def head_file() -> Path:
    """Where this machine notes the newest seal it made."""
    return Path(settings.VAR_DIR) / "audit" / "head.json"  # type: ignore[misc]


def head_read() -> SealHead | None:
    """The newest seal this machine noted, if it ever sealed."""
    try:
        content = json.loads(head_file().read_text())
        return SealHead(int(content["number"]), str(content["mac"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _settled_bound(table: AuditTable) -> int | None:
    """Highest key below which no transaction can still add a row; None when writers don't pause.

    Keys are drawn under the lock that every INSERT holds, so an instant without writers, which the
    lock waits for, settles all keys drawn so far.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            cursor.execute(f'LOCK TABLE "{table.name}" IN SHARE MODE')
            cursor.execute(f'SELECT max("{table.key}") FROM "{table.name}"')
            row = cursor.fetchone()
    except OperationalError:
        log.info("audit: %s is being written to, it is sealed later", table.name)
        return None
    return None if row is None or row[0] is None else int(row[0])


@transaction.atomic
def _seal_batch(table: AuditTable, bound: int) -> AuditSeal | None:
    """The next seal of the table up to the bound; None when everything is sealed."""
    lock("accounts:audit seal")
    latest = AuditSeal.objects.filter(table=table.name).order_by("-number").first()
    first = latest.last_id + 1 if latest else 0
    columns = table.columns
    prints = row_prints(table, columns, first=first, last=bound, limit=_BATCH)
    prints = [item for item in prints if item.key - prints[0].key <= _SPAN]
    if not prints:
        return None
    before = AuditSeal.objects.order_by("-number").first()
    seal = AuditSeal(
        number=before.number + 1 if before else 1,
        at=timezone.now(),
        table=table.name,
        first_id=prints[0].key,
        last_id=prints[-1].key,
        columns=columns,
        rows=pack(prints),
        previous=bytes(before.mac) if before else b"",
    )
    seal.mac = seal_mac(seal)
    seal.save(force_insert=True)
    return seal


def _note_head(head: SealHead) -> None:
    """In the log and in a file: whoever rules the database rules neither."""
    log.info("audit sealed up to number %d, mac %s", head.number, head.mac)
    path = head_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(head._asdict()))
        fresh.replace(path)
    except OSError as error:
        log.warning("audit: the newest seal can't be noted in %s: %s", path, error)
