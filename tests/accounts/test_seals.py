"""S13: whoever rules the database still can't change the audit unnoticed."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.audit_tables import AuditTable, audit_tables
from accounts.models import Activity, AuditSeal
from accounts.services.activity import activity_record
from accounts.services.seals import audit_seal, head_file
from accounts.services.verification import audit_verify
from accounts.tasks import seal_audit

if TYPE_CHECKING:
    from tests.people import World


@pytest.fixture
def sealed(world: World) -> list[AuditTable]:
    """Tables with rows, all sealed."""
    for person in world.city.people.values():
        activity_record(user=person, kind=Activity.Kind.SIGN_IN, ip="192.0.2.1")
    assert audit_seal() > 0
    found = [table for table in audit_tables() if table.source._default_manager.exists()]
    assert len(found) > 10
    return found


def as_superuser(*statements: str) -> None:
    """What somebody who rules the tables would do: no trigger runs."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            written = re.match(r'(?:UPDATE|DELETE FROM|INSERT INTO) "?(\w+)', statement)
            assert written
            cursor.execute(f"ALTER TABLE {written[1]} DISABLE TRIGGER USER")
            cursor.execute(statement)
            cursor.execute(f"ALTER TABLE {written[1]} ENABLE TRIGGER USER")


def middle(table: AuditTable) -> int:
    keys = sorted(table.source._default_manager.values_list("pk", flat=True))
    return int(keys[len(keys) // 2])


def positions() -> list[tuple[str, int]]:
    return [(finding.table, finding.key) for finding in audit_verify()]


def test_untouched_audit_is_whole(sealed: list[AuditTable], capsys: Any) -> None:
    assert positions() == []
    call_command("verify_audit")


def test_ordinary_writes_are_refused(sealed: list[AuditTable]) -> None:
    for table in [*sealed, None]:
        name = table.name if table else AuditSeal._meta.db_table
        column = table.key if table else "number"
        for statement in (
            f'DELETE FROM "{name}"',
            f'UPDATE "{name}" SET "{column}" = "{column}"',
        ):
            with (
                pytest.raises(DatabaseError, match=r"[Cc]annot"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)


def test_every_altered_column_is_found(sealed: list[AuditTable]) -> None:
    """One column after the other, in every table."""
    for table in sealed:
        key = middle(table)
        for column in table.columns:
            if column == table.key:
                continue
            savepoint = transaction.savepoint()
            if alter(table, column, key):
                assert positions() == [(table.name, key)], f"{table.name}.{column}"
            transaction.savepoint_rollback(savepoint)


def alter(table: AuditTable, column: str, key: int) -> bool:
    """Give the column another value of its type."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT udt_name FROM information_schema.columns"
            " WHERE table_name = %s AND column_name = %s",
            [table.name, column],
        )
        kind = cursor.fetchone()[0]
    changed = CHANGED.get(kind)
    assert changed, f"{table.name}.{column}: say how a {kind} is altered"
    as_superuser(
        f'UPDATE "{table.name}" SET "{column}" = {changed.format(column=column)}'
        f' WHERE "{table.key}" = {key}'
    )
    return True


CHANGED = {
    "int2": 'coalesce("{column}", 0) + 1',
    "int4": 'coalesce("{column}", 0) + 1',
    "int8": 'coalesce("{column}", 0) + 1',
    "numeric": 'coalesce("{column}", 0) + 1',
    "float8": 'coalesce("{column}", 0) + 1',
    "bool": 'NOT coalesce("{column}", false)',
    "text": "'other'",
    "varchar": "'x9'",
    "date": "coalesce(\"{column}\", '2020-01-01') + 1",
    "timestamptz": "coalesce(\"{column}\", now()) + interval '1 microsecond'",
    "jsonb": "'{{\"user\": 999}}'",
    "uuid": "'00000000-0000-0000-0000-000000000009'",
    "inet": "'192.0.2.99'",
    "bytea": "'\\x09'",
    "tstzrange": "tstzrange('2001-01-01', '2001-01-02')",
    "daterange": "daterange('2001-01-01', '2001-01-02')",
    "_varchar": "ARRAY['x9']",
    "_text": "ARRAY['x9']",
    "_int4": "ARRAY[9]",
    "interval": "interval '9 seconds'",
}


def test_deleted_rows_are_found(sealed: list[AuditTable]) -> None:
    keys = {table.name: middle(table) for table in sealed}
    as_superuser(
        *(
            f'DELETE FROM "{table.name}" WHERE "{table.key}" = {keys[table.name]}'
            for table in sealed
        )
    )
    assert sorted(positions()) == sorted(keys.items())


def test_slipped_in_row_is_found(sealed: list[AuditTable]) -> None:
    for table in sealed:
        key = middle(table)
        others = ", ".join(f'"{name}"' for name in table.columns if name != table.key)
        savepoint = transaction.savepoint()
        as_superuser(
            f'DELETE FROM "{table.name}" WHERE "{table.key}" = {key}',
            f'INSERT INTO "{table.name}" ("{table.key}", {others})'
            f' SELECT {key}, {others} FROM "{table.name}" WHERE "{table.key}" <> {key} LIMIT 1',
        )
        found = positions()
        transaction.savepoint_rollback(savepoint)
        if table.source._default_manager.count() > 1:
            assert found == [(table.name, key)]


def test_row_in_a_gap_is_found(sealed: list[AuditTable]) -> None:
    """A number that a rolled-back transaction left free is no place for a forged row."""
    table = next(table for table in sealed if table.source is Activity)
    last = max(Activity.objects.values_list("pk", flat=True))
    others = ", ".join(f'"{name}"' for name in table.columns if name != table.key)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last + 5})")
    activity_record(user=None, kind=Activity.Kind.SIGN_IN)
    audit_seal()
    assert positions() == []
    as_superuser(
        f'INSERT INTO "{table.name}" ("{table.key}", {others})'
        f' SELECT {last + 2}, {others} FROM "{table.name}" WHERE "{table.key}" = {last}'
    )
    assert positions() == [(table.name, last + 2)]


def test_altered_seal_is_found(sealed: list[AuditTable]) -> None:
    number = AuditSeal.objects.count() // 2
    for change in (
        "rows = overlay(rows placing '\\x00112233' from 9)",
        "at = at + interval '1 second'",
        "first_id = first_id + 1",
        "previous = '\\x00'",
        "mac = '\\x00'",
    ):
        savepoint = transaction.savepoint()
        as_superuser(f"UPDATE accounts_auditseal SET {change} WHERE number = {number}")
        assert ("accounts_auditseal", number) in positions(), change
        transaction.savepoint_rollback(savepoint)


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_deleted_seal_is_found(sealed: list[AuditTable], which: str) -> None:
    count = AuditSeal.objects.count()
    number = {"first": 1, "middle": count // 2, "last": count}[which]
    as_superuser(f"DELETE FROM accounts_auditseal WHERE number = {number}")
    assert ("accounts_auditseal", number) in positions()


def test_everything_cut_off_is_found(sealed: list[AuditTable]) -> None:
    as_superuser(
        "DELETE FROM accounts_auditseal",
        *(f'DELETE FROM "{table.name}"' for table in sealed),
    )
    assert ("accounts_auditseal", 1) in positions()


def test_head_from_a_log_does_where_the_file_is_gone(sealed: list[AuditTable]) -> None:
    last = AuditSeal.objects.order_by("-number")[0]
    shutil.rmtree(head_file().parent)
    call_command("verify_audit", "--head", f"{last.number}:{bytes(last.mac).hex()}")
    as_superuser(f"DELETE FROM accounts_auditseal WHERE number = {last.number}")
    with pytest.raises(CommandError):
        call_command("verify_audit", "--head", f"{last.number}:{bytes(last.mac).hex()}")


def test_seal_forged_with_another_key_is_found(sealed: list[AuditTable], settings: Any) -> None:
    right = settings.MASTER_KEY
    settings.MASTER_KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
    activity_record(user=None, kind=Activity.Kind.SIGN_IN)
    audit_seal()
    forged = AuditSeal.objects.order_by("-number")[0].number
    settings.MASTER_KEY = right
    assert ("accounts_auditseal", forged) in positions()


def test_task_seals_what_came_and_then_nothing(world: World) -> None:
    seal_audit()
    seals = AuditSeal.objects.count()
    seal_audit()
    assert AuditSeal.objects.count() == seals
    activity_record(user=None, kind=Activity.Kind.EXPORT)
    seal_audit()
    assert AuditSeal.objects.count() == seals + 1
    assert positions() == []


def test_schedule_names_tasks_that_exist() -> None:
    from config.celery import app
    from config.schedule import SCHEDULE

    app.loader.import_default_modules()
    assert app.conf.beat_schedule == SCHEDULE
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)
