"""The view over all audit tables, written from the registry of audited models.

UNION ALL of plain selects: PostgreSQL turns a query for one company, newest first, with a limit,
into a MergeAppend over each table's index (company, time), so its cost does not grow with the
number of rows. Types are equal in every branch; a cast on the sort column would end that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections

from accounts.audit_tables import AuditTable, audit_table, audit_tables
from accounts.models import Activity, AuditEntry, Membership, User

if TYPE_CHECKING:
    from accounts.grants import Access

__all__ = ["audit_view_build", "audit_view_drop"]

_CONTEXT = """\
       ({alias}.pgh_context->>'user')::bigint AS user_id,
       coalesce({alias}.pgh_context->>'ip', '') AS ip,
       coalesce({alias}.pgh_context->>'reason', '') AS reason,
       coalesce({alias}.pgh_context->>'url', '') AS url"""


def audit_view_build(*, using: str = "default") -> None:
    """Create the view, or give it the tables that came since."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE VIEW {_quoted(AuditEntry)} AS\n{_statement()}")


def audit_view_drop(*, using: str = "default") -> None:
    """Before a migration: PostgreSQL changes no column a view reads."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"DROP VIEW IF EXISTS {_quoted(AuditEntry)}")


def _statement() -> str:
    branches = [_activity()]
    for table in audit_tables():
        if table.source is Activity:
            continue
        branches.append(_events(table, company=_company(table)))
        if table.tracked is User:
            branches.append(_member_events(table))
    return "\nUNION ALL\n".join(branches)


def _activity() -> str:
    label = Activity._meta.label_lower
    return f"""\
SELECT '{label}:' || t.id AS id, '{label}'::text AS model, t.id AS event_id, t.id AS object_id,
       t.company_id AS company_id, t.at AS at, t.kind::text AS action, t.user_id AS user_id,
       coalesce(host(t.ip), '') AS ip, t.detail::text AS reason, ''::text AS url
  FROM {_quoted(Activity)} t"""


def _events(table: AuditTable, *, company: str, key_suffix: str = "", joined: str = "") -> str:
    context = _CONTEXT.format(alias="t")
    return f"""\
SELECT '{table.label}:' || t.pgh_id{key_suffix} AS id, '{table.label}'::text AS model,
       t.pgh_id::bigint AS event_id, t.pgh_obj_id::bigint AS object_id,
       {company} AS company_id, t.pgh_created_at AS at, t.pgh_label AS action,
{context}
  FROM {_quoted(table.source)} t{joined}"""


def _member_events(table: AuditTable) -> str:
    """Changes of a user, once for each company the user was a member of by then."""
    joined = f"""
  JOIN (SELECT user_id, company_id, min(accepted_at) AS since FROM {_quoted(Membership)}
         WHERE accepted_at IS NOT NULL AND company_id IS NOT NULL
         GROUP BY user_id, company_id) m
    ON m.user_id = t.pgh_obj_id AND m.since <= t.pgh_created_at"""
    return _events(
        table, company="m.company_id", key_suffix=" || '@' || m.company_id", joined=joined
    )


def _company(table: AuditTable) -> str:
    """SQL of the company of an event: its own key, its own column, or that of what it belongs to."""
    access: Access = table.tracked.access  # type: ignore[attr-defined]
    if access.company == "":
        return "t.pgh_obj_id::bigint"
    if access.company is None or table.tracked is User:
        return "NULL::bigint"
    return _follow(table.tracked, access.company.split("__"), "t")


def _follow(model: Any, path: list[str], alias: str) -> str:
    """The column at the end of the path, found through events: what they belong to may be gone,
    its first event is not, and nothing ever changes its company.
    """
    field = model._meta.get_field(path[0])
    column = f'{alias}."{field.column}"'
    if len(path) == 1:
        return column
    target = field.related_model
    parent = audit_table(target._meta.label_lower)
    if parent is None:
        raise ValueError(f"{target._meta.label}: not audited, so its parts have no company")
    inner = f"{alias}{len(path)}"
    return (
        f"(SELECT {_follow(target, path[1:], inner)} FROM {_quoted(parent.source)} {inner}"
        f" WHERE {inner}.pgh_obj_id = {column} ORDER BY {inner}.pgh_id LIMIT 1)"
    )


def _quoted(model: Any) -> str:
    return f'"{model._meta.db_table}"'
