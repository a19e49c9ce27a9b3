"""Companies in the admin: their settings."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.grants import grants_of
from accounts.models import Company
from accounts.services.companies import SETTINGS, company_create, company_update
from config.lib.currencies import CURRENCIES

from .fields import LinesField, SuggestingInput
from .writing import ServiceAdmin, ServiceForm

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["CompanyAdmin"]


class CompanyForm(ServiceForm):
    """Settings of a company; the service decides which of them the actor may change."""

    time_zone = forms.CharField(
        label=_("time zone"),
        widget=SuggestingInput(sorted(zoneinfo.available_timezones())),
        help_text=Company._meta.get_field("time_zone").help_text,
    )
    currency = forms.CharField(label=_("currency"), widget=SuggestingInput(list(CURRENCIES)))
    languages = forms.MultipleChoiceField(
        label=_("languages"),
        choices=settings.LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
    )
    allowed_subnets = LinesField(
        label=_("allowed device subnets"),
        required=False,
        help_text=Company._meta.get_field("allowed_subnets").help_text,
    )

    class Meta:
        model = Company
        fields = (*SETTINGS, "code", "is_active")

    def write(self) -> Company:
        names = [name for name in (*SETTINGS, "code", "is_active") if name in self.cleaned_data]
        values = {name: self.cleaned_data[name] for name in names}
        if self.instance.pk is None:
            return company_create(actor=self.actor, **values)
        return company_update(actor=self.actor, company=self.instance, **values)


@admin.register(Company)
class CompanyAdmin(ServiceAdmin):
    """A company is closed, never deleted: its archives and audit hang on it."""

    form = CompanyForm
    list_display = ("name", "code", "time_zone", "currency", "second_factor_required", "is_active")
    search_fields = ("name", "code")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "code", "is_active")}),
        (_("Region"), {"fields": ("time_zone", "currency", "languages")}),
        (_("Security"), {"fields": ("allowed_subnets", "second_factor_required")}),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for _title, part in self.fieldsets for name in part["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = list(super().get_readonly_fields(request, obj))
        if "manage_platform" not in grants_of(request.user).platform:
            fixed += ["code", "is_active"]
        return fixed

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
