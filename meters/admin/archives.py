"""The way from lists of devices to the page that has their archives read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.urls import reverse

from meters.selectors.commands import may_order

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

__all__ = ["ArchiveOrders", "archive_page"]

# An address may not grow without bounds.
_MOST = 200


def archive_page(name: str, rows: QuerySet[Any]) -> HttpResponseRedirect:
    """Ask for the period there; name: "module" or "usage_point"."""
    chosen = [(name, key) for key in rows.values_list("pk", flat=True)[:_MOST]]
    return HttpResponseRedirect(f"{reverse('admin:meters_command_archive')}?{urlencode(chosen)}")


class ArchiveOrders:
    """Mixed into lists from which archives are ordered."""

    def has_order_permission(self, request: HttpRequest) -> bool:
        """Whether the reader may have something read; which, the page behind it says."""
        return may_order(request.user)
