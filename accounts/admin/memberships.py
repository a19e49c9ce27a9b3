"""Memberships in the admin: who has which role where, and invitations that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Company, Membership
from accounts.services.memberships import (
    is_member,
    membership_change,
    membership_grant,
    membership_revoke,
)
from accounts.services.users import invitation_resend

from .base import CompanyFilter
from .writing import ServiceAdmin, ServiceForm, each

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["MembershipAdmin", "MembershipForm"]


class MembershipForm(ServiceForm):
    """A user's role and scope in a company."""

    class Meta:
        model = Membership
        fields = ("user", "company", "role", "node")

    def write(self) -> Membership:
        data = self.cleaned_data
        role = data.get("role") or self.instance.role
        node = data.get("node")
        if self.instance.pk is not None:
            return membership_change(
                actor=self.actor, membership=self.instance, role=role, node=node
            )
        user = data.get("user") or self.instance.user
        company = data.get("company")
        if company is None and not role.is_platform:
            company = Company.objects.filter(pk=self.default_company_id or 0).first()
        return membership_grant(
            actor=self.actor,
            user=user,
            company=company,
            role=role,
            node=node,
            accepted=is_member(user, company),
        )


@admin.register(Membership)
class MembershipAdmin(ServiceAdmin):
    """Every write asks the services whether the actor could have handed this out."""

    form = MembershipForm
    list_display = ("who", "company", "role_label", "node", "accepted_at")
    list_filter = (CompanyFilter, ("accepted_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "company", "role", "node")
    search_fields = ("user__email",)
    ordering = ("-pk",)
    autocomplete_fields = ("user", "role", "node")
    actions = ("resend_invitation",)

    @admin.display(description=gettext_lazy("user"), ordering="user__email")
    def who(self, membership: Membership) -> str:
        return membership.who

    @admin.display(description=gettext_lazy("role"), ordering="role__name")
    def role_label(self, membership: Membership) -> str:
        return membership.role.label

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = ["who" if obj else "user", "company", "role", "node"]
        return self._without_company(request, [*names, "accepted_at"] if obj else names)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = list(super().get_readonly_fields(request, obj))
        return [*fixed, "who", "accepted_at"] if obj else fixed

    def delete_one(self, request: HttpRequest, obj: Any) -> None:
        membership_revoke(actor=request.user, membership=obj)  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Send the invitation again"), permissions=["change"])
    def resend_invitation(self, request: HttpRequest, queryset: Any) -> None:
        actor: Any = request.user
        each(
            request,
            queryset,
            lambda row: invitation_resend(actor=actor, membership=row),
            _("%(count)d invitations were sent again."),
        )
