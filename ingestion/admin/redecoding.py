"""Decoding once more, in the admin: asked for, looked at as a difference, applied or discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.admin.base import CompanyFilter
from accounts.admin.writing import ServiceAdmin, ServiceForm
from ingestion.loader import LoadError
from ingestion.models import Redecoding
from ingestion.selectors import redecoding_days, redecoding_sums
from ingestion.services.redecoding import redecoding_apply, redecoding_discard, redecoding_make

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["RedecodingAdmin"]

_LARGEST = 2**62


class RedecodingForm(ServiceForm):
    """What is gone through once more, and why."""

    class Meta:
        model = Redecoding
        fields = ("module", "usage_point", "first", "last", "note")

    def _get_validation_exclusions(self) -> set[str]:
        # The company is that of the subject: the service knows it and checks the rest.
        return super()._get_validation_exclusions() | {"company"}

    def write(self) -> Redecoding:
        return redecoding_make(actor=self.actor, **self.cleaned_data)


@admin.register(Redecoding)
class RedecodingAdmin(ServiceAdmin):
    """Nothing is written before somebody has seen what would change."""

    form = RedecodingForm
    change_form_template = "admin/ingestion/redecoding.html"
    list_display = ("subject", "first", "last", "note", "state", "changed", "created_at", "company")
    list_filter = (CompanyFilter, "state")
    list_select_related = ("module", "usage_point", "company")
    search_fields = ("^module__serial", "^usage_point__code")
    ordering = ("-pk",)
    sortable_by = ("created_at",)
    linked_lookups = ("module", "usage_point")
    autocomplete_fields = ("module", "usage_point")
    actions: Any = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["module", "usage_point", "first", "last", "note"]
        if obj is None:
            return asked
        found = ["frames", "blocks", "changed", "refused", "requested_by", "created_at"]
        return [*asked, "state", *found, "applied_by", "applied_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("module or usage point"))
    def subject(self, row: Redecoding) -> str:
        return str(row.module or row.usage_point)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.__dict__.update(form.write().__dict__)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(_page(obj.pk))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        decide = wrap(require_POST(self.decide_view))
        own = path("<int:pk>/decide/", decide, name="ingestion_redecoding_decide")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if row is not None and self.has_view_permission(request, row):
            context |= {
                "days": redecoding_days(row),
                "sums": redecoding_sums(row),
                "may_decide": row.state == Redecoding.State.READY
                and super().has_change_permission(request, row),
                "decide_url": reverse("admin:ingestion_redecoding_decide", args=[row.pk]),
            }
        return super().change_view(request, object_id, form_url, context)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Apply or discard; outside of a transaction, the loader has its own."""
        rows = Redecoding.objects.visible_to(request.user)
        row = rows.filter(pk=pk).first() if pk < _LARGEST else None
        if row is None:
            raise Http404
        if not Redecoding.objects.visible_to(request.user, "change").filter(pk=pk).exists():
            raise PermissionDenied
        try:
            self._decide(request, row)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except LoadError:
            messages.error(request, _("The archive can't be written now. Try again."))
        return HttpResponseRedirect(_page(row.pk))

    def _decide(self, request: HttpRequest, row: Redecoding) -> None:
        if "discard" in request.POST:
            redecoding_discard(actor=request.user, redecoding=row)
            messages.success(request, _("Discarded: the archive stays as it is."))
            return
        if "apply" not in request.POST:
            return
        note = request.POST.get("note", "").replace("\x00", "").strip()[:300]
        redecoding_apply(actor=request.user, redecoding=row, note=note)
        messages.success(request, _("Applied: the values as they were are kept as revisions."))


def _page(key: int) -> str:
    return reverse("admin:ingestion_redecoding_change", args=[key])
