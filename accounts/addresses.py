"""Where a request comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["client_address"]


def client_address(request: HttpRequest) -> str:
    """Address of the peer. Headers are not looked at, since anybody can send them: behind a proxy
    the server process puts the real address here (see deploy/).
    """
    return str(request.META.get("REMOTE_ADDR", ""))
