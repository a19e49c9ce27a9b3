"""What can't be done to a tree, in plain words."""

from __future__ import annotations

from django.core.exceptions import ValidationError

__all__ = ["HierarchyError"]


class HierarchyError(ValidationError):
    """The wish breaks a rule of the tree; the message is for the person who had it."""

    permanent = True

    def __str__(self) -> str:
        return " ".join(self.messages)
