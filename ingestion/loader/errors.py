"""Why a batch could not be loaded."""

from __future__ import annotations

__all__ = ["ArchiveUnavailable", "LoadError", "Raced"]


class LoadError(Exception):
    """Nothing of the batch was stored; `permanent` tells whether trying again is of use."""

    permanent = True


class ArchiveUnavailable(LoadError):
    """The database is away, full or overloaded: do not acknowledge, try again later."""

    permanent = False


class Raced(LoadError):
    """Another process changed the same blocks meanwhile; the batch is loaded from its start."""

    permanent = False
