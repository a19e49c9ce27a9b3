"""Users in the admin: invited, not created; changed only by who manages all they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.grants import grants_of
from accounts.models import Company, Membership, Role, User
from accounts.services.memberships import membership_revoke
from accounts.services.users import (
    may_change_account,
    user_deactivate,
    user_end_sessions,
    user_invite,
    user_reactivate,
    user_update,
)

from .base import CompanyFilter, ScopedInline
from .memberships import MembershipForm
from .writing import ServiceAdmin, ServiceForm, each, refusal, writes_as

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

__all__ = ["UserAdmin"]


class UserForm(ServiceForm):
    """Account fields."""

    class Meta:
        model = User
        fields = ("email", "full_name", "language")

    def write(self) -> User:
        return user_update(actor=self.actor, user=self.instance, **self.cleaned_data)


class InvitationForm(ServiceForm):
    """Who is invited, to which role, where. The answer never tells whether the address is known."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"))
    company = forms.ModelChoiceField(Company.objects.none(), label=gettext_lazy("Company"))
    role = forms.ModelChoiceField(Role.objects.none(), label=gettext_lazy("Role"))
    node = forms.ModelChoiceField(
        Company.objects.none(),
        label=gettext_lazy("Only below"),
        required=False,
        help_text=gettext_lazy("Empty: the whole company."),
        widget=AutocompleteSelect(Membership._meta.get_field("node"), admin.site),
    )

    class Meta:
        model = User
        fields = ("full_name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        companies: Any = self.fields["company"]
        roles: Any = self.fields["role"]
        nodes: Any = self.fields["node"]
        grants = grants_of(self.actor)
        node_model: Any = Membership._meta.get_field("node").related_model
        nodes.queryset = node_model.objects.visible_to(self.actor)
        companies.queryset = Company.objects.filter(is_active=True)
        roles.queryset = Role.objects.visible_to(self.actor)
        if "manage_platform" in grants.platform:
            companies.required = False
            companies.help_text = _("Empty only for a role that runs the platform.")
            return
        companies.queryset = companies.queryset.filter(pk__in=grants.company_ids("manage_users"))
        companies.initial = companies.queryset.first()
        roles.queryset = roles.queryset.filter(is_platform=False)

    def _get_validation_exclusions(self) -> set[str]:
        # An address that exists must not be told from one that does not.
        return super()._get_validation_exclusions() | {"email"}

    def write(self) -> User:
        data = self.cleaned_data
        membership = user_invite(
            actor=self.actor,
            email=data["email"],
            full_name=data["full_name"],
            company=data["company"],
            role=data["role"],
            node=data["node"],
        )
        return membership.user


class MembershipInlineForm(MembershipForm):
    """The user is the page's; the rest as on the page of memberships."""

    class Meta(MembershipForm.Meta):
        fields = ("company", "role", "node")  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "company" in self.fields:
            # A membership never moves to another company.
            self.fields["company"].disabled = True


class MembershipFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Removing is rehearsed as well, so a refusal is told before anything is saved."""

    def clean(self) -> None:
        super().clean()
        for form in self.deleted_forms:
            if error := refusal(lambda form=form: self.revoke(form)):  # type: ignore[misc]
                raise ValidationError(str(error))

    def revoke(self, form: Any) -> None:
        """Take away the membership of one of the forms."""
        if form.instance.pk:
            membership_revoke(actor=form.actor, membership=form.instance)


class MembershipInline(ScopedInline):
    """Memberships of the user that the reader may see."""

    model = Membership
    form = MembershipInlineForm
    formset = MembershipFormSet
    fields = ("company", "role", "node", "accepted_at")
    readonly_fields = ("accepted_at",)
    autocomplete_fields = ("role", "node")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["form"] = writes_as(self.form, request)
        # Not ScopedInline's: the owner here is a user, who has no company to pass on.
        return super(ScopedInline, self).get_formset(request, obj, **kwargs)


class MemberFilter(CompanyFilter):
    """Members of one company, each once."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if not value.isdecimal():
            return queryset
        members = Membership.objects.visible_to(request.user).filter(
            company_id=int(value), accepted_at__isnull=False
        )
        return queryset.filter(pk__in=members.values("user"))


@admin.register(User)
class UserAdmin(ServiceAdmin):
    """Adding is inviting; deleting is ending memberships or deactivating."""

    form = UserForm
    list_display = ("email", "full_name", "is_active", "last_login")
    list_filter = (MemberFilter, "is_active")
    search_fields = ("email", "full_name")
    ordering = ("email", "pk")
    inlines = (MembershipInline,)
    actions = ("end_sessions", "deactivate", "reactivate")
    add_fields: ClassVar[tuple[str, ...]] = ("email", "full_name", "company", "role", "node")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return writes_as(InvitationForm, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return list(self.add_fields)
        return ["email", "full_name", "language", "is_active", "last_login", "date_joined"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return []
        fixed = ["is_active", "last_login", "date_joined"]
        if may_change_account(grants_of(request.user), obj):
            return fixed
        return [*fixed, "email", "full_name", "language"]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        removed = formset.deleted_forms
        for row in formset.forms:
            if row in removed:
                formset.revoke(row)
            elif row.has_changed():
                row.write()
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("The invitation to %s is on its way.") % request.POST["email"])
        return redirect("admin:accounts_membership_changelist")

    @admin.action(description=gettext_lazy("Sign out everywhere"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: Any) -> None:
        actor: Any = request.user
        done = _("%(count)d users were signed out.")
        each(request, queryset, lambda row: user_end_sessions(actor=actor, user=row), done)

    @admin.action(description=gettext_lazy("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: Any) -> None:
        actor: Any = request.user
        done = _("%(count)d users can no longer sign in.")
        each(request, queryset, lambda row: user_deactivate(actor=actor, user=row), done)

    @admin.action(description=gettext_lazy("Let sign in again"), permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: Any) -> None:
        actor: Any = request.user
        done = _("%(count)d users can sign in again.")
        each(request, queryset, lambda row: user_reactivate(actor=actor, user=row), done)
