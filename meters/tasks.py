"""What runs by the clock."""

from __future__ import annotations

import time

from celery import shared_task

from meters import partitions
from meters.rollups.months import months_catch_up
from meters.rollups.running import roll_up
from meters.services.commands import commands_expire
from meters.services.usage_points import connections_settle

__all__ = [
    "commands_expire_late",
    "connections_take_effect",
    "nodes_roll_up",
    "partitions_upkeep",
]

# A task gives its place in the worker up after so long; the next one goes on.
_ROLL_UP_SECONDS = 30.0
# Months wait this long, so that what arrives together is summed once.
_MONTHS_WAIT = 20


@shared_task(name="meters.upkeep_partitions", ignore_result=True)
def partitions_upkeep() -> None:
    """Make the partitions of the coming months, drop those that retention has passed."""
    partitions.upkeep()


@shared_task(name="meters.roll_up", ignore_result=True)
def nodes_roll_up() -> None:
    """Bring days and months up to date; leaves it to the roll-up that is running, if one is."""
    until = time.monotonic() + _ROLL_UP_SECONDS
    done = roll_up(wait=False)
    while done is not None and done.more and time.monotonic() < until:
        done = roll_up(wait=False)
    if done is not None and not done.more:
        months_catch_up(waited=_MONTHS_WAIT)


@shared_task(name="meters.settle_connections", ignore_result=True)
def connections_take_effect() -> None:
    """Let connections that begin or end today be those in force."""
    connections_settle()


@shared_task(name="meters.expire_commands", ignore_result=True)
def commands_expire_late() -> None:
    """End commands that were not sent, or not confirmed, while they were valid."""
    commands_expire()
