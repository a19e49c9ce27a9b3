"""Refusals are the point here; those that are looked for in logs are looked for on purpose."""

from tests.access.conftest import _no_logs_of_refusals

__all__ = ["_no_logs_of_refusals"]
