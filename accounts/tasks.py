"""What runs by the clock."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from .services.seals import audit_seal

__all__ = ["seal_audit", "sessions_clear"]


@shared_task(name="accounts.seal_audit", ignore_result=True)
def seal_audit() -> None:
    """Seal the audit rows of the last minute."""
    audit_seal()


@shared_task(name="accounts.clear_sessions", ignore_result=True)
def sessions_clear() -> None:
    """Remove sessions that have expired."""
    call_command("clearsessions")
