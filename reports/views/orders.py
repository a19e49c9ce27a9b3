"""The page on which readings of a usage point are ordered, and what became of earlier orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from ingestion.forms import ArchiveForm, ReadNowForm
from ingestion.services.commands import archive_reading_request, registers_reading_request
from meters.models import Command, UsagePoint
from meters.selectors.commands import usage_points_orderable

from .asked import one_or_404

if TYPE_CHECKING:
    from collections.abc import Callable

    from django import forms
    from django.http import HttpRequest, HttpResponse

__all__ = ["usage_point_order"]

_SHOWN = 10
# What the button says → its form, and the service that takes what the form holds.
_ORDERS: dict[str, tuple[type[forms.Form], Callable[..., list[Command]]]] = {
    "now": (ReadNowForm, registers_reading_request),
    "archive": (ArchiveForm, archive_reading_request),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def usage_point_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the meter read now, or the archive of some days sent again."""
    rows = UsagePoint.objects.visible_to(request.user).select_related("company", "place")
    point = one_or_404(rows, pk)
    if not usage_points_orderable(request.user).filter(pk=point.pk).exists():
        raise PermissionDenied
    asked = request.POST.get("order") if request.method == "POST" else None
    forms_shown = {
        f"{name}_form": form(request.POST if name == asked else None, prefix=name)
        for name, (form, _service) in _ORDERS.items()
    }
    if asked in _ORDERS and _ordered(request, point, asked, forms_shown[f"{asked}_form"]):
        return redirect("usage_point_order", pk=point.pk)
    orders = Command.objects.visible_to(request.user).filter(usage_point=point)
    context: dict[str, Any] = {
        "point": point,
        "orders": orders.select_related("module", "requested_by").order_by("-pk")[:_SHOWN],
        **forms_shown,
    }
    return render(request, "reports/order.html", context)


def _ordered(request: HttpRequest, point: UsagePoint, asked: str, form: forms.Form) -> bool:
    """Whether it was; else the form says what is wrong."""
    if not form.is_valid():
        return False
    _form, service = _ORDERS[asked]
    try:
        made = len(service(actor=request.user, usage_point=point, **form.cleaned_data))
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    text = ngettext(
        "%(count)d order waits until the module calls.",
        "%(count)d orders wait until the module calls.",
        made,
    )
    messages.success(request, text % {"count": made})
    return True
