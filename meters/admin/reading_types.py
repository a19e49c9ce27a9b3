"""Reading types in the admin: a catalogue to look things up in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.admin.base import ScopedAdmin
from meters.models import ReadingType

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(ReadingType)
class ReadingTypeAdmin(ScopedAdmin):
    """Ships with the product; nobody edits it, archives depend on units and exponents."""

    list_display = ("label", "code", "obis", "unit", "exponent", "accumulation")
    list_filter = ("resource", "quantity", "accumulation", "tariff")
    search_fields = ("code", "obis")
    ordering = ("resource", "code")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
