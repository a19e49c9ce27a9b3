"""What runs by the clock."""

from __future__ import annotations

from celery import shared_task

from meters import partitions

__all__ = ["partitions_upkeep"]


@shared_task(name="meters.upkeep_partitions", ignore_result=True)
def partitions_upkeep() -> None:
    """Make the partitions of the coming months, drop those that retention has passed."""
    partitions.upkeep()
