"""What runs by the clock."""

from __future__ import annotations

from celery import shared_task

from ingestion.interval_parts import parts_forget
from ingestion.services.redecoding import late_changes_propose
from ingestion.services.wide_redecoding import redecodings_work

__all__ = ["carry_on_redecodings", "forget_interval_parts", "propose_late_changes"]


@shared_task(name="ingestion.propose_late_changes", ignore_result=True)
def propose_late_changes() -> None:
    """Work out what installations entered or corrected late change in the archive."""
    late_changes_propose()


@shared_task(name="ingestion.forget_interval_parts", ignore_result=True)
def forget_interval_parts() -> None:
    """Delete parts of intervals that were never completed."""
    parts_forget()


@shared_task(name="ingestion.carry_on_redecodings", ignore_result=True)
def carry_on_redecodings() -> None:
    """Go on with second decodings of device types and companies."""
    redecodings_work()
