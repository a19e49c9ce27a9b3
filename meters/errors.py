"""What can't be done to meters, in plain words."""

from __future__ import annotations

from django.core.exceptions import ValidationError

__all__ = ["MetersError"]


class MetersError(ValidationError):
    """The wish breaks a rule; the message is for the person who had it."""

    permanent = True

    def __str__(self) -> str:
        return " ".join(self.messages)
