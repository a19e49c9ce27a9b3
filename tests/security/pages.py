"""Every page that somebody can open, to be looked at as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse

from tests.access.examples import example
from tests.access.routes import addresses, filled
from tests.access.table import ROUTES

if TYPE_CHECKING:
    from tests.people import Tenant

__all__ = ["admin_pages", "every_path", "outside_pages"]


def admin_pages(tenant: Tenant) -> list[str]:
    """Lists, forms, deletions and histories of every registered model, on the tenant's examples."""
    pages = ["/admin/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        key = quote(example(model._meta.label, tenant).pk)
        pages += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        pages += [reverse(f"{name}_{page}", args=[key]) for page in ("change", "delete", "history")]
    pages += [f"/{filled(entry)}" for entry in addresses() if entry.in_admin and not entry.holes]
    return [page for page in dict.fromkeys(pages) if "logout" not in page]


def outside_pages(tenant: Tenant) -> list[str]:
    """What lies outside the administration, with the tenant's keys in the holes."""
    pages = []
    for entry in addresses():
        if entry.in_admin or "logout" in entry.name:
            continue
        route = ROUTES.get(entry.name)
        keys = {}
        if route is not None and route.model:
            keys = dict.fromkeys(entry.holes, example(route.model, tenant).pk)
        pages.append(f"/{filled(entry, **keys)}{route.query if route else ''}")
    return pages


def every_path() -> list[str]:
    """One address of every route of the site, and some that are none."""
    found = [f"/{filled(entry)}" for entry in addresses()]
    return [*dict.fromkeys(found), "/no/such/page/", "/admin/no/such/page/", "/static/none.css"]
