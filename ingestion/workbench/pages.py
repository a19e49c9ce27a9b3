"""Pages of the workbench: where types begin, the bench itself, what differs between versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Activity
from accounts.services.activity import activity_record
from ingestion.services.device_types import device_type_create, fingerprint
from meters.definition import DefinitionError
from meters.definition.nodes import Mapping, plain, read_nodes
from meters.models import DeviceTypeVersion
from meters.quantities import Resource

from .access import companies_of, may_change, require_author, version_of
from .comparing import compared
from .limits import QUESTIONS, seconds_to_wait
from .samples import ENCODINGS
from .starting import MEASURED, STARTERS, StartForm
from .texts import is_of_language
from .words import page_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin import AdminSite
    from django.http import HttpRequest

    from .tables import Note

__all__ = ["compare_page", "export_file", "start_page", "version_page"]

_MOST_DRAFTS = 20
_MOST_VERSIONS = 200
_MOST_NOTES = 8
# The words of makers, which are the same in every language of the page.
_TABLE_EXAMPLE = (
    "Byte | Name | Type | Scale | Unit\n0-3 | Volume | uint32 | 0.001 | m³\n4.0 | Low battery"
)


def start_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The ways to begin a type; POST begins one and leads to its bench."""
    user: Any = request.user
    require_author(user)
    companies = companies_of(user)
    form = StartForm(companies=companies)
    too_often = request.method == "POST" and seconds_to_wait(user, QUESTIONS)
    if too_often:
        messages.error(request, _("Too many questions at once. Try again in a minute."))
    elif request.method == "POST":
        data = request.POST.copy()
        data.setdefault("company", str(companies[0].pk))
        form = StartForm(data, request.FILES, companies=companies)
        if form.is_valid():
            made = _begun(request, form)
            if made is not None:
                _tell(request, form.cleaned_data.get("notes", ()))
                return HttpResponseRedirect(reverse("admin:workbench_version", args=[made.pk]))
    context = {
        **site.each_context(request),
        "title": _("Device type workbench"),
        "form": form,
        "companies": companies,
        "starters": STARTERS,
        "encodings": encodings(),
        "resources": [(one, Resource(one).label) for one in MEASURED],
        "table_example": _TABLE_EXAMPLE,
        "drafts": _drafts(user),
    }
    status = 429 if too_often else 422 if form.errors else 200
    return TemplateResponse(request, "admin/workbench/start.html", context, status=status)


def _begun(request: HttpRequest, form: StartForm) -> DeviceTypeVersion | None:
    data, user = form.cleaned_data, request.user
    try:
        return device_type_create(
            actor=user,  # type: ignore[arg-type]
            company=data["company"],
            definition=data["definition"],
        )
    except ValidationError as error:
        form.add_error(None, error)
        return None


def _tell(request: HttpRequest, notes: Sequence[Note]) -> None:
    """What an imported table does not say; all of it stands at the top of the definition."""
    lost = [note for note in notes if note.lost]
    for note in lost[:_MOST_NOTES]:
        messages.warning(request, _("Not in the draft. %(note)s") % {"note": note})
    left = len(notes) - min(len(lost), _MOST_NOTES)
    if left:
        text = ngettext(
            "%(count)d more note on the table stands at the top of the definition.",
            "%(count)d more notes on the table stand at the top of the definition.",
            left,
        )
        messages.info(request, text % {"count": left})


def encodings() -> list[tuple[str, str]]:
    """How a telegram may be written."""
    names = (_("by itself"), _("hexadecimal"), _("base64"), _("text"))
    return list(zip(ENCODINGS, names, strict=True))


def _drafts(user: Any) -> Any:
    rows = DeviceTypeVersion.objects.visible_to(user, "change").select_related("device_type")
    drafts = rows.filter(status=DeviceTypeVersion.Status.DRAFT).defer("definition")
    return drafts.order_by("-updated_at")[:_MOST_DRAFTS]


def version_page(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """The bench of one version: its text, a telegram, and what comes of it."""
    user: Any = request.user
    version = version_of(user, pk)
    mine = may_change(user, version)
    draft = version.status == DeviceTypeVersion.Status.DRAFT
    versions = list(_versions(user, version))
    context = {
        **site.each_context(request),
        "title": _("Workbench: %(version)s") % {"version": version},
        "version": version,
        "editable": draft and mine,
        "may_change": mine,
        "may_roll_back": mine and version.status == DeviceTypeVersion.Status.RETIRED,
        "versions": versions,
        "others": [other for other in versions if other.pk != version.pk],
        "companies": companies_of(user),
        "base": fingerprint(version.definition),
        "sample": _first_telegram(version.definition),
        "encodings": encodings(),
        "universal": not is_of_language(version.definition) and not draft,
        "words": page_words(),
    }
    return TemplateResponse(request, "admin/workbench/version.html", context)


def _versions(user: Any, version: DeviceTypeVersion) -> Any:
    rows = DeviceTypeVersion.objects.visible_to(user).select_related("device_type", "published_by")
    # Texts are long, and a list shows none of them.
    rows = rows.defer("definition")
    return rows.filter(device_type=version.device_type_id).order_by("-number")[:_MOST_VERSIONS]


def _first_telegram(text: str) -> dict[str, Any]:
    """The telegram of the type's first test, to have something to look at."""
    try:
        root = read_nodes(text, name="definition")
    except DefinitionError:
        return {}
    tests = plain(root).get("tests") if isinstance(root, Mapping) else None
    first = tests[0] if isinstance(tests, list) and tests else None
    if not isinstance(first, dict) or not isinstance(first.get("payload"), str):
        return {}
    names = ("payload", "port", "topic", "device", "transport", "key", "authentication_key")
    sample = {name: first[name] for name in names if isinstance(first.get(name), str | int)}
    config = first.get("config")
    if isinstance(config, dict):
        sample["config"] = "\n".join(f"{key}: {value}" for key, value in config.items())
    return sample


def compare_page(request: HttpRequest, site: AdminSite, pk: int) -> HttpResponse:
    """What differs between this version and another of the same type (`?with=`)."""
    user: Any = request.user
    version = version_of(user, pk)
    others = [row for row in _versions(user, version) if row.pk != version.pk]
    asked = request.GET.get("with", "")
    before = [row for row in others if row.number < version.number]
    chosen = next((row for row in others if str(row.pk) == asked), None)
    other = chosen or next(iter(before or others), None)
    # The older one stands left, whichever of them the page was opened from.
    old, new = sorted((version, other), key=lambda row: row.number) if other else (version, version)
    context = {
        **site.each_context(request),
        "title": _("Compare versions"),
        "version": version,
        "other": other,
        "others": others,
        "sides": (old, new),
        "found": compared(old.definition, new.definition),
        "unfolded": "all" in request.GET,
    }
    return TemplateResponse(request, "admin/workbench/compare.html", context)


def export_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The definition as a file; whoever takes one away leaves a trace."""
    user: Any = request.user
    version = version_of(user, pk)
    name = f"{version.device_type.code}-v{version.number}.yaml"
    activity_record(
        user=user,
        kind=Activity.Kind.EXPORT,
        detail=_("Definition %(name)s") % {"name": name},
        company=version.device_type.company,
    )
    answer = HttpResponse(version.definition, content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = (
        f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"'
    )
    return answer
