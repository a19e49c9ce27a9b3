"""Sessions of a user: ended one by one or all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.usersessions.models import UserSession

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["sessions_end"]


def sessions_end(*, user: User, keep: str | None = None) -> int:
    """Sign the user out everywhere but in the session with the key `keep`; how many ended."""
    ended = 0
    for session in UserSession.objects.filter(user_id=user.pk).exclude(session_key=keep or ""):
        session.end()
        ended += 1
    return ended
