"""What can go wrong in this app, in words a person can act on."""

from __future__ import annotations

__all__ = ["IngestionError"]


class IngestionError(Exception):
    """Base of every error of this app that a person reads; `permanent`: trying again is no use."""

    permanent = True
