"""Forms of the sign-in pages that differ from allauth's."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ResetPasswordForm

__all__ = ["PasswordResetForm"]


class PasswordResetForm(ResetPasswordForm):  # type: ignore[misc]
    """Sends the link to the account's own address only, not to one that waits to be proven."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        found: list[Any] = self.users  # type: ignore[has-type]
        self.users = [user for user in found if user.email.lower() == email.lower()]
        return email
