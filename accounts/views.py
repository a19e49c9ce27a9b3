"""Pages of one's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from .errors import AccountsError
from .selectors import invitations_of
from .services.memberships import membership_accept, membership_decline

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from .models import User

__all__ = ["InvitationsView"]


class InvitationsView(LoginRequiredMixin, TemplateView):
    """Invitations that wait for one's answer; POST `membership` and `answer` (accept, decline)."""

    template_name = "accounts/invitations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = cast("User", self.request.user)
        return super().get_context_data(invitations=invitations_of(user), **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        user = cast("User", request.user)
        wanted = request.POST.get("membership", "")
        pk = int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0
        membership = get_object_or_404(invitations_of(user), pk=pk)
        try:
            if request.POST.get("answer") == "accept":
                membership_accept(user=user, membership=membership)
                messages.success(request, _("You accepted the invitation."))
            else:
                membership_decline(user=user, membership=membership)
                messages.info(request, _("You declined the invitation."))
        except AccountsError as error:
            messages.error(request, str(error))
        return redirect("invitations")
