"""What is done on the workbench: look up, call a service, report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ingestion.services.device_types import (
    device_type_duplicate,
    fingerprint,
    version_draft,
    version_publish,
    version_roll_back,
    version_save,
)
from meters.models import DeviceTypeVersion

from .access import companies_of, version_of

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["change", "duplicate", "save"]


def save(request: HttpRequest, pk: int) -> JsonResponse:
    """Keep the text of a draft; the answer has its name, and what the next saving starts from."""
    user: Any = request.user
    version = version_of(user, pk, action="change")
    try:
        row = _saved(request, version)
    except ValidationError as error:
        return JsonResponse({"refused": " ".join(error.messages)}, status=409)
    return JsonResponse({"base": fingerprint(row.definition), "title": str(row.device_type)})


def _saved(request: HttpRequest, version: DeviceTypeVersion) -> DeviceTypeVersion:
    return version_save(
        actor=request.user,  # type: ignore[arg-type]
        version=version,
        definition=request.POST.get("definition", ""),
        base=request.POST.get("base", ""),
    )


def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish, put back in force, or begin a new draft: what `do` says."""
    user: Any = request.user
    version = version_of(user, pk, action="change")
    deed = _DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        messages.error(request, _("Choose what is to be done."))
        return _bench(version)
    try:
        version, text = deed(request, version)
    except ValidationError as error:
        for message in error.messages[:10]:
            messages.error(request, message)
    else:
        messages.success(request, text)
    return _bench(version)


def _publish(request: HttpRequest, version: DeviceTypeVersion) -> tuple[DeviceTypeVersion, str]:
    """What stands in the editor is kept first, so that this is what is published."""
    user: Any = request.user
    if "definition" in request.POST:
        version = _saved(request, version)
    version_publish(actor=user, version=version, why=_why(request))
    return version, _("%(version)s is published.") % {"version": version}


def _roll_back(request: HttpRequest, version: DeviceTypeVersion) -> tuple[DeviceTypeVersion, str]:
    user: Any = request.user
    made = version_roll_back(actor=user, version=version, why=_why(request))
    values = {"version": made, "number": version.number}
    return made, _("%(version)s is published with the text of version %(number)d.") % values


def _draft(request: HttpRequest, version: DeviceTypeVersion) -> tuple[DeviceTypeVersion, str]:
    user: Any = request.user
    made = version_draft(actor=user, version=version)
    return made, _("This is a new draft; devices keep the published version until you publish it.")


_DEEDS: dict[str, Callable[[HttpRequest, DeviceTypeVersion], tuple[DeviceTypeVersion, str]]] = {
    "publish": _publish,
    "roll_back": _roll_back,
    "draft": _draft,
}


def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A type of one's own with the text of this version."""
    user: Any = request.user
    version = version_of(user, pk)
    companies = companies_of(user)
    if not companies:
        raise PermissionDenied
    asked = request.POST.get("company") or str(companies[0].pk)
    company = next((one for one in companies if str(one.pk) == asked), None)
    if company is None:
        raise PermissionDenied
    try:
        version = device_type_duplicate(actor=user, version=version, company=company)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("This is a copy of your own; give it its name and publish it."))
    return _bench(version)


def _why(request: HttpRequest) -> str:
    return request.POST.get("why", "").replace("\x00", "").strip()[:400]


def _bench(version: DeviceTypeVersion) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:workbench_version", args=[version.pk]))
