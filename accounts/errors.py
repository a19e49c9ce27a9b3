"""What can go wrong in this app, in words a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["AccountsError", "NotAllowed", "NotPossible"]


class AccountsError(Exception):
    """Base of every error of this app; `str()` is the translated sentence to show.

    field: name of the form field the sentence belongs to, "" for the whole form.
    """

    def __init__(self, message: str | _StrPromise, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(AccountsError):
    """The one who asks lacks the right; asking again changes nothing."""


class NotPossible(AccountsError):
    """The request contradicts what is there; the sentence says what to change."""
