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
from ingestion.proposed_changes import (
    redecoding_channels,
    redecoding_days,
    redecoding_kinds,
    redecoding_sums,
)
from ingestion.services.redecoding import redecoding_apply, redecoding_discard, redecoding_make
from ingestion.services.wide_redecoding import (
    wide_redecoding_apply,
    wide_redecoding_discard,
    wide_redecoding_make,
)

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["RedecodingAdmin"]

_LARGEST = 2**62
_SUBJECTS = ("module", "usage_point", "device_type", "everything")
_ASKED = ("company", *_SUBJECTS, "first", "last", "note")
_FOUND = ("frames", "blocks", "changed", "refused", "requested_by", "created_at")
# Of one that a worker goes through, besides.
_PROGRESS = ("modules_done", "modules", "skipped", "days_done", "left_out")
_UNDECIDED = {Redecoding.State.READY, Redecoding.State.WORKING}


class RedecodingForm(ServiceForm):
    """What is gone through once more, and why."""

    class Meta:
        model = Redecoding
        fields = _ASKED

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "company" in self.fields:
            # A module or a usage point has one.
            self.fields["company"].required = False

    def _get_validation_exclusions(self) -> set[str]:
        # The company is that of the subject: the service knows it and checks the rest.
        return super()._get_validation_exclusions() | {"company"}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(bool(data.get(name)) for name in _SUBJECTS) != 1:
            text = _("Choose a module, a usage point, a device type, or the whole company.")
            raise ValidationError(text)
        return data

    def write(self) -> Redecoding:
        data = dict(self.cleaned_data)
        company, everything = data.pop("company", None), data.pop("everything")
        device_type = data.pop("device_type")
        if not (everything or device_type):
            return redecoding_make(actor=self.actor, **data)
        if company is None and self.instance.company_id is not None:
            company = self.instance.company
        days = {name: data[name] for name in ("first", "last", "note")}
        return wide_redecoding_make(
            actor=self.actor, company=company, device_type=device_type, **days
        )


@admin.register(Redecoding)
class RedecodingAdmin(ServiceAdmin):
    """Nothing is written before somebody has seen what would change."""

    form = RedecodingForm
    change_form_template = "admin/ingestion/redecoding.html"
    list_display = ("subject", "first", "last", "note", "state", "changed", "created_at", "company")
    list_filter = (CompanyFilter, "state")
    list_select_related = ("module", "usage_point", "device_type", "company")
    search_fields = ("^module__serial", "^usage_point__code", "device_type__code")
    ordering = ("-pk",)
    sortable_by = ("created_at",)
    linked_lookups = ("module", "usage_point")
    autocomplete_fields = ("module", "usage_point", "device_type")
    actions: Any = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self._without_company(request, _ASKED)
        empty = {name for name in _SUBJECTS if not getattr(obj, name)}
        asked = [name for name in _ASKED if name not in empty]
        progress = _PROGRESS if obj.is_wide else ()
        failure = ["failure"] if obj.failure else []
        shown = [*asked, "state", *failure, *progress, *_FOUND, "applied_by", "applied_at"]
        return self._without_company(request, shown)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("what is gone through"))
    def subject(self, row: Redecoding) -> str:
        return row.subject

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
            context |= _of_all(row, request) if row.is_wide else _of_one(row)
            context |= {
                "may_decide": row.state in _UNDECIDED
                and super().has_change_permission(request, row),
                "may_apply": row.state == Redecoding.State.READY and row.blocks,
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
            discard = wide_redecoding_discard if row.is_wide else redecoding_discard
            discard(actor=request.user, redecoding=row)
            messages.success(request, _("Discarded: the archive stays as it is."))
            return
        if "apply" not in request.POST:
            return
        note = request.POST.get("note", "").replace("\x00", "").strip()[:300]
        if row.is_wide:
            wide_redecoding_apply(actor=request.user, redecoding=row, note=note)
            messages.success(request, _("It is being applied; this page says how far it is."))
            return
        redecoding_apply(actor=request.user, redecoding=row, note=note)
        messages.success(request, _("Applied: the values as they were are kept as revisions."))


def _of_one(row: Redecoding) -> dict[str, Any]:
    return {"days": redecoding_days(row), "sums": redecoding_sums(row)}


def _of_all(row: Redecoding, request: HttpRequest) -> dict[str, Any]:
    """How far the worker is, sums by reading type, and a page of channels."""
    asked = request.GET.get("page", "")
    page = int(asked) if asked.isdecimal() and len(asked) < 7 else 0
    channels, more = redecoding_channels(row, page=page)
    done, of = row.modules_done, row.modules
    if row.state in {Redecoding.State.APPLYING, Redecoding.State.APPLIED}:
        done, of = row.days_done + row.left_out, row.blocks
    return {
        "wide": True,
        "kinds": redecoding_kinds(row),
        "sums": channels,
        "under_way": row.state in {Redecoding.State.WORKING, Redecoding.State.APPLYING},
        "done": done,
        "of": of,
        "page": page + 1,
        "before_page": page - 1 if page else None,
        "next_page": page + 1 if more else None,
    }


def _page(key: int) -> str:
    return reverse("admin:ingestion_redecoding_change", args=[key])
