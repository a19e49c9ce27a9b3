"""The audit as it is read: who sees what, in which words, at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pghistory
from django.contrib.admin.utils import quote
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.audit_tables import audit_tables
from accounts.models import AuditEntry, Membership
from accounts.models.events import AuditEvent
from accounts.services.memberships import membership_revoke
from accounts.services.users import user_update

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

LIST = "admin:accounts_auditentry_changelist"


def rename(world: World, name: str, reason: str = "") -> AuditEntry:
    """A change by the administrator, as a request makes it."""
    company = world.city.company
    with pghistory.context(
        user=world.city.administrator.pk, ip="192.0.2.7", url="/x", reason=reason
    ):
        company.name = name
        company.save()
    return AuditEntry.objects.filter(model="accounts.company", company=company).latest("at")


def test_every_audited_model_is_in_the_view(world: World) -> None:
    from django.apps import apps

    events = {model for model in apps.get_models() if issubclass(model, AuditEvent)}
    assert events <= {table.source for table in audit_tables()}
    for table in audit_tables():
        stored = table.source._default_manager.count()
        listed = AuditEntry.objects.filter(model=table.label).exclude(id__contains="@").count()
        assert stored == listed, table.label
    assert AuditEntry.objects.filter(model="meters.meter").exists()


def test_entry_says_who_from_where_and_why(world: World) -> None:
    entry = rename(world, "New name", "it moved")
    assert (entry.action, entry.user, entry.ip) == ("update", world.city.administrator, "192.0.2.7")
    assert (entry.reason, entry.url, entry.object_id) == ("it moved", "/x", world.city.company.pk)


def test_request_writes_its_context(world: World, client: Client) -> None:
    client.force_login(world.city.administrator)
    url = reverse("admin:accounts_role_change", args=[world.city.role.pk])
    fields = {"name": "Renamed", "code": "own", "audit_reason": "clearer"}
    assert client.post(url, fields, REMOTE_ADDR="192.0.2.9").status_code == 302
    entry = AuditEntry.objects.filter(model="accounts.role", action="update").latest("at")
    assert (entry.user, entry.ip, entry.reason) == (
        world.city.administrator,
        "192.0.2.9",
        "clearer",
    )


def test_each_company_reads_its_own(world: World, client: Client) -> None:
    for own, other in ((world.city, world.hill), (world.hill, world.city)):
        client.force_login(own.auditor)
        seen = AuditEntry.objects.visible_to(own.auditor)
        assert set(seen.values_list("company", flat=True)) == {own.company.pk}
        for page in ("?", "?p=1&q=a", f"?company={other.company.pk}", "?company=platform"):
            text = client.get(reverse(LIST) + page).content.decode()
            assert other.canary not in text
        for entry in AuditEntry.objects.filter(company=other.company)[:20]:
            url = reverse("admin:accounts_auditentry_change", args=[quote(entry.pk)])
            assert client.get(url).status_code == 302
    assert not AuditEntry.objects.visible_to(world.city.engineer).exists()


def test_every_kind_of_entry_has_a_page(world: World, client: Client) -> None:
    client.force_login(world.operator)
    for table in audit_tables():
        entry = AuditEntry.objects.filter(model=table.label).first()
        if entry is None:
            continue
        url = reverse("admin:accounts_auditentry_change", args=[quote(entry.pk)])
        assert client.get(url).status_code == 200, table.label


def test_difference_is_told_field_by_field(world: World, client: Client) -> None:
    before = world.city.company.name
    entry = rename(world, "Quite another name")
    client.force_login(world.city.auditor)
    url = reverse("admin:accounts_auditentry_change", args=[quote(entry.pk)])
    text = client.get(url).content.decode()
    assert before in text
    assert "Quite another name" in text
    assert str(world.city.administrator) in text
    assert "currency" not in text[text.index("audit-changes") :]


def test_nobody_writes_it(world: World, client: Client) -> None:
    entry = rename(world, "x")
    for person in (world.operator, world.city.administrator, world.city.auditor):
        client.force_login(person)
        for view in ("change", "delete"):
            url = reverse(f"admin:accounts_auditentry_{view}", args=[quote(entry.pk)])
            assert client.post(url, {"post": "yes", "reason": "forged"}).status_code == 403
        assert client.post(reverse("admin:accounts_auditentry_add"), {}).status_code == 403


def test_users_are_audited_for_their_companies_from_the_day_they_joined(world: World) -> None:
    user_update(actor=world.city.administrator, user=world.city.clerk, full_name="Clara Clerk")
    mine = AuditEntry.objects.filter(model="accounts.user", object_id=world.city.clerk.pk)
    assert mine.visible_to(world.city.auditor).count() == 1
    assert mine.visible_to(world.hill.auditor).count() == 0


def test_stranger_who_changed_something_stays_unnamed(world: World, client: Client) -> None:
    company = world.city.company
    with pghistory.context(user=world.operator.pk, ip="192.0.2.55"):
        company.currency = "UAH"
        company.save()
    client.force_login(world.city.auditor)
    text = client.get(reverse(LIST)).content.decode()
    assert world.operator.full_name not in text
    assert "192.0.2.55" not in text
    assert "somebody outside the company" in text


def test_former_member_is_still_named(world: World, client: Client) -> None:
    rename(world, "By the administrator")
    name = world.city.administrator.full_name
    membership = Membership.objects.get(user=world.city.administrator)
    membership_revoke(actor=None, membership=membership)
    client.force_login(world.city.auditor)
    assert name in client.get(reverse(LIST)).content.decode()


def test_history_of_one_object_is_linked(world: World, client: Client) -> None:
    client.force_login(world.operator)
    url = reverse("admin:meters_meter_history", args=[world.hill.meter.pk])
    page = client.get(url, follow=True)
    assert page.status_code == 200
    results = page.context["cl"].result_list
    assert {(entry.model, entry.object_id) for entry in results} == {
        ("meters.meter", world.hill.meter.pk)
    }


def test_list_is_answered_from_the_indexes(world: World, client: Client) -> None:
    """One company, newest first: merged from each table's index, never sorted as a whole."""
    rows = AuditEntry.objects.filter(company=world.city.company).order_by("-at")[:51]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = rows.explain()
    assert "Merge Append" in plan
    for table in audit_tables():
        columns = {field.name for field in table.source._meta.local_fields}
        if "company" in columns:
            index = table.source._meta.indexes[0].name
            assert f"Index Scan using {index}" in plan, table.label


def test_page_never_counts_all_rows(world: World, client: Client) -> None:
    client.force_login(world.city.administrator)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse(LIST)).status_code == 200
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert all("LIMIT" in sql for sql in counts)
    assert len(queries) < 60


def test_migrating_again_keeps_the_view(world: World) -> None:
    before = AuditEntry.objects.count()
    call_command("migrate", verbosity=0)
    assert AuditEntry.objects.count() == before
