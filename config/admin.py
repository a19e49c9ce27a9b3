"""The administration: one site, its index grouped by work instead of by app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

__all__ = ["ReadoutAdminSite"]


class Group(NamedTuple):
    """A card of the index: models that are used for one kind of work."""

    key: str
    name: _StrPromise
    description: _StrPromise
    models: tuple[str, ...]


GROUPS = (
    Group(
        "network",
        _("Places and networks"),
        _("Streets, buildings and apartments; sources, feeders and inlets."),
        ("hierarchy.node",),
    ),
    Group(
        "metering",
        _("Metering"),
        _("Where resources are measured, and the meters that measure them."),
        (
            "meters.usagepoint",
            "meters.meter",
            "meters.installation",
            "meters.telemetrymodule",
        ),
    ),
    Group(
        "collection",
        _("Collection"),
        _("What came from devices and could not be stored, what they told, and their keys."),
        (
            "ingestion.quarantine",
            "meters.deviceevent",
            "meters.command",
            "ingestion.modulekey",
            "ingestion.claim",
            "ingestion.moduleinput",
            "ingestion.mqttlogin",
            "ingestion.redecoding",
        ),
    ),
    Group(
        "types",
        _("Device types"),
        _("What meters and modules can tell, and how it is decoded."),
        ("meters.devicetype", "meters.devicetypeversion", "meters.readingtype"),
    ),
    Group(
        "people",
        _("People and rights"),
        _("The company, its users, and what their roles allow."),
        ("accounts.company", "accounts.user", "accounts.membership", "accounts.role"),
    ),
    Group(
        "trace",
        _("Audit"),
        _("Who did what, when, from where and why."),
        ("accounts.auditentry",),
    ),
)
_OTHERS = Group("platform", _("Platform"), _("What keeps the server itself running."), ())


class ReadoutAdminSite(admin.AdminSite):
    """The admin of Django behind the product's own sign-in and grants."""

    site_header = _("Readout administration")
    site_title = _("Readout")
    index_title = _("Administration")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        # Somebody signed in who is sent here may not enter; signing in again would not help.
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/admin/"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from allauth.account.views import LogoutView

        return LogoutView.as_view()(request)

    def get_urls(self) -> list[Any]:
        from ingestion.workbench.urls import workbench_urls

        # "View on site" looks rows up by content type and key, past the one door.
        urls = [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]
        return [*workbench_urls(self), *urls]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {
            f"{app['app_label']}.{model['model']._meta.model_name}": model
            for app in apps
            for model in app["models"]
        }
        cards = [
            _card(group, [models.pop(key) for key in group.models if key in models])
            for group in GROUPS
        ]
        cards.append(_card(_OTHERS, list(models.values())))
        return [card for card in cards if card["models"]]


def _card(group: Group, models: list[Any]) -> dict[str, Any]:
    """A group in the form that Django's templates know apps by."""
    return {
        "name": group.name,
        "description": group.description,
        "app_label": group.key,
        "app_url": "",
        "has_module_perms": True,
        "models": models,
    }
