"""Roles in the admin: those that ship to read and copy, a company's own to define."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.capabilities import CATALOGUE, capability_label
from accounts.errors import NotPossible
from accounts.grants import grants_of
from accounts.models import Company, Role
from accounts.services.roles import role_create, role_delete, role_update

from .base import CompanyFilter
from .writing import ServiceAdmin, ServiceForm

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.grants import Grants

__all__ = ["RoleAdmin"]


class RoleForm(ServiceForm):
    """Capabilities as check boxes; offered are those the actor could put into a role."""

    capabilities = forms.MultipleChoiceField(
        label=gettext_lazy("allows"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Role
        fields = ("company", "name", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "capabilities" not in self.fields:
            return
        field: Any = self.fields["capabilities"]
        field.choices = _offered(grants_of(self.actor), self.instance.company_id)
        if self.instance.pk:
            self.initial["capabilities"] = sorted(self.instance.capabilities())

    def write(self) -> Role:
        data = self.cleaned_data
        words = {"name": data["name"], "code": data["code"], "capabilities": data["capabilities"]}
        if self.instance.pk is not None:
            return role_update(actor=self.actor, role=self.instance, **words)
        company = (
            data.get("company") or Company.objects.filter(pk=self.default_company_id or 0).first()
        )
        if company is None:
            raise NotPossible(_("Choose the company whose role this is."), field="company")
        return role_create(actor=self.actor, company=company, **words)


def _offered(grants: Grants, company_id: int | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Capabilities the actor holds over the company (or any), grouped as the catalogue is."""
    held = [
        item
        for item in CATALOGUE
        if not item.platform_only
        and (
            item.codename in grants.platform
            or (
                grants.may(item.codename, company_id)
                if company_id
                else bool(grants.companies.get(item.codename))
            )
        )
    ]
    return [
        (str(group), [(item.codename, str(item.label)) for item in items])
        for group, items in groupby(held, key=lambda item: item.group)
    ]


@admin.register(Role)
class RoleAdmin(ServiceAdmin):
    """Shipped roles can be read and copied; own ones are changed through the services."""

    form = RoleForm
    list_display = ("label", "company", "allows")
    list_filter = (CompanyFilter,)
    list_select_related = ("company",)
    search_fields = ("name", "code")
    ordering = ("company_id", "name", "pk")
    actions = ("copy_to_own_role",)
    autocomplete_fields = ("company",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("permissions")

    @admin.display(description=gettext_lazy("role"), ordering="name")
    def label(self, role: Role) -> str:
        return role.label

    @admin.display(description=gettext_lazy("allows"))
    def allows(self, role: Role) -> str:
        codenames = {permission.codename for permission in role.permissions.all()}
        listed = [item.codename for item in CATALOGUE if item.codename in codenames]
        return "; ".join(capability_label(codename) for codename in listed)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        last = "capabilities" if self._is_editable(request, obj) else "allows"
        return self._without_company(request, ["company", "name", "code", last])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed if self._is_editable(request, obj) else [*fixed, "allows"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        shipped = obj is not None and obj.company_id is None
        return not shipped and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        shipped = obj is not None and obj.company_id is None
        return not shipped and super().has_delete_permission(request, obj)

    def delete_one(self, request: HttpRequest, obj: Any) -> None:
        role_delete(actor=request.user, role=obj)  # type: ignore[arg-type]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        copied = request.GET.get("copy", "")
        if not copied.isdecimal():
            return {}
        role = self.get_queryset(request).filter(pk=int(copied), is_platform=False).first()
        if role is None:
            return {}
        return {"name": role.label, "code": role.code, "capabilities": sorted(role.capabilities())}

    @admin.action(description=gettext_lazy("Copy to a role of the company"), permissions=["add"])
    def copy_to_own_role(self, request: HttpRequest, queryset: Any) -> Any:
        role = queryset.first()
        if queryset.count() != 1:
            messages.error(request, _("Select one role to copy."))
            return None
        return redirect(f"{reverse('admin:accounts_role_add')}?copy={role.pk}")

    def _is_editable(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or self.has_change_permission(request, obj)
