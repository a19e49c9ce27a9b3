"""Forms of the sign-in pages that differ from allauth's."""

from __future__ import annotations

from allauth.account.forms import ResetPasswordForm

__all__ = ["PasswordResetForm"]


class PasswordResetForm(ResetPasswordForm):  # type: ignore[misc]
    """Sends the link to the account's own address only, not to one that waits to be proven."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users = [user for user in self.users if user.email.lower() == email.lower()]
        return email
