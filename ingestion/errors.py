"""What can go wrong in this app, in words a person can act on."""

from __future__ import annotations

from django.core.exceptions import ValidationError

__all__ = ["IngestionError"]


class IngestionError(ValidationError):
    """Base of every error of this app that a person reads; `permanent`: trying again is no use."""

    permanent = True

    def __str__(self) -> str:
        return " ".join(self.messages)
