"""The administration: one site, its index grouped by work instead of by app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["ReadoutAdminSite"]


class ReadoutAdminSite(admin.AdminSite):
    """The admin of Django behind the product's own sign-in and grants."""

    site_header = _("Readout administration")
    site_title = _("Readout")
    index_title = _("Administration")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.user.is_authenticated:
            from django.core.exceptions import PermissionDenied

            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/admin/"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from allauth.account.views import LogoutView

        return LogoutView.as_view()(request)
