"""S3: every field on every write of the admin pages of accounts, sent by those who may not.

Generated over the registered pages: a new page of this app is in it by itself. Each write is sent
with every column of the model, every column of what it refers to, and the names of switches that
other systems have; afterwards nobody may hold more than before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse

from accounts.grants import grants_of
from accounts.models import Company, Membership, Role, RolePermission, User

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

PAGES = sorted(
    model._meta.model_name or ""
    for model in admin.site._registry
    if model._meta.app_label == "accounts"
)
SWITCHES = ("is_superuser", "is_staff", "is_platform", "groups", "user_permissions", "permissions")
ACTORS = ("administrator", "engineer", "auditor", "keeper", "clerk")


def model_of(page: str) -> Any:
    return next(m for m in admin.site._registry if m._meta.label_lower == f"accounts.{page}")


def standing(world: World) -> dict[str, Any]:
    """All that decides who may do what, but for what the actor may give."""
    city = world.city.company.pk
    return {
        "platform": sorted(
            Membership.objects.filter(company=None).values_list("user", "role", "accepted_at")
        ),
        "foreign": sorted(
            Membership.objects.exclude(company=city)
            .exclude(company=None)
            .values_list("user", "company", "role", "node")
        ),
        "roles": sorted(
            RolePermission.objects.exclude(role__company=city).values_list(
                "role__code", "permission__codename"
            )
        ),
        "platform roles": sorted(Role.objects.filter(is_platform=True).values_list("code")),
        "people": sorted(
            User.objects.filter(email__endswith="@hill.test").values_list(
                "email", "full_name", "password", "is_active"
            )
        ),
        "company": list(Company.objects.order_by("pk").values_list("pk", "code", "is_active")),
        "hill": list(
            Company.objects.filter(pk=world.hill.company.pk).values_list(
                "name", "time_zone", "currency", "languages", "allowed_subnets"
            )
        ),
        "operator": User.objects.values_list("email", "password").get(pk=world.operator.pk),
    }


def payloads(world: World, model: Any) -> list[dict[str, Any]]:
    """Values worth trying, for every column there is."""
    platform = Role.objects.get(code="platform_operator", company=None)
    wanted = {
        "company": [world.hill.company.pk, ""],
        "role": [platform.pk, world.hill.role.pk],
        "user": [world.hill.clerk.pk, world.operator.pk],
        "node": [world.hill.street.pk],
        "is_active": ["on", ""],
        "is_platform": ["on"],
        "code": ["platform_operator", "taken"],
        "email": [world.operator.email, "evil@x.test"],
        "capabilities": [["manage_platform"]],
        "permissions": [["16", "1"]],
        "accepted_at_0": ["2020-01-01"],
        "accepted_at_1": ["00:00"],
    }
    columns = {field.name for field in model._meta.get_fields() if getattr(field, "column", None)}
    everything = columns | set(wanted) | set(SWITCHES)
    rounds = max(len(values) for values in wanted.values())
    return [
        {
            name: wanted.get(name, ["1", "on"])[number % len(wanted.get(name, ["1", "on"]))]
            for name in sorted(everything)
        }
        for number in range(rounds)
    ]


def inline_fields(fields: dict[str, Any], target: Any) -> dict[str, Any]:
    """The same through the rows below a page."""
    row = {f"memberships-0-{name}": value for name, value in fields.items()}
    return {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-MIN_NUM_FORMS": "0",
        "memberships-MAX_NUM_FORMS": "10",
        **row,
        "memberships-0-id": "",
        "memberships-0-user": getattr(target, "pk", ""),
    }


def targets(world: World, model: Any) -> list[Any]:
    """Rows of others, of the platform, and some of the actor's own company."""
    rows = list(model.objects.order_by("-pk")[:40])
    mine = [row for row in rows if owned(world, row)]
    return [row for row in rows if not owned(world, row)][:8] + mine[:4]


@pytest.mark.parametrize("page", PAGES)
def test_no_write_gives_more_than_the_writer_has(world: World, client: Client, page: str) -> None:
    model = model_of(page)
    before = standing(world)
    for name in ACTORS:
        actor = world.city.people[name]
        client.force_login(actor)
        for fields in payloads(world, model):
            client.post(reverse(f"admin:accounts_{page}_add"), fields)
            for row in targets(world, model):
                url = reverse(f"admin:accounts_{page}_change", args=[quote(row.pk)])
                client.post(url, {**fields, **inline_fields(fields, row)})
                if page != "auditentry" and not owned(world, row):
                    gone = reverse(f"admin:accounts_{page}_delete", args=[quote(row.pk)])
                    client.post(gone, {"post": "yes"})
            assert standing(world) == before, f"{name} on {page} with {fields}"
        for action in ("end_sessions", "deactivate", "reactivate", "resend_invitation"):
            chosen = [row.pk for row in targets(world, model) if not owned(world, row)]
            data = {"action": action, "_selected_action": chosen, "select_across": "1"}
            client.post(reverse(f"admin:accounts_{page}_changelist"), data)
        assert standing(world) == before, name
    for name in ACTORS[1:]:
        fresh = User.objects.get(pk=world.city.people[name].pk)
        assert not grants_of(fresh).may("manage_users"), name
    for person in world.city.people.values():
        grants = grants_of(User.objects.get(pk=person.pk))
        assert grants.platform == frozenset()
        assert not any(
            company != world.city.company.pk
            for held in grants.companies.values()
            for company in held
        )


def owned(world: World, row: Any) -> bool:
    """Rows of the actor's own company, which the administrator may indeed delete."""
    company = getattr(row, "company_id", None)
    return company == world.city.company.pk or getattr(row, "email", "").endswith("@city.test")


def test_pages_are_those_of_the_app() -> None:
    assert {"company", "user", "role", "membership", "auditentry"} <= set(PAGES)


def test_administrator_writes_what_is_allowed(world: World, client: Client) -> None:
    """The pages above refuse because they must, not because they never save."""
    client.force_login(world.city.administrator)
    company = world.city.company
    fields = {
        "name": "Renamed",
        "time_zone": "Europe/Warsaw",
        "currency": "PLN",
        "languages": ["en"],
        "allowed_subnets": "10.0.0.0/8\n\n 192.0.2.0/24 ",
    }
    url = reverse("admin:accounts_company_change", args=[company.pk])
    assert client.post(url, fields).status_code == 302
    company.refresh_from_db()
    assert (company.name, company.currency) == ("Renamed", "PLN")
    assert company.allowed_subnets == ["10.0.0.0/8", "192.0.2.0/24"]

    role = {"name": "Mine", "code": "mine", "capabilities": ["view_meters", "view_audit"]}
    assert client.post(reverse("admin:accounts_role_add"), role).status_code == 302
    mine = Role.objects.get(company=company, code="mine")
    assert mine.capabilities() == {"view_meters", "view_audit"}
    change = reverse("admin:accounts_role_change", args=[mine.pk])
    assert client.post(change, {**role, "capabilities": ["view_meters"]}).status_code == 302
    assert mine.capabilities() == {"view_meters"}

    clerk = Membership.objects.get(user=world.city.clerk)
    url = reverse("admin:accounts_membership_change", args=[clerk.pk])
    assert client.post(url, {"role": mine.pk, "node": world.city.street.pk}).status_code == 302
    clerk.refresh_from_db()
    assert (clerk.role, clerk.node) == (mine, world.city.street)

    url = reverse("admin:accounts_user_change", args=[world.city.billing.pk])
    account = {"email": "billing2@city.test", "full_name": "Bill", "language": "uk"}
    rows = {
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": Membership.objects.get(user=world.city.billing).pk,
        "memberships-0-user": world.city.billing.pk,
        "memberships-0-role": mine.pk,
        "memberships-1-user": world.city.billing.pk,
        "memberships-1-company": company.pk,
        "memberships-1-role": Role.objects.get(company=None, code="clerk").pk,
    }
    answer = client.post(url, {**account, **rows})
    assert answer.status_code == 302, answer.context["errors"]
    world.city.billing.refresh_from_db()
    assert world.city.billing.email == "billing2@city.test"
    codes = Membership.objects.filter(user=world.city.billing).values_list("role__code", flat=True)
    assert set(codes) == {"mine", "clerk"}


def test_refusal_is_an_error_of_the_form(world: World, client: Client) -> None:
    client.force_login(world.city.administrator)
    only = {"name": "x", "code": "x", "capabilities": ["manage_platform"]}
    page = client.post(reverse("admin:accounts_role_add"), only)
    assert page.status_code == 200
    assert "capabilities" in page.context["adminform"].form.errors
    membership = Membership.objects.get(user=world.operator)
    url = reverse("admin:accounts_membership_delete", args=[membership.pk])
    client.force_login(world.operator)
    page = client.get(url)
    assert "last platform operator" in page.content.decode()
    assert client.post(url, {"post": "yes"}).status_code in {200, 403}
    assert Membership.objects.filter(pk=membership.pk).exists()
