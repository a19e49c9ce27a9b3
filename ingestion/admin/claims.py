"""Claim secrets of modules in the admin: entered from the label, or made and shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter
from accounts.admin.writing import ServiceForm
from ingestion.models import Claim
from ingestion.services.keys import claim_enter, claim_make

from .keys import SecretAdmin, secret_input

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["ClaimAdmin"]


class ClaimForm(ServiceForm):
    """A secret printed on a module, or one made for it."""

    claim_secret = forms.CharField(
        label=gettext_lazy("Claim secret"),
        required=False,
        max_length=60,
        widget=secret_input(),
        help_text=gettext_lazy(
            "As printed on the module: seven groups of four letters and digits. Empty: a secret is"
            " made and shown to you once, to be put into the module."
        ),
    )

    class Meta:
        model = Claim
        fields = ("module",)

    def _get_validation_exclusions(self) -> set[str]:
        # A new secret takes the place of the one before.
        return super()._get_validation_exclusions() | {"module"}

    def validate_unique(self) -> None:
        return

    def write(self) -> Claim:
        return self.enter()[0]

    def enter(self) -> tuple[Claim, str]:
        """The claim, and its secret where it was made here."""
        module, secret = self.cleaned_data["module"], self.cleaned_data["claim_secret"].strip()
        if secret:
            return claim_enter(actor=self.actor, module=module, secret=secret), ""
        return claim_make(actor=self.actor, module=module)


@admin.register(Claim)
class ClaimAdmin(SecretAdmin):
    """With its secret, and only once, a module gets its first key over the air."""

    form = ClaimForm
    list_display = ("module", "state", "spent_at", "created_at", "company_name")
    list_filter = (CompanyFilter, ("spent_at", admin.EmptyFieldListFilter))
    list_select_related = ("module__company",)
    search_fields = ("^module__serial", "^module__address")
    ordering = ("-created_at", "pk")
    sortable_by = ("created_at",)
    linked_lookups = ("module",)
    autocomplete_fields = ("module",)
    actions: Any = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["module", "claim_secret"] if obj is None else ["module", "state", "spent_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    @admin.display(description=gettext_lazy("state"))
    def state(self, claim: Claim) -> str:
        return _("waits for the module") if claim.spent_at is None else _("spent")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        claim, secret = form.enter()
        obj.__dict__.update(claim.__dict__)
        obj.made = secret

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if obj.made:
            return self.show_once(request, obj, obj.made)
        return super().response_add(request, obj, post_url_continue)
